import EventStream
import HTTP
import JSON
import NIOCore
import Qwen

enum QwenTargets {
    /// Any bytes as the body of an error, and as an event of a stream.
    static func fault(_ input: [UInt8]) {
        let body = ByteBuffer(bytes: input)
        var choices = Choices(input)
        for status in [200, 400, 429, 500, 503] {
            var fields = HeaderFields()
            if choices.chance(20) { fields.append("content-type", "text/html; charset=utf-8") }
            if choices.chance(20) { fields.append(name: "retry-after", value: String(choices.below(100))) }
            checkFault(QwenFault(body: body, status: status, fields: fields, unixTime: 1_795_000_000))
        }
        var field = HeaderFields()
        field.append(name: "retry-after", value: String(decoding: input, as: UTF8.self))
        checkFault(QwenFault(body: ByteBuffer(), status: 429, fields: field, unixTime: 1_795_000_000))

        var document = JSONDocument()
        for name in [nil, ByteBuffer(string: "error")] {
            let event = ServerSentEvent(data: body, name: name, status: choices.chance(20) ? 429 : nil)
            if let fault = QwenFault(event, document: &document) { checkFault(fault) }
        }
    }

    private static func checkFault(_ fault: QwenFault) {
        check((fault.code?.utf8.count ?? 0) <= QwenFault.longestCode, "a code that is too long")
        check((fault.requestID?.utf8.count ?? 0) <= QwenFault.longestCode, "a request's name that is too long")
        check((fault.message?.utf8.count ?? 0) <= QwenFault.longestMessage, "a message that is too long")
        check(!fault.words.isEmpty, "an error without words")
        if let wait = fault.retryAfter { check(wait >= .zero, "a wait into the past") }
        if let status = fault.status { check((100...999).contains(status), "the status \(status)") }
        _ = FaultPolicy(fault.kind)
    }

    /// Any bytes as another program's file of a login.
    static func credentialImport(_ input: [UInt8]) {
        do throws(CredentialStoreError) {
            let login = try CredentialImport.parse(input, fileName: "oauth_creds.json")
            for token in [login.credential.accessToken, login.credential.refreshToken ?? "-"] {
                check(!token.isEmpty && token.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "no token")
            }
            check(!"\(login)".contains(login.credential.accessToken) || login.credential.accessToken.count < 12, "told")
        } catch {
            let text = "\(error)"
            for secret in strings(of: input) where secret.utf8.count >= 12 && !isPublic(secret) {
                check(!text.contains(secret), "the error tells a value of the file")
            }
        }
    }

    /// Words that errors have of their own.
    private static func isPublic(_ text: String) -> Bool {
        let own =
            "oauth_creds.json cannot be imported: access_token and refresh_token missing or empty. Take the whole file "
            + "of a login that works, or log in with `qwen-gateway login` resource_url token_type expiry_date is not "
            + "a number of milliseconds since 1970 its \"expired\" is not a time as RFC 3339 has it"
        return own.contains(text)
    }

    private static func strings(of input: [UInt8]) -> [String] {
        var document = JSONDocument()
        guard (try? document.scan(ByteBuffer(bytes: input))) != nil else { return [] }
        var values: [String] = []
        for member in document.members(of: document.root) {
            if let value = document.string(member.value) { values.append(value) }
        }
        return values
    }
}
