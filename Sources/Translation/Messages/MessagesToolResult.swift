import JSON
import NIOCore

/// What a tool gave back, as a message of the role `tool`.
///
/// Such a message holds text alone. Images and files of the result follow in a message of the user's.
struct MessagesToolResult {
    /// A string: the call's id.
    let id: JSONNode
    let path: MessagesPath
    private let isError: Bool
    private var isMarked: Bool
    private var texts: [Text] = []
    private(set) var attachments: [MessagesBlock] = []

    private enum Text {
        case plain(JSONNode)
        case search(MessagesBlock.Search)
        /// A tool's name: the result of a search for tools.
        case tool(JSONNode)
    }

    private static let types = ["document", "image", "search_result", "text", "tool_reference"]

    init(
        _ node: JSONNode, at path: MessagesPath, isMarked: Bool, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        self.path = path
        self.isMarked = isMarked
        id = try path.string("tool_use_id", of: node, in: document)
        isError = try path.flag("is_error", of: node, in: document) ?? false
        guard let content = document.given(document.member("content", of: node)) else { return }
        switch document.kind(of: content) {
        case .string: texts.append(.plain(content))
        case .array:
            var count = 0
            for block in document.elements(of: content) {
                var place = path
                place.inner = count
                count += 1
                try take(block, at: place, in: document)
            }
        default: throw path.fault("content", "Input should be a valid string or a list of content blocks")
        }
    }

    private mutating func take(
        _ node: JSONNode, at place: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try place.checkObject(node, in: document)
        let type = try place.type(of: node, in: document)
        if document.given(document.member("cache_control", of: node)) != nil { isMarked = true }
        if type == "tool_reference" {
            texts.append(.tool(try place.string("tool_name", of: node, in: document)))
            return
        }
        guard Self.types.contains(type) else { throw place.unknownType(type, expected: Self.types) }
        let block = try MessagesBlock(node, type, at: place, isMarked: false, in: document)
        switch block.kind {
        case .text(let text): texts.append(.plain(text))
        case .document(let file) where file.isPlainText: texts.append(.plain(file.data))
        case .search(let search): texts.append(.search(search))
        case .image, .document: attachments.append(block)
        }
    }

    func write(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.json.beginObject()
        body.json.member("role", .raw("\"tool\""))
        body.member("tool_call_id", id, in: document)
        body.json.key("content")
        if isMarked {
            body.json.beginArray()
            body.json.beginObject()
            body.json.member("type", .raw("\"text\""))
            body.json.key("text")
            writeText(into: &body, document)
            body.cacheMarker()
            body.json.endObject()
            body.json.endArray()
        } else {
            writeText(into: &body, document)
        }
        body.json.endObject()
    }

    /// A line for each text. That the tool failed has no member of its own.
    private func writeText(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.beginString()
        if isError { body.piece("Error: ") }
        for (position, text) in texts.enumerated() {
            if position > 0 { body.piece(#"\n"#) }
            switch text {
            case .plain(let node): body.piece(node, in: document)
            case .search(let search): search.writePieces(into: &body, document)
            case .tool(let name):
                body.piece("Tool: ")
                body.piece(name, in: document)
            }
        }
        if !attachments.isEmpty {
            if !texts.isEmpty { body.piece(#"\n"#) }
            body.piece("[What else the tool returned follows in the next message.]")
        }
        body.endString()
    }

    /// Writes what the tool's message could not hold, as a message of the user's.
    func writeAttachments(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        body.json.beginObject()
        body.json.member("role", .raw("\"user\""))
        body.json.key("content")
        body.json.beginArray()
        body.json.beginObject()
        body.json.member("type", .raw("\"text\""))
        body.json.key("text")
        body.beginString()
        body.piece("[Returned by the tool call ")
        body.piece(id, in: document)
        body.piece(":]")
        body.endString()
        body.json.endObject()
        for block in attachments { block.write(into: &body, document) }
        body.json.endArray()
        body.json.endObject()
    }
}
