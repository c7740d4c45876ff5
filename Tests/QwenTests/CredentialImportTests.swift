import Testing
import Vault

@testable import Qwen

struct CredentialImportTests {
    private func parse(_ text: String, _ fileName: String = "oauth_creds.json") throws -> CredentialImport.Parsed {
        try CredentialImport.parse(Array(text.utf8), fileName: fileName)
    }

    @Test func readsTheFileOfQwenCode() throws {
        let parsed = try parse(
            """
            {
              "access_token": "eyJ.a-b_c",
              "refresh_token": "rt_1",
              "id_token": "ignored",
              "token_type": "Bearer",
              "resource_url": "portal.qwen.ai",
              "expiry_date": 1795700000000
            }
            """)
        #expect(
            parsed
                == CredentialImport.Parsed(
                    credential: OAuthCredential(
                        accessToken: "eyJ.a-b_c", refreshToken: "rt_1", resourceURL: "portal.qwen.ai",
                        expiry: 1_795_700_000_000),
                    suggestedName: "qwen", label: nil))
    }

    @Test(arguments: [
        (#","expiry_date":1795700000"#, 1_795_700_000_000), (#","expiry_date":1795700000.5"#, 1_795_700_000_500),
        (#","expiry_date":1.7957e12"#, 1_795_700_000_000), (#","expiry_date":0"#, 0), (#","expiry_date":null"#, 0),
        ("", 0),
    ]) func toleratesSecondsAndNoDateAtAll(date: String, expiry: Int64) throws {
        let parsed = try parse(#"{"access_token":"a","refresh_token":"r"\#(date)}"#)
        #expect(
            parsed.credential
                == OAuthCredential(accessToken: "a", refreshToken: "r", resourceURL: nil, expiry: expiry))
    }

    @Test func readsTheFileOfCLIProxyAPI() throws {
        let parsed = try parse(
            """
            {"type":"qwen","access_token":"a","refresh_token":"r","resource_url":"portal.qwen.ai",
             "email":"me@example.com","expired":"2026-11-26T18:13:20+08:00","last_refresh":"2026-11-26T12:13:20+08:00"}
            """, "/home/me/.cli-proxy-api/qwen-me@example.com.json")
        #expect(parsed.credential.expiry == 1_795_688_000_000)
        #expect(parsed.label == "me@example.com")
        #expect(parsed.suggestedName.hasPrefix("qwen-me-example.com-"))
    }

    @Test(arguments: [
        (#"{"refresh_token":"CANARY"}"#, ["access_token missing"]),
        (#"{"access_token":"CANARY"}"#, ["refresh_token missing"]),
        (#"{"access_token":"","refresh_token":null,"x":"CANARY"}"#, ["access_token and refresh_token missing"]),
        (#"{"access_token":7,"refresh_token":"CANARY"}"#, ["access_token is not a string"]),
        (#"{"access_token":"CANARY\r\nx: y","refresh_token":"r"}"#, ["access_token has characters"]),
        (#"{"access_token":"a","refresh_token":"CANARY é"}"#, ["refresh_token has characters"]),
        (#"{"access_token":"CANARY","refresh_token":"r","resource_url":"a b"}"#, ["resource_url has characters"]),
        (#"{"access_token":"CANARY","refresh_token":"r","token_type":"mac"}"#, ["token_type is not Bearer"]),
        (#"{"access_token":"CANARY","refresh_token":"r","expiry_date":"soon"}"#, ["expiry_date is not a number"]),
        (#"{"access_token":"CANARY","refresh_token":"r","expiry_date":-1}"#, ["expiry_date is not a number"]),
        (#"{"access_token":"CANARY","refresh_token":"r","expiry_date":1e300}"#, ["expiry_date is not a number"]),
        (#"{"access_token":"CANARY","refresh_token":"r","expired":"tomorrow"}"#, ["\"expired\"", "RFC 3339"]),
        (#"{"type":"gemini","access_token":"CANARY","refresh_token":"r"}"#, ["no login for Qwen"]),
        (#"{"access_token":"CANARY","access_token":"b","refresh_token":"r"}"#, ["not valid JSON"]),
        (#"{"access_token":"CANARY""#, ["not valid JSON"]), ("", ["not valid JSON"]),
        (#"["CANARY"]"#, ["no JSON object"]),
        ("QGSEALED\u{1}CANARY", ["sealed"]),
    ]) func saysWhatIsMissingOrWrongAndNoToken(text: String, parts: [String]) {
        let error = #expect(throws: CredentialStoreError.self) { _ = try parse(text, "some/file.json") }
        #expect(error?.code == .unusableImport)
        for part in parts + ["some/file.json"] {
            #expect(error?.reason.contains(part) == true, "\(error?.reason ?? "")")
        }
        #expect(error?.reason.contains("CANARY") == false)
    }

    @Test(arguments: [
        ("oauth_creds.json", "qwen"), ("/a/b.c/oauth_creds.json", "qwen"), ("oauth_creds_work.json", "work"),
        ("oauth_creds_a.b-c_9.json", "a.b-c_9"), ("team.json", "team"), ("team", "team"),
    ]) func namesComeFromFiles(file: String, name: String) {
        #expect(CredentialImport.suggestedName(for: file) == name)
    }

    @Test func namesAreValidAndNeverTheSameForTwoFiles() {
        let files = [
            "oauth_creds.json", "oauth_creds_qwen.json", "oauth_creds_Qwen.json", "oauth_creds_work.json",
            "oauth_creds_Work.json", "oauth_creds_WORK.json", "oauth_creds_me@example.com.json",
            "oauth_creds_me-example.com.json", "oauth_creds__.json", "oauth_creds_é.json", "oauth_creds_è.json",
            "oauth_creds_../x.json", "oauth_creds_\(String(repeating: "a", count: 64)).json",
            "oauth_creds_\(String(repeating: "a", count: 65)).json",
            "oauth_creds_\(String(repeating: "a", count: 66)).json",
        ]
        let names = files.map(CredentialImport.suggestedName)
        #expect(Set(names).count == files.count, "\(names)")
        for name in names { #expect(Vault.isName(name), "\(name)") }
    }

    @Test(arguments: [
        ("oauth_creds.json", true), ("oauth_creds_a.json", true), ("oauth_creds_.json", false),
        ("oauth_credsa.json", false), ("oauth_creds.lock", false), ("oauth_creds.json.tmp", false),
        ("x_oauth_creds.json", false), ("oauth_creds.jso", false),
    ]) func plaintextFilesAreKnownByName(name: String, isPlaintext: Bool) {
        #expect(CredentialImport.isPlaintextName(name) == isPlaintext)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-25T09:30:00Z", 1_795_599_000_000),
        ("2026-11-25t09:30:00.5z", 1_795_599_000_500), ("2026-11-25 09:30:00.1239Z", 1_795_599_000_123),
        ("2026-11-25T17:30:00+08:00", 1_795_599_000_000), ("2026-11-24T23:30:00.000000000-10:00", 1_795_599_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2000-03-01T00:00:00Z", 951_868_800_000),
        ("1969-12-31T23:59:59Z", -1000), ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("9999-12-31T23:59:60Z", 253_402_300_800_000),
    ]) func timesOfRFC3339(text: String, milliseconds: Int64) {
        #expect(RFC3339.milliseconds(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-25", "2026-11-25T09:30:00", "2026-11-25T09:30Z", "2026-13-25T09:30:00Z", "2026-00-25T09:30:00Z",
        "2026-02-29T09:30:00Z", "1900-02-29T00:00:00Z", "2026-11-31T09:30:00Z", "2026-11-25T24:00:00Z",
        "2026-11-25T09:60:00Z", "2026-11-25T09:30:61Z", "2026-11-25T09:30:00.Z", "2026-11-25T09:30:00+8:00",
        "2026-11-25T09:30:00+24:00", "2026-11-25T09:30:00Z ", "+026-11-25T09:30:00Z", "2026-11-25T09:30:00",
    ]) func textsThatAreNoTimes(text: String) {
        #expect(RFC3339.milliseconds(text) == nil)
    }
}
