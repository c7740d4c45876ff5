import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

let messageIdentity = MessagesIdentity(id: "msg_1", model: "qwen-test")

/// A request to the Messages API, translated.
func messagesRequest(_ text: String) throws -> MessagesRequest {
    var document = JSONDocument()
    return try MessagesRequest(ByteBuffer(string: text), document: &document)
}

/// The chat completions request that a request becomes: one that a chat request's check lets pass.
func messagesBody(_ text: String) throws -> String {
    let body = try messagesRequest(text).chatBody
    var document = JSONDocument()
    _ = try ChatRequest(body, document: &document, defaultModel: "qwen-default")
    return String(buffer: body)
}

/// What a request is refused with.
func messagesRefusal(_ text: String) -> InvalidRequest? {
    do {
        _ = try messagesRequest(text)
        return nil
    } catch {
        return error as? InvalidRequest
    }
}

/// What a client of Anthropic's puts together from the events of a stream, as strictly as the protocol is meant.
struct MessageView: Equatable {
    enum Block: Equatable {
        case thinking(String)
        case text(String)
        case call(id: String, name: String, input: String)
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    var blocks: [Block] = []
    var stopReason: String?
    var stopSequence: String?
    var startUsage: [String: Int] = [:]
    var usage: [String: Int] = [:]
    var pings = 0
    var error: String?
    var hasStarted = false
    var isStopped = false
    private var open: Int?

    /// Reads the text of a stream.
    init(_ stream: String) throws {
        var parser = EventStreamParser()
        var bytes = ByteBuffer(string: stream)
        while let event = try parser.next(in: &bytes) { try take(event) }
        guard case .clean = parser.finish() else { throw Fault("the last event is cut off") }
    }

    private mutating func take(_ event: ServerSentEvent) throws {
        var document = JSONDocument()
        try document.scan(event.data)
        let root = document.root
        let type = Self.string("type", of: root, document)
        guard let name = event.name.map({ String(buffer: $0) }), name == type else {
            throw Fault("the event's name is not its type: \(type)")
        }
        guard !isStopped, error == nil else { throw Fault("\(type) after the end") }
        if type == "ping" {
            pings += 1
            return
        }
        if type == "error" {
            error = document.member("error", of: root).map { Self.string("type", of: $0, document) }
            return
        }
        guard hasStarted != (type == "message_start"), stopReason == nil || type == "message_stop" else {
            throw Fault("\(type) in the wrong place")
        }
        let index = document.member("index", of: root).flatMap { document.integer($0) }
        switch type {
        case "message_start":
            hasStarted = true
            guard let message = document.member("message", of: root) else { throw Fault("no message") }
            startUsage = Self.counts(of: message, document)
        case "content_block_start":
            guard open == nil, index == blocks.count else { throw Fault("a block begins inside another") }
            open = index
            guard let block = document.member("content_block", of: root) else { throw Fault("no block") }
            try begin(block, document)
        case "content_block_delta":
            guard let open, index == open, let delta = document.member("delta", of: root) else {
                throw Fault("a delta of no open block")
            }
            try append(delta, to: open, document)
        case "content_block_stop":
            guard open != nil, index == open else { throw Fault("the end of no open block") }
            open = nil
        case "message_delta":
            guard open == nil, let delta = document.member("delta", of: root) else { throw Fault("an open block") }
            stopReason = Self.string("stop_reason", of: delta, document)
            stopSequence = document.member("stop_sequence", of: delta).flatMap { document.string($0) }
            usage = Self.counts(of: root, document)
        case "message_stop":
            guard stopReason != nil else { throw Fault("no reason") }
            isStopped = true
        default: throw Fault("unknown event \(type)")
        }
    }

    private mutating func begin(_ block: JSONNode, _ document: borrowing JSONDocument) throws {
        switch Self.string("type", of: block, document) {
        case "thinking": blocks.append(.thinking(Self.string("thinking", of: block, document)))
        case "text": blocks.append(.text(Self.string("text", of: block, document)))
        case "tool_use":
            blocks.append(
                .call(
                    id: Self.string("id", of: block, document), name: Self.string("name", of: block, document),
                    input: ""))
        case let type: throw Fault("unknown block \(type)")
        }
    }

    private mutating func append(_ delta: JSONNode, to index: Int, _ document: borrowing JSONDocument) throws {
        switch (blocks[index], Self.string("type", of: delta, document)) {
        case (.thinking(let text), "thinking_delta"):
            blocks[index] = .thinking(text + Self.string("thinking", of: delta, document))
        case (.text(let text), "text_delta"):
            blocks[index] = .text(text + Self.string("text", of: delta, document))
        case (.call(let id, let name, let input), "input_json_delta"):
            let more = Self.string("partial_json", of: delta, document)
            blocks[index] = .call(id: id, name: name, input: input + more)
        case (_, let type): throw Fault("\(type) in another block")
        }
    }

    /// Reads a whole message.
    init(answer: String) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: answer))
        let root = document.root
        guard Self.string("type", of: root, document) == "message", let content = document.member("content", of: root)
        else { throw Fault("no message") }
        for block in document.elements(of: content) {
            try begin(block, document)
            guard case .call(let id, let name, _) = blocks[blocks.count - 1] else { continue }
            guard let input = document.member("input", of: block), document.kind(of: input) == .object else {
                throw Fault("no input")
            }
            blocks[blocks.count - 1] = .call(id: id, name: name, input: String(buffer: document.text(of: input)))
        }
        stopReason = Self.string("stop_reason", of: root, document)
        stopSequence = document.member("stop_sequence", of: root).flatMap { document.string($0) }
        usage = Self.counts(of: root, document)
    }

    var text: String {
        blocks.reduce(into: "") { if case .text(let text) = $1 { $0 += text } }
    }
    var thinking: String {
        blocks.reduce(into: "") { if case .thinking(let text) = $1 { $0 += text } }
    }
    var calls: [Block] {
        blocks.filter { if case .call = $0 { true } else { false } }
    }

    private static func string(_ name: String, of object: JSONNode, _ document: borrowing JSONDocument) -> String {
        document.member(named: name, of: object).flatMap { document.string($0) } ?? ""
    }

    private static func counts(of object: JSONNode, _ document: borrowing JSONDocument) -> [String: Int] {
        guard let usage = document.member("usage", of: object) else { return [:] }
        var counts: [String: Int] = [:]
        for member in document.members(of: usage) {
            counts[document.string(member.key) ?? ""] = document.integer(member.value)
        }
        return counts
    }
}

/// What became of a stream.
struct MessagesRun: Equatable {
    var output = ""
    var actions: [ChatStream.Action] = []
    var isWhole = false
}

/// Runs Qwen's bytes through parser and translation, in pieces of `size` bytes.
func runMessages(_ text: String, size: Int, _ stream: MessagesStream? = nil) throws -> MessagesRun {
    var stream = stream ?? MessagesStream(identity: messageIdentity)
    var parser = EventStreamParser()
    var document = JSONDocument()
    var output = ByteBuffer()
    var run = MessagesRun()
    var rest = ByteBuffer(string: text)
    while var piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
        while let event = try parser.next(in: &piece) {
            run.actions.append(stream.receive(event.data, document: &document, into: &output))
        }
    }
    run.isWhole = stream.end(into: &output)
    run.output = String(buffer: output)
    return run
}

/// Runs events, and checks that it does not matter where their bytes are cut: in pieces of up to 24 bytes and, where
/// `everywhere` is set, in two at each position.
func runMessages(
    events: [String], _ stream: MessagesStream? = nil, everywhere: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> (run: MessagesRun, view: MessageView) {
    let text = events.map { "data: \($0)\n\n" }.joined()
    let count = max(text.utf8.count, 1)
    let whole = try runMessages(text, size: count, stream)
    for size in everywhere ? 1..<count : 1..<min(24, count) {
        if try runMessages(text, size: size, stream) != whole {
            Issue.record("another result in pieces of \(size)", sourceLocation: sourceLocation)
        }
    }
    return (whole, try MessageView(whole.output))
}

/// Qwen's chunks.
enum Qwen {
    static func chunk(_ delta: String, finish: String = "null") -> String {
        #"{"choices":[{"delta":\#(delta),"finish_reason":\#(finish),"index":0,"logprobs":null}],"#
            + #""object":"chat.completion.chunk","usage":null,"created":1,"model":"q","id":"chatcmpl-1"}"#
    }

    static func text(_ text: String) -> String { chunk(#"{"content":"\#(text)","reasoning_content":null}"#) }
    static func thought(_ text: String) -> String { chunk(#"{"content":null,"reasoning_content":"\#(text)"}"#) }

    /// A piece of a call; what is nil is missing.
    static func call(_ index: Int, id: String? = nil, name: String? = nil, _ arguments: String? = nil) -> String {
        var function: [String] = []
        if let name { function.append(#""name":"\#(name)""#) }
        if let arguments { function.append(#""arguments":"\#(arguments)""#) }
        let idMember = id.map { #""id":"\#($0)","# } ?? ""
        return chunk(
            #"{"content":null,"tool_calls":[{"index":\#(index),\#(idMember)"type":"function","#
                + #""function":{\#(function.joined(separator: ","))}}]}"#)
    }

    static let first = chunk(#"{"content":null,"role":"assistant","reasoning_content":""}"#)
    static let stop = chunk(#"{"content":"","reasoning_content":null}"#, finish: "\"stop\"")
    static let calls = chunk(#"{"content":""}"#, finish: "\"tool_calls\"")
    static let usage =
        #"{"choices":[],"object":"chat.completion.chunk","usage":{"prompt_tokens":22,"completion_tokens":17,"#
        + #""total_tokens":39,"completion_tokens_details":{"reasoning_tokens":9},"#
        + #""prompt_tokens_details":{"cached_tokens":5}},"created":1,"model":"q","id":"chatcmpl-1"}"#
    static let done = "[DONE]"
}
