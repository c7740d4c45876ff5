import JSON
import NIOCore

/// A block of a user's content that becomes a part, or several, of a chat message.
struct MessagesBlock {
    enum Kind {
        /// A string.
        case text(JSONNode)
        case image(Image)
        case document(File)
        case search(Search)
    }

    enum Image {
        /// Strings: a media type, and Base64.
        case data(JSONNode, type: JSONNode)
        /// A string.
        case url(JSONNode)
    }

    /// A document that the client sends along.
    struct File {
        enum Form {
            case plainText
            /// Base64.
            case pdf
            /// Blocks of text and images.
            case blocks([MessagesBlock])
        }

        let form: Form
        /// A string; of blocks the list of them.
        let data: JSONNode
        /// Strings.
        let title: JSONNode?
        let context: JSONNode?

        /// Nothing but text, which is better off without a part of its own.
        var isPlainText: Bool {
            guard case .plainText = form else { return false }
            return title == nil && context == nil
        }
    }

    /// What a search has found.
    struct Search {
        /// Strings.
        let title: JSONNode
        let source: JSONNode
        let texts: [JSONNode]

        func writePieces(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
            body.piece(title, in: document)
            body.piece(#"\n"#)
            body.piece(source, in: document)
            for text in texts {
                body.piece(#"\n"#)
                body.piece(text, in: document)
            }
        }
    }

    static let types = ["document", "image", "search_result", "text", "tool_result"]

    let kind: Kind
    /// Qwen is to keep in its cache what stands up to here.
    let isMarked: Bool

    init(
        _ node: JSONNode, _ type: String, at path: MessagesPath, isMarked: Bool, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        self.isMarked = isMarked
        switch type {
        case "text": kind = .text(try path.string("text", of: node, in: document))
        case "image": kind = .image(try Self.image(node, at: path, in: document))
        case "document": kind = .document(try Self.file(node, at: path, in: document))
        case "search_result": kind = .search(try Self.search(node, at: path, in: document))
        case "container_upload": throw path.fault("Container uploads are not supported: Qwen has no containers.")
        default: throw path.unknownType(type, expected: Self.types)
        }
    }

    func isEmptyText(in document: borrowing JSONDocument) -> Bool {
        if case .text(let text) = kind { return document.stringEquals(text, "") }
        return false
    }

    // MARK: Reading

    private static func source(
        of node: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> (node: JSONNode, type: String) {
        let source = try path.required("source", of: node, in: document)
        guard document.kind(of: source) == .object else { throw path.fault("source", "Input should be an object") }
        try document.checkUniqueKeys(of: source, param: "\(path).source")
        guard let type = document.member("type", of: source).flatMap({ document.string($0) }) else {
            throw path.fault("source.type", "Field required")
        }
        return (source, type)
    }

    private static func text(
        _ name: StaticString, of source: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        guard let text = document.given(document.member(name, of: source)) else {
            throw path.fault("source", "\(name): Field required")
        }
        guard document.kind(of: text) == .string else {
            throw path.fault("source", "\(name): Input should be a valid string")
        }
        return text
    }

    private static func image(
        _ node: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Image {
        let source = try source(of: node, at: path, in: document)
        switch source.type {
        case "base64":
            let type = try text("media_type", of: source.node, at: path, in: document)
            guard document.string(type)?.hasPrefix("image/") == true else {
                throw path.fault(
                    "source",
                    "media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'")
            }
            return .data(try text("data", of: source.node, at: path, in: document), type: type)
        case "url": return .url(try text("url", of: source.node, at: path, in: document))
        case "file": throw path.fault("source", "Files are not supported: send the image as 'base64' or 'url'.")
        default:
            throw path.fault(
                "source",
                """
                Input tag '\(InvalidRequest.shown(source.type))' does not match any of the expected tags: 'base64', \
                'url'
                """)
        }
    }

    private static func file(
        _ node: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> File {
        let source = try source(of: node, at: path, in: document)
        let title = try path.optionalString("title", of: node, in: document)
        let context = try path.optionalString("context", of: node, in: document)
        switch source.type {
        case "text":
            let data = try text("data", of: source.node, at: path, in: document)
            return File(form: .plainText, data: data, title: title, context: context)
        case "base64":
            let type = try text("media_type", of: source.node, at: path, in: document)
            guard document.stringEquals(type, "application/pdf") else {
                throw path.fault("source", "media_type: Input should be 'application/pdf'")
            }
            let data = try text("data", of: source.node, at: path, in: document)
            return File(form: .pdf, data: data, title: title, context: context)
        case "content":
            guard let content = document.given(document.member("content", of: source.node)) else {
                throw path.fault("source", "content: Field required")
            }
            if document.kind(of: content) == .string {
                return File(form: .plainText, data: content, title: title, context: context)
            }
            let blocks = try blocks(content, at: path, in: document)
            return File(form: .blocks(blocks), data: content, title: title, context: context)
        case "url", "file":
            throw path.fault(
                "source", "Documents by '\(source.type)' are not supported: send them as 'base64' or 'text'.")
        default:
            throw path.fault(
                "source",
                """
                Input tag '\(InvalidRequest.shown(source.type))' does not match any of the expected tags: 'base64', \
                'content', 'text'
                """)
        }
    }

    /// The blocks of a document.
    private static func blocks(
        _ list: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> [MessagesBlock] {
        guard document.kind(of: list) == .array else {
            throw path.fault("source", "content: Input should be a valid string or a list of content blocks")
        }
        var blocks: [MessagesBlock] = []
        for node in document.elements(of: list) {
            try path.checkObject(node, in: document)
            let type = try path.type(of: node, in: document)
            guard type == "text" || type == "image" else { throw path.unknownType(type, expected: ["image", "text"]) }
            let isMarked = document.given(document.member("cache_control", of: node)) != nil
            blocks.append(try MessagesBlock(node, type, at: path, isMarked: isMarked, in: document))
        }
        return blocks
    }

    private static func search(
        _ node: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Search {
        let content = try path.required("content", of: node, in: document)
        guard document.kind(of: content) == .array else { throw path.fault("content", "Input should be a valid list") }
        var texts: [JSONNode] = []
        for block in document.elements(of: content) {
            try path.checkObject(block, in: document)
            texts.append(try path.string("text", of: block, in: document))
        }
        return Search(
            title: try path.string("title", of: node, in: document),
            source: try path.string("source", of: node, in: document), texts: texts)
    }
}
