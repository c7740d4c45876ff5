import JSON
package import NIOCore

/// What the authorization server has answered, whole. Its body may hold tokens, so it does not print itself.
package struct OAuthAnswer: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package let status: Int
    /// The `content-type` field.
    package let contentType: String?
    package let body: ByteBuffer

    /// The longest body that is read, in bytes: a transport may stop there.
    package static let longestBody = 64 * 1024

    package init(status: Int, contentType: String?, body: ByteBuffer) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package var description: String { "\(status) with \(body.readableBytes) bytes" }
    package var customMirror: Mirror { Mirror(self, children: []) }

    var isSuccess: Bool { (200..<300).contains(status) }
}

/// What an answer says, whatever its status.
enum OAuthContent<Grant: Sendable & Equatable>: Sendable, Equatable {
    /// What was asked for.
    case granted(Grant)
    case refused(OAuthServerError)
    /// A JSON object that neither grants anything nor names an error.
    case nothing
    /// No JSON object at all.
    case unreadable(UnreadableBody)
}

/// A body that is no JSON object.
enum UnreadableBody: Error, Sendable, Equatable {
    case empty
    /// A web page: of a firewall, a proxy, or of an endpoint that is no more.
    case html
    case other

    /// What there was instead, for a sentence.
    var words: String {
        switch self {
        case .empty: "an empty body"
        case .html: "a web page"
        case .other: "a body that is not a JSON object"
        }
    }
}

/// An error that the server names (RFC 6749 §5.2, RFC 8628 §3.5).
struct OAuthServerError: Sendable, Equatable {
    let code: String
    /// The server's sentence: it may repeat secrets, and is shown through `ServerText` only.
    let description: String?
}

extension OAuthAnswer {
    /// Reads the answer: first what `grant` finds in the object, then an error.
    func content<Grant>(_ grant: (borrowing OAuthObject) -> Grant?) -> OAuthContent<Grant> {
        let object: OAuthObject
        do throws(UnreadableBody) {
            object = try OAuthObject(self)
        } catch {
            return .unreadable(error)
        }
        if isSuccess, object.error == nil, let grant = grant(object) { return .granted(grant) }
        return object.error.map { .refused($0) } ?? .nothing
    }
}

/// The JSON object of an answer.
struct OAuthObject: ~Copyable {
    private let document: JSONDocument
    /// The error it names, if any. A member `error` that is null or empty is none.
    let error: OAuthServerError?

    private static let limits = JSONLimits(depth: 16, nodes: 1000, bytes: OAuthAnswer.longestBody)

    init(_ answer: OAuthAnswer) throws(UnreadableBody) {
        let text = answer.body.readableBytesView.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        guard let first = text.first else { throw .empty }
        guard first != UInt8(ascii: "<") else { throw .html }
        var document = JSONDocument()
        do throws(JSONError) {
            try document.scan(answer.body, limits: Self.limits)
            // Which of two tokens is meant? The next reader of the answer may choose the other one.
            try document.checkUniqueKeys(of: document.root)
        } catch {
            throw answer.contentType?.lowercased().hasPrefix("text/html") == true ? .html : .other
        }
        guard document.kind(of: document.root) == .object else { throw .other }
        error = Self.error(in: document)
        self.document = document
    }

    /// A string that is not empty.
    borrowing func text(_ name: StaticString) -> String? {
        Self.text(name, of: document.root, in: document)
    }

    /// A string that is not empty and may stand in a header field or a line of a terminal: printable ASCII without
    /// spaces, `longest` bytes at most.
    borrowing func word(_ name: StaticString, longest: Int) -> String? {
        guard let text = text(name), text.utf8.count <= longest, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        return text
    }

    /// A number of seconds above zero, written as a number or as a string of digits, in milliseconds; no longer than
    /// `longest`.
    borrowing func milliseconds(_ name: StaticString, longest: Int64) -> Int64? {
        guard let node = document.member(name, of: document.root),
            let seconds = document.double(node) ?? document.string(node).flatMap({ Double($0) }), seconds > 0
        else { return nil }
        return Int64(min(seconds * 1000, Double(longest)).rounded(.up))
    }

    /// `{"error":"code","error_description":"…"}` is OAuth's form; Qwen's API has others, and its edge answers in them.
    private static func error(in document: borrowing JSONDocument) -> OAuthServerError? {
        let root = document.root
        if let code = text("error", of: root, in: document) {
            return OAuthServerError(code: code, description: text("error_description", of: root, in: document))
        }
        let object: JSONNode
        if let error = document.member("error", of: root), document.kind(of: error) == .object {
            object = error
        } else if document.member("error", of: root) == nil {
            object = root
        } else {
            return nil
        }
        guard let code = text("code", of: object, in: document) ?? text("type", of: object, in: document) else {
            return nil
        }
        return OAuthServerError(code: code, description: text("message", of: object, in: document))
    }

    private static func text(_ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument) -> String?
    {
        guard let node = document.member(name, of: object), let text = document.string(node) else { return nil }
        return text.isEmpty ? nil : text
    }
}
