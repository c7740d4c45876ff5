internal import JSON
internal import NIOCore

/// Reads the files in which other programs keep a Qwen login, in plain text:
///
/// - qwen-code's `~/.qwen/oauth_creds.json`, also one for each account, `oauth_creds_<account>.json`:
///   `access_token`, `refresh_token`, `token_type`, `resource_url`, `expiry_date` in milliseconds. qwen-code takes a
///   file for none unless the tokens and the type are non-empty strings and the date is a number other than 0.
/// - The same with a date in seconds, or without date, type or URL, as other programs have written it.
/// - CLIProxyAPI's `qwen-….json`: `"type":"qwen"`, the tokens, `email`, and `expired` in RFC 3339.
///
/// What is present must be of the right kind. Without a date the tokens count as expired and are refreshed first.
package enum CredentialImport {
    /// The name that `oauth_creds.json` is stored under.
    package static let defaultName = "qwen"

    /// What a file held.
    package struct Parsed: Sendable, Equatable {
        package let credential: OAuthCredential
        /// A name for the store, made from the file's name and different for each file's name.
        package let suggestedName: String
        /// The account's address, where the file tells it.
        package let label: String?
    }

    /// Reads a file's content.
    ///
    /// - Parameter fileName: with or without directories in front; errors name it.
    /// - Throws: `unusableImport` with what is missing or wrong, and no token.
    package static func parse(_ bytes: [UInt8], fileName: String) throws(CredentialStoreError) -> Parsed {
        do throws(CredentialImportFault) {
            return try parse(bytes, name: suggestedName(for: fileName))
        } catch {
            throw CredentialStoreError(.unusableImport, "\(fileName) cannot be imported: \(error.reason)")
        }
    }

    private static func parse(_ bytes: [UInt8], name: String) throws(CredentialImportFault) -> Parsed {
        guard !bytes.starts(with: "QGSEALED".utf8) else {
            throw CredentialImportFault("it is a sealed credential; only the store it was made in can use it")
        }
        var document = JSONDocument()
        var text = ByteBuffer(bytes: bytes)
        defer {
            document.removeAll()
            text.wipe()
        }
        do throws(JSONError) {
            try document.scan(text, limits: JSONLimits(depth: 64, nodes: 100_000))
            try document.checkUniqueKeys(of: document.root)
        } catch {
            throw CredentialImportFault("it is not valid JSON (at byte \(error.offset))")
        }
        guard document.kind(of: document.root) == .object else { throw CredentialImportFault("it is no JSON object") }
        if let type = try document.importedText("type"), type != "qwen" {
            throw CredentialImportFault("its \"type\" says that it is no login for Qwen")
        }
        return try Parsed(
            credential: credential(in: document), suggestedName: name, label: document.importedText("email"))
    }

    private static func credential(
        in document: borrowing JSONDocument
    ) throws(CredentialImportFault) -> OAuthCredential {
        let accessToken = try document.importedText("access_token")
        let refreshToken = try document.importedText("refresh_token")
        guard let accessToken, let refreshToken else {
            let missing = [accessToken == nil ? "access_token" : nil, refreshToken == nil ? "refresh_token" : nil]
                .compactMap { $0 }.joined(separator: " and ")
            throw CredentialImportFault(
                "\(missing) missing or empty. Take the whole file of a login that works, or log in with"
                    + " `qwen-gateway login`")
        }
        let tokenType = try document.importedText("token_type") ?? "Bearer"
        guard tokenType.lowercased() == "bearer" else { throw CredentialImportFault("its token_type is not Bearer") }
        let resourceURL = try document.importedText("resource_url")
        for (member, text) in [
            ("access_token", accessToken), ("refresh_token", refreshToken), ("resource_url", resourceURL ?? ""),
        ] where !text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            // They become part of a request's head.
            throw CredentialImportFault("its \(member) has characters in it that none has")
        }
        return try OAuthCredential(
            accessToken: accessToken, refreshToken: refreshToken, tokenType: "Bearer", resourceURL: resourceURL,
            expiry: expiry(in: document))
    }

    /// When the access token expires, in milliseconds since 1970; 0 where the file does not tell.
    private static func expiry(in document: borrowing JSONDocument) throws(CredentialImportFault) -> Int64 {
        if let node = document.member("expiry_date", of: document.root), !document.isNull(node) {
            guard let number = document.double(node), number >= 0, number < 1e15 else {
                throw CredentialImportFault("its expiry_date is not a number of milliseconds since 1970")
            }
            // 10^11 is in the year 1973 as milliseconds, in the year 5138 as seconds.
            return Int64(number < 1e11 ? number * 1_000 : number)
        }
        if let text = try document.importedText("expired") {
            guard let time = RFC3339.milliseconds(text) else {
                throw CredentialImportFault("its \"expired\" is not a time as RFC 3339 has it")
            }
            return time
        }
        return 0
    }
}

/// What is wrong with a file to be imported.
private struct CredentialImportFault: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

extension JSONDocument {
    /// A string, nil if it is missing, null or empty.
    fileprivate func importedText(_ name: StaticString) throws(CredentialImportFault) -> String? {
        guard let node = member(name, of: root), !isNull(node) else { return nil }
        guard let text = string(node) else { throw CredentialImportFault("its \(name) is not a string") }
        return text.isEmpty ? nil : text
    }
}
