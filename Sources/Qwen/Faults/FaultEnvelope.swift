import JSON
import NIOCore

/// What an error says, in whichever shape, before anybody has judged what it means.
struct FaultEnvelope: Sendable, Equatable {
    /// What the error was written as.
    enum Form: Sendable, Equatable {
        case json, text, html, empty
    }

    var form = Form.empty
    /// Everything that may be a code, the most telling first: `error.code`, `error.type`, and what stands in front of
    /// the message.
    var codes: [String] = []
    var message: String?
    /// A status that the body itself gives.
    var status: Int?
    /// `<429>` in front of the message: the status that an error really has, whatever HTTP says.
    var statusInMessage: Int?
    var requestID: String?

    init() {}

    /// Reads a scanned document: OpenAI's object, a flat `code` and `message`, a string, a failed Responses object, the
    /// portal's `errorType`, or a chunk that finished with `error_finish`.
    init(_ document: borrowing JSONDocument, depth: Int = 0) {
        form = .json
        let root = document.root
        guard document.kind(of: root) == .object else {
            take(message: document.string(root), depth: depth)
            return
        }
        let response = document.member("response", of: root)
        if let error = Self.error(of: root, in: document) ?? response.flatMap({ Self.error(of: $0, in: document) }) {
            if document.kind(of: error) == .object {
                take(error, in: document, depth: depth)
            } else {
                take(message: Self.text(error, in: document), depth: depth)
            }
        } else if document.member("choices", of: root) != nil {
            take(message: Self.text(ofChoicesIn: document), depth: depth)
        } else {
            take(root, in: document, depth: depth)
        }
        requestID = requestID ?? Self.requestID(of: root, in: document)
        if status == nil { status = Self.status(of: root, in: document) }
    }

    /// A plain sentence: an `error_finish` chunk's text, or that of a proxy.
    init(text: String, depth: Int = 0) {
        form = .text
        take(message: text, depth: depth)
    }

    // MARK: Parts

    /// The `error` member, if there is one that is not null.
    private static func error(of object: JSONNode, in document: borrowing JSONDocument) -> JSONNode? {
        guard let error = document.member("error", of: object), !document.isNull(error) else { return nil }
        return error
    }

    /// Takes code, type and message of an object.
    private mutating func take(_ object: JSONNode, in document: borrowing JSONDocument, depth: Int) {
        for name: StaticString in ["code", "type", "errorType"] {
            guard let node = document.member(name, of: object), let code = Self.text(node, in: document) else {
                continue
            }
            // Names of the envelope itself.
            if code.isEmpty || code == "error" || code == "response.failed" { continue }
            if code.utf8.count > QwenFault.longestCode { continue }
            codes.append(code)
        }
        requestID = Self.requestID(of: object, in: document)
        status = Self.status(of: object, in: document)
        for name: StaticString in ["message", "detail"] {
            guard let node = document.member(name, of: object), let text = Self.text(node, in: document) else {
                continue
            }
            return take(message: text, depth: depth)
        }
    }

    /// Takes a message, and what is hidden in it: a status and a code in front, or a whole error as JSON.
    private mutating func take(message text: String?, depth: Int) {
        guard let text else { return }
        let trimmed = FaultText.trimmed(text)
        if depth < 2, let inner = Self.json(in: trimmed, depth: depth), inner.message != nil || !inner.codes.isEmpty {
            // The inner error knows better; the outer's codes are those of who has passed it on.
            codes = inner.codes + codes
            message = inner.message
            status = inner.status ?? status
            statusInMessage = inner.statusInMessage
            requestID = inner.requestID ?? requestID
            return
        }
        message = FaultText.capped(text, to: QwenFault.longestMessage)
        let (status, code) = Self.prefix(of: trimmed)
        statusInMessage = status
        if let code { codes.append(code) }
    }

    /// A longer message is none that holds an error, in bytes.
    private static let longestNested = 64 * 1024

    private static func json(in text: Substring, depth: Int) -> FaultEnvelope? {
        guard text.first == "{", text.last == "}", text.utf8.count <= longestNested else { return nil }
        var document = JSONDocument()
        guard (try? document.scan(ByteBuffer(substring: text))) != nil else { return nil }
        return FaultEnvelope(document, depth: depth + 1)
    }

    /// `<429> InternalError.Algo: …` has the real status and a code in front, or one of them.
    private static func prefix(of text: Substring) -> (status: Int?, code: String?) {
        var rest = text
        var status: Int?
        if rest.first == "<", let end = rest.prefix(5).firstIndex(of: ">") {
            status = Int(rest[rest.index(after: rest.startIndex)..<end]).flatMap { (400...599).contains($0) ? $0 : nil }
            if status != nil { rest = rest[rest.index(after: end)...].drop { $0 == " " } }
        }
        let code = rest.prefix { $0.isASCII && ($0.isLetter || $0 == "." || $0 == "_") }
        guard code.utf8.count < rest.utf8.count, rest[code.endIndex] == ":", code.contains("."),
            code.utf8.count <= QwenFault.longestCode
        else { return (status, nil) }
        return (status, String(code))
    }

    /// The text of the first choice.
    private static func text(ofChoicesIn document: borrowing JSONDocument) -> String? {
        guard let choices = document.member("choices", of: document.root),
            let choice = document.elements(of: choices).first(where: { _ in true }),
            let content = content(of: choice, in: document)
        else { return nil }
        return document.string(content)
    }

    /// The text of a choice of a chunk or of a whole answer.
    static func content(of choice: JSONNode, in document: borrowing JSONDocument) -> JSONNode? {
        let holder = document.member("delta", of: choice) ?? document.member("message", of: choice)
        return holder.flatMap { document.member("content", of: $0) }
    }

    private static func requestID(of object: JSONNode, in document: borrowing JSONDocument) -> String? {
        for name: StaticString in ["request_id", "requestId", "rid"] {
            if let node = document.member(name, of: object), let text = document.string(node), !text.isEmpty {
                return text
            }
        }
        return nil
    }

    private static func status(of object: JSONNode, in document: borrowing JSONDocument) -> Int? {
        for name: StaticString in ["status", "status_code", "code"] {
            if let node = document.member(name, of: object), let number = document.integer(node),
                (400...599).contains(number)
            {
                return number
            }
        }
        return nil
    }

    private static func text(_ node: JSONNode, in document: borrowing JSONDocument) -> String? {
        switch document.kind(of: node) {
        case .string: document.string(node)
        case .number: document.integer(node).map { String($0) }
        // An object in place of a sentence: better than nothing.
        case .object, .array: String(buffer: document.text(of: node))
        case .true, .false, .null: nil
        }
    }
}
