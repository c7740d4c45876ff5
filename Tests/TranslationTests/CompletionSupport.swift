import EventStream
import JSON
import NIOCore

@testable import Translation

let completionIdentity = ChatIdentity(id: "cmpl-1", created: 9, model: "qwen-max")

/// A chunk of a chat's stream as Qwen writes it.
func chatChunk(_ delta: String, finish: String = "null", usage: String = "null", logprobs: String = "null") -> String {
    #"data: {"choices":[{"delta":\#(delta),"index":0,"logprobs":\#(logprobs),"finish_reason":\#(finish)}],"#
        + #""object":"chat.completion.chunk","usage":\#(usage),"created":1,"model":"qwen-max","id":"chatcmpl-1"}"#
        + "\n\n"
}

func chatUsage(_ prompt: Int, _ completion: Int) -> String {
    #"data: {"choices":[],"object":"chat.completion.chunk","usage":{"prompt_tokens":\#(prompt),"completion_tokens":"#
        + #"\#(completion),"total_tokens":\#(prompt + completion)},"id":"chatcmpl-1"}"# + "\n\n"
}

/// The data of a stream's events, read in pieces of `size` bytes.
func eventData(_ text: String, size: Int = .max) throws -> [ByteBuffer] {
    var parser = EventStreamParser()
    var rest = ByteBuffer(string: text)
    var events: [ByteBuffer] = []
    while var piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
        while let event = try parser.next(in: &piece) { events.append(event.data) }
    }
    return events
}

/// What becomes of the events of each call's stream, which come in the order of `calls`; those left over come last.
struct CompletionRun: Equatable {
    var output = ""
    var actions: [ChatStream.Action] = []
    var isDone = false
    var usage: TokenUsage?
    var finishReason: FinishReason?

    init(
        _ request: CompletionRequest, _ events: [[ByteBuffer]], order: [Int] = [], partial: Set<Int> = []
    ) {
        var stream = CompletionStream(request, identity: completionIdentity)
        for call in partial { stream.markPartial(call: call) }
        var document = JSONDocument()
        var buffer = ByteBuffer()
        var next = Array(repeating: 0, count: events.count)
        func take(_ call: Int) {
            guard next[call] < events[call].count else { return }
            let data = events[call][next[call]]
            next[call] += 1
            actions.append(stream.receive(data, call: call, document: &document, into: &buffer))
        }
        for call in order { take(call) }
        for call in events.indices {
            for _ in events[call] { take(call) }
            _ = stream.end(call: call, into: &buffer)
        }
        isDone = stream.isDone
        usage = stream.usage
        finishReason = stream.finishReason
        output = String(buffer: buffer)
    }
}

/// What a client of OpenAI's puts together: by choice, its text, the reason of its end, and its tokens.
struct CompletionView: Equatable {
    struct Choice: Equatable {
        var text = ""
        var finishReason: String?
        var tokens: [String] = []
        var offsets: [Int] = []
    }

    var choices: [Int: Choice] = [:]
    var usages: [Int] = []
    var chunks = 0
    var chunksWithUsageKey = 0
    var isDone = false

    init(stream: String) throws {
        for data in try eventData(stream) {
            let text = String(buffer: data)
            if text == "[DONE]" { isDone = true } else { try take(text) }
        }
    }

    init(answer: String) throws {
        try take(answer)
    }

    private mutating func take(_ text: String) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: text))
        chunks += 1
        if let usage = document.member("usage", of: document.root) {
            chunksWithUsageKey += 1
            if let total = document.member("total_tokens", of: usage).flatMap({ document.integer($0) }) {
                usages.append(total)
            }
        }
        guard let list = document.member("choices", of: document.root) else { return }
        for node in document.elements(of: list) {
            let index = document.member("index", of: node).flatMap { document.integer($0) } ?? -1
            var choice = choices[index] ?? Choice()
            choice.text += document.member("text", of: node).flatMap { document.string($0) } ?? "?"
            if let reason = document.member("finish_reason", of: node).flatMap({ document.string($0) }) {
                choice.finishReason = (choice.finishReason ?? "") + reason
            }
            if let logprobs = document.member("logprobs", of: node) {
                if let tokens = document.member("tokens", of: logprobs) {
                    choice.tokens += document.elements(of: tokens).compactMap { document.string($0) }
                }
                if let offsets = document.member("text_offset", of: logprobs) {
                    choice.offsets += document.elements(of: offsets).compactMap { document.integer($0) }
                }
            }
            choices[index] = choice
        }
    }
}
