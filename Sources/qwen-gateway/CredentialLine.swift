import JSON
import NIOCore
import Qwen

/// What `credentials list` says of one: nothing secret.
struct CredentialLine {
    let name: String
    /// `api_key`, `oauth`, or `unreadable`.
    let kind: String
    let details: String

    init(_ entry: CredentialStoreEntry, now: Int64) {
        name = entry.name
        switch entry.content {
        case .success(let stored):
            switch stored.credential {
            case .apiKey(let key):
                kind = "api_key"
                details = key.baseURL
            case .oauth(let tokens):
                kind = "oauth"
                let place = PortalBaseURL.resolve(tokens.resourceURL).description
                let left = (tokens.expiry - now) / 1000
                details = "\(place), access token \(left > 0 ? "good for \(left) s" : "expired")"
            }
        case .failure(let error):
            kind = "unreadable"
            details = error.reason
        }
    }

    static func table(_ lines: [CredentialLine]) -> String {
        if lines.isEmpty { return "No credentials are kept." }
        let width = lines.map { $0.name.count }.max() ?? 0
        return lines.map { line in
            line.name + String(repeating: " ", count: width - line.name.count + 2) + "\(line.kind)  \(line.details)"
        }.joined(separator: "\n")
    }

    static func json(_ lines: [CredentialLine]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for line in lines {
            writer.beginObject()
            writer.member("name", .string(line.name))
            writer.member("kind", .string(line.kind))
            writer.member("details", .string(line.details))
            writer.endObject()
        }
        writer.endArray()
        return String(buffer: writer.buffer)
    }
}
