import JSON
import NIOCore

/// The messages of a request, turn by turn, as chat messages.
///
/// A turn is all messages of one role that follow each other; Anthropic reads them as one.
/// - An assistant's turn becomes one message: its texts joined, its thoughts as `reasoning_content`, its calls as
///   `tool_calls`. Encrypted thoughts and what Anthropic's own tools did in an earlier answer are left out: no other
///   model can read them. A turn at the end of the conversation is one that the model is to go on with (`partial`).
/// - Of a user's turn the results of tools come first, each a message of the role `tool`, since Qwen wants them right
///   behind the calls; then what such a message can't hold, images above all; then the rest, message by message.
///
/// Each call must have one result in the next turn, as with Anthropic and with Qwen: what is wrong with that is told in
/// Anthropic's words, by which clients recognise it.
struct MessagesConversation {
    struct Message {
        let content: JSONNode
        let index: Int
    }

    /// The last message is an assistant's, to be gone on with.
    private(set) var continuesAnswer = false
    /// The block, or the string, that the request's own `cache_control` marks: the last one of all.
    private let automaticMark: JSONNode?
    /// The calls without a result yet, by their ids, and the messages that hold them.
    private var openCalls: [String: Int] = [:]

    init(_ document: borrowing JSONDocument) {
        guard document.given(document.member("cache_control", of: document.root)) != nil,
            let messages = document.member("messages", of: document.root)
        else {
            automaticMark = nil
            return
        }
        var last: JSONNode?
        for message in document.elements(of: messages) { last = message }
        let content = last.flatMap { document.member("content", of: $0) }
        var block = content
        if let content {
            for element in document.elements(of: content) { block = element }
        }
        automaticMark = block
    }

    mutating func write(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let path = MessagesPath("messages")
        guard let messages = document.given(document.member("messages", of: document.root)) else {
            throw path.fault("Field required")
        }
        guard document.kind(of: messages) == .array else { throw path.fault("Input should be a valid list") }
        var turn: [Message] = []
        var role = ""
        var count = 0
        for node in document.elements(of: messages) {
            let place = MessagesPath("messages", count)
            let next = try Self.role(of: node, at: place, in: document)
            if next != role, !turn.isEmpty {
                try write(turn, role, isLast: false, into: &body, document)
                turn.removeAll(keepingCapacity: true)
            }
            role = next
            turn.append(Message(content: try Self.content(of: node, at: place, in: document), index: count))
            count += 1
        }
        guard count > 0 else { throw path.fault("at least one message is required") }
        try write(turn, role, isLast: true, into: &body, document)
        try checkNoCallIsOpen()
    }

    private static func role(
        of message: JSONNode, at place: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> String {
        try place.checkObject(message, in: document)
        let role = document.string(try place.string("role", of: message, in: document)) ?? ""
        guard ["user", "assistant", "system"].contains(role) else {
            throw place.fault("role", "Input should be 'user', 'assistant' or 'system'")
        }
        return role
    }

    private static func content(
        of message: JSONNode, at place: MessagesPath, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        let content = try place.required("content", of: message, in: document)
        guard document.kind(of: content) == .string || document.kind(of: content) == .array else {
            throw place.fault("content", "Input should be a valid string or a list of content blocks")
        }
        return content
    }

    private mutating func write(
        _ turn: [Message], _ role: String, isLast: Bool, into body: inout MessagesChatWriter,
        _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        switch role {
        case "assistant":
            let answer = try MessagesAssistantTurn(turn, automaticMark: automaticMark, in: document)
            for call in answer.calls {
                let id = document.string(call.id) ?? ""
                guard openCalls.updateValue(call.message, forKey: id) == nil else {
                    throw MessagesPath("messages", call.message).fault("`tool_use` ids must be unique")
                }
            }
            continuesAnswer = isLast && answer.canBeContinued
            answer.write(continuesAnswer: continuesAnswer, into: &body, document)
        case "user":
            try writeUser(turn, into: &body, document)
        default:
            try checkNoCallIsOpen()
            for message in turn {
                try MessagesSystem.write(
                    message.content, at: MessagesPath("messages", message.index),
                    isMarked: automaticMark.map { isWithin($0, message.content, document) } ?? false, into: &body,
                    document)
            }
        }
    }

    /// Whether a mark is on a message's content or on one of its blocks.
    private func isWithin(_ mark: JSONNode, _ content: JSONNode, _ document: borrowing JSONDocument) -> Bool {
        let outer = document.range(of: content)
        let inner = document.range(of: mark)
        return outer.lowerBound <= inner.lowerBound && inner.upperBound <= outer.upperBound
    }
}

// MARK: - Users

extension MessagesConversation {
    private mutating func writeUser(
        _ turn: [Message], into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        var messages: [MessagesUserContent] = []
        for message in turn {
            messages.append(try MessagesUserContent(message, automaticMark: automaticMark, in: document))
        }
        var attached: [MessagesToolResult] = []
        var answered: Set<String> = []
        for message in messages {
            for result in message.results {
                let id = document.string(result.id) ?? ""
                try answer(id, at: result.path, &answered)
                result.write(into: &body, document)
                if !result.attachments.isEmpty { attached.append(result) }
            }
        }
        try checkNoCallIsOpen()
        for result in attached { result.writeAttachments(into: &body, document) }
        for message in messages { message.write(into: &body, document) }
    }

    /// A result has come for a call.
    private mutating func answer(
        _ id: String, at path: MessagesPath, _ answered: inout Set<String>
    ) throws(InvalidRequest) {
        let shown = InvalidRequest.shown(id)
        guard openCalls.removeValue(forKey: id) != nil else {
            if answered.contains(id) {
                throw path.fault(
                    """
                    each tool_use must have a single result. Found multiple `tool_result` blocks with id: \(shown)
                    """)
            }
            throw path.fault(
                """
                unexpected `tool_use_id` found in `tool_result` blocks: \(shown). Each `tool_result` block must have \
                a corresponding `tool_use` block in the previous message.
                """)
        }
        answered.insert(id)
    }

    private func checkNoCallIsOpen() throws(InvalidRequest) {
        guard let message = openCalls.values.min() else { return }
        let ids = openCalls.keys.sorted().prefix(8).map { InvalidRequest.shown($0) }.joined(separator: ", ")
        throw MessagesPath("messages", message).fault(
            """
            `tool_use` ids were found without `tool_result` blocks immediately after: \(ids). Each `tool_use` block \
            must have a corresponding `tool_result` block in the next message.
            """)
    }
}
