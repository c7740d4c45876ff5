import JSON
import NIOCore

/// What one message of a user's holds: results of tools, and everything else.
struct MessagesUserContent {
    private let message: MessagesConversation.Message
    private let automaticMark: JSONNode?
    private(set) var results: [MessagesToolResult] = []
    /// The other blocks; none if the content is a string.
    private var blocks: [MessagesBlock] = []

    init(
        _ message: MessagesConversation.Message, automaticMark: JSONNode?, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        self.message = message
        self.automaticMark = automaticMark
        var isEmpty = document.stringEquals(message.content, "")
        if document.kind(of: message.content) == .array {
            var count = 0
            for node in document.elements(of: message.content) {
                let path = MessagesPath("messages", message.index, block: count)
                try take(node, at: path, in: document)
                count += 1
            }
            isEmpty = results.isEmpty && blocks.isEmpty
        }
        if isEmpty { throw MessagesPath("messages", message.index).fault("user messages must have non-empty content") }
    }

    private mutating func take(
        _ node: JSONNode, at path: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try path.checkObject(node, in: document)
        let type = try path.type(of: node, in: document)
        let hasMarker = document.given(document.member("cache_control", of: node)) != nil
        let isMarked = hasMarker || node == automaticMark
        if type == "tool_result" {
            results.append(try MessagesToolResult(node, at: path, isMarked: isMarked, in: document))
        } else if type == "tool_use" {
            throw path.fault("`tool_use` blocks can only be in `assistant` messages")
        } else {
            let block = try MessagesBlock(node, type, at: path, isMarked: isMarked, in: document)
            if !block.isEmptyText(in: document) { blocks.append(block) }
        }
    }

    /// Writes what is no result of a tool as a message: one text as a string, which every model takes, anything else as
    /// parts.
    func write(into body: inout MessagesChatWriter, _ document: borrowing JSONDocument) {
        let isString = document.kind(of: message.content) == .string
        if !isString, blocks.isEmpty { return }
        body.json.beginObject()
        body.json.member("role", .raw("\"user\""))
        body.json.key("content")
        if isString {
            let text = MessagesText(text: message.content, isMarked: message.content == automaticMark)
            MessagesText.write([text], into: &body, document)
        } else if blocks.count == 1, !blocks[0].isMarked, case .text(let text) = blocks[0].kind {
            body.json.value(.bytes(document.text(of: text)))
        } else {
            body.json.beginArray()
            for block in blocks { block.write(into: &body, document) }
            body.json.endArray()
        }
        body.json.endObject()
    }
}
