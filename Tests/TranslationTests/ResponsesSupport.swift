import EventStream
import JSON
import NIOCore
import Testing

@testable import Translation

/// One event that the client gets.
struct ResponsesEvent: Equatable, CustomStringConvertible {
    let name: String
    let data: String

    var description: String { "\(name) \(data)" }

    /// The JSON text at a path of member names and array indexes, nil if there is nothing.
    func raw(_ path: String) -> String? { rawJSON(data, path) }

    /// The string at a path, unescaped.
    func string(_ path: String) -> String? {
        var document = JSONDocument()
        guard let raw = raw(path), (try? document.scan(ByteBuffer(string: raw))) != nil else { return nil }
        return document.string(document.root)
    }
}

/// The JSON text at a path of member names and array indexes (`output.0.id`), nil if there is nothing.
func rawJSON(_ text: String, _ path: String) -> String? {
    var document = JSONDocument()
    guard (try? document.scan(ByteBuffer(string: text))) != nil else { return nil }
    var node = document.root
    for step in path.split(separator: ".") {
        if let index = Int(step) {
            var elements = document.elements(of: node)
            for _ in 0..<index { _ = elements.next() }
            guard let element = elements.next() else { return nil }
            node = element
        } else {
            guard let member = document.member(named: String(step), of: node) else { return nil }
            node = member
        }
    }
    return String(buffer: document.text(of: node))
}

enum Responses {
    static let identity = ResponsesIdentity(token: "t0", created: 1_795_000_000, model: "qwen-plus")

    static func request(_ text: String) throws(InvalidRequest) -> ResponsesRequest {
        var document = JSONDocument()
        return try ResponsesRequest(ByteBuffer(string: text), document: &document)
    }

    /// The chat completion request that a request becomes.
    static func chat(_ text: String) throws(InvalidRequest) -> String {
        String(buffer: try request(text).chatBody)
    }

    static func echo(_ text: String = #"{"input":"x"}"#) throws -> ResponsesEcho { try request(text).echo }

    static func stream(
        _ request: String = #"{"input":"x"}"#, isPartial: Bool = false, limit: Int = 1 << 20
    ) throws -> ResponsesStream {
        ResponsesStream(identity, echo: try echo(request), isPartial: isPartial, limit: limit)
    }

    static func events(in output: ByteBuffer) throws -> [ResponsesEvent] {
        var parser = EventStreamParser()
        var output = output
        var events: [ResponsesEvent] = []
        while let event = try parser.next(in: &output) {
            events.append(
                ResponsesEvent(name: event.name.map { String(buffer: $0) } ?? "", data: String(buffer: event.data)))
        }
        #expect(parser.finish() == .clean)
        return events
    }

    /// Runs the data of Qwen's events through a stream.
    static func run(
        _ data: [String], through stream: inout ResponsesStream
    ) throws -> (actions: [ChatStream.Action], events: [ResponsesEvent]) {
        var document = JSONDocument()
        var output = ByteBuffer()
        let actions = data.map { stream.receive(ByteBuffer(string: $0), document: &document, into: &output) }
        return (actions, try events(in: output))
    }

    /// A chunk with one choice; delta and finish reason are JSON.
    static func chunk(_ delta: String, finish: String = "null", usage: String = "null") -> String {
        #"{"choices":[{"delta":\#(delta),"finish_reason":\#(finish),"index":0,"logprobs":null}],"#
            + #""object":"chat.completion.chunk","usage":\#(usage),"created":1795000001,"system_fingerprint":null,"#
            + #""model":"qwen-plus","id":"chatcmpl-1"}"#
    }

    static let usage =
        #"{"choices":[],"usage":{"prompt_tokens":22,"completion_tokens":17,"total_tokens":39,"#
        + #""completion_tokens_details":{"reasoning_tokens":9},"prompt_tokens_details":{"cached_tokens":4}},"#
        + #""object":"chat.completion.chunk","created":1795000001,"model":"qwen-plus","id":"chatcmpl-1"}"#

    /// Reasoning, text and two calls whose pieces alternate, with Qwen's peculiarities.
    static let recorded = [
        chunk(#"{"content":null,"reasoning_content":"","role":"assistant"}"#),
        chunk(#"{"content":null,"reasoning_content":"Let me "}"#),
        chunk(#"{"content":null,"reasoning_content":"\u770b\n","role":null}"#),
        chunk(#"{"content":"I \"look\"","reasoning_content":null}"#),
        chunk(#"{"content":" 🙂","reasoning_content":null}"#),
        chunk(
            #"{"content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","#
                + #""function":{"name":"weather","arguments":""}}]}"#),
        chunk(
            #"{"content":null,"tool_calls":[{"index":0,"id":"","type":"function","#
                + #""function":{"name":null,"arguments":"{\"city\":"}}]}"#),
        chunk(
            #"{"content":null,"tool_calls":[{"index":1,"id":"call_b","type":"function","#
                + #""function":{"name":"time","arguments":"{\"zone\""}}]}"#),
        chunk(
            #"{"content":null,"tool_calls":[{"index":0,"id":"","type":"function","#
                + #""function":{"arguments":" \"Paris\"}","name":""}}]}"#),
        chunk(#"{"tool_calls":[{"index":1,"id":"","function":{"arguments":":1}","name":""}}]}"#),
        chunk(#"{"tool_calls":[{"index":1,"id":"","function":{"arguments":null,"name":null}}]}"#),
        chunk(#"{"content":""}"#, finish: #""tool_calls""#), chunk("{}", finish: #""tool_calls""#), usage, "[DONE]",
    ]
}

/// Puts items together from a stream's events as OpenAI's SDKs do, and is as strict about places.
struct ResponsesAccumulator {
    var texts: [String] = []
    var kinds: [String] = []
    var ids: [String] = []
    var final: String?
    var failure: String?

    init(_ events: [ResponsesEvent]) {
        for (number, event) in events.enumerated() {
            #expect(event.raw("sequence_number") == "\(number)", "\(event)")
            #expect(event.string("type") == event.name)
            #expect(final == nil && failure == nil, "\(event.name) follows the end")
            take(event)
        }
    }

    private mutating func take(_ event: ResponsesEvent) {
        let place = event.raw("output_index").flatMap { Int($0) } ?? -1
        switch event.name {
        case "response.created", "response.in_progress":
            #expect(event.raw("response.output") == "[]")
            #expect(kinds.isEmpty, "the SDKs forget the items")
        case "response.output_item.added":
            #expect(place == kinds.count)
            kinds.append(event.string("item.type") ?? "?")
            ids.append(event.string("item.id") ?? "?")
            texts.append("")
        case "response.output_text.delta", "response.reasoning_summary_text.delta",
            "response.function_call_arguments.delta":
            guard texts.indices.contains(place), event.string("item_id") == ids[place] else {
                Issue.record("a delta of no item: \(event)")
                return
            }
            texts[place] += event.string("delta") ?? "?"
        case "response.output_text.done", "response.reasoning_summary_text.done":
            #expect(event.string("text") == texts[place])
        case "response.function_call_arguments.done":
            #expect(event.string("arguments") == texts[place])
        case "response.completed", "response.incomplete": final = event.raw("response")
        case "response.failed": break
        case "error": failure = event.string("error.message")
        default: break
        }
    }
}
