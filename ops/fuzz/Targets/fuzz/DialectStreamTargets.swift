import EventStream
import JSON
import NIOCore
import Translation

/// Any bytes as Qwen's stream, for a client of `/v1/completions`.
enum CompletionsTarget {
    static let requests = [
        #"{"model":"qwen-plus","prompt":"p","stream":true}"#,
        #"{"prompt":"p\"","stream":true,"logprobs":2,"stream_options":{"include_usage":true}}"#,
        #"{"prompt":"p","stream":true,"echo":true}"#,
    ]

    static func request(_ choices: inout Choices) -> CompletionRequest {
        var document = JSONDocument()
        let text = requests[choices.below(requests.count)]
        guard
            let request = try? CompletionRequest(
                ByteBuffer(string: text), document: &document, defaultModel: "qwen-plus")
        else { fatalError("a good request was refused") }
        return request
    }

    static func stream(_ input: [UInt8]) {
        var choices = Choices(input)
        let (request, isPartial) = (request(&choices), choices.chance(20))
        func steps() -> StreamRun.Steps {
            let stream = Box(CompletionStream(request, identity: chatIdentity))
            if isPartial { stream.value.markPartial() }
            return .init(
                receive: { stream.value.receive($0, document: &$1, into: &$2) },
                end: { stream.value.end(into: &$0) },
                fail: { stream.value.fail(message: "m", type: "t", code: nil, into: &$0) },
                keepAlive: { stream.value.writeKeepAliveChunk(into: &$0) })
        }
        ChatTarget.checkEnd(StreamRun.checked(input, steps), input, isPartial)
        ChatTarget.checkEnd(StreamRun(input, .random, isSilent: true, steps()), input, isPartial)
    }
}

/// Any bytes as Qwen's stream, for a client of `/v1/responses`.
enum ResponsesTarget {
    static let identity = ResponsesIdentity(token: "t", created: 1, model: "m")

    static var echo: ResponsesEcho {
        var document = JSONDocument()
        let request = try? ResponsesRequest(ByteBuffer(string: #"{"input":"x"}"#), document: &document)
        guard let request else { fatalError("a good request was refused") }
        return request.echo
    }

    static func stream(_ input: [UInt8]) {
        var choices = Choices(input)
        let isPartial = choices.chance(20)
        let echo = echo
        func steps() -> StreamRun.Steps {
            let stream = Box(ResponsesStream(identity, echo: echo, isPartial: isPartial, limit: 1 << 16))
            return .init(
                receive: { stream.value.receive($0, document: &$1, into: &$2) },
                end: { stream.value.end(into: &$0) },
                fail: { stream.value.fail(message: "m", type: "t", code: nil, into: &$0) },
                keepAlive: { stream.value.keepAlive(into: &$0) })
        }
        check(StreamRun.checked(input, steps), input, isPartial)
        check(StreamRun(input, .random, isSilent: true, steps()), input, isPartial)
    }

    private static func check(_ run: StreamRun, _ input: [UInt8], _ isPartial: Bool) {
        let events = run.events
        var ends = 0
        for (number, event) in events.enumerated() {
            let name = event.name.map { String(buffer: $0) }
            fuzz.check(name != nil && string("type", in: event.data) == name, "an event of another name")
            fuzz.check(integer("sequence_number", in: event.data) == number, "an event out of its place")
            if name == "response.completed" || name == "response.incomplete" { ends += 1 }
        }
        fuzz.check(ends == (run.isWhole ? 1 : 0), "\(ends) ends of a stream, whole: \(run.isWhole)")
        let last = events.last
        if ends > 0 {
            fuzz.check(
                last?.isNamed("response.completed") == true || last?.isNamed("response.incomplete") == true,
                "something follows the end")
        } else {
            fuzz.check(last?.isNamed("error") == true, "a stream that broke has no error at its end")
        }
        if !isPartial, !StreamRun.saysEnd(input) { fuzz.check(!run.isWhole, "an end that Qwen did not say") }
    }
}

/// Any bytes as Qwen's stream, for a client of `/v1/messages`.
enum MessagesTarget {
    static let identity = MessagesIdentity(id: "msg_1", model: "m")

    static func stream(_ input: [UInt8]) {
        var choices = Choices(input)
        let (showsThinking, isPartial) = (choices.flag(), choices.chance(20))
        func steps() -> StreamRun.Steps {
            let stream = Box(
                MessagesStream(
                    identity: identity, showsThinking: showsThinking, isPartial: isPartial, heldBytes: 1 << 16))
            return .init(
                receive: { stream.value.receive($0, document: &$1, into: &$2) },
                end: { stream.value.end(into: &$0) },
                fail: { stream.value.fail(status: 502, message: "m", requestID: nil, into: &$0) },
                keepAlive: { stream.value.keepAlive(into: &$0) })
        }
        check(StreamRun.checked(input, steps), input, isPartial)
        check(StreamRun(input, .random, isSilent: true, steps()), input, isPartial)
    }

    /// The events in the order that the SDKs insist on.
    private static func check(_ run: StreamRun, _ input: [UInt8], _ isPartial: Bool) {
        var (hasStarted, isStopped, hasDelta) = (false, false, false)
        var open: Int?
        var blocks = 0
        let events = run.events
        for event in events {
            fuzz.check(!isStopped, "something follows the end")
            let name = event.name.map { String(buffer: $0) } ?? ""
            fuzz.check(string("type", in: event.data) == name, "an event of another name")
            switch name {
            case "ping": break
            case "error": fuzz.check(event == events.last, "something follows the error")
            case "message_start":
                fuzz.check(!hasStarted, "a second beginning")
                hasStarted = true
            case "content_block_start":
                fuzz.check(hasStarted && open == nil && !hasDelta, "a block in a block")
                fuzz.check(integer("index", in: event.data) == blocks, "a block out of its place")
                open = blocks
                blocks += 1
            case "content_block_delta":
                fuzz.check(open != nil && integer("index", in: event.data) == open, "a piece of no block")
            case "content_block_stop":
                fuzz.check(open != nil && integer("index", in: event.data) == open, "an end of no block")
                open = nil
            case "message_delta":
                fuzz.check(hasStarted && open == nil, "an end with an open block")
                hasDelta = true
            case "message_stop":
                fuzz.check(hasDelta, "an end without a reason")
                isStopped = true
            default: fatalError("an unknown event \(name)")
            }
        }
        fuzz.check(isStopped == run.isWhole, "an end of a stream, whole: \(run.isWhole)")
        if !isPartial, !StreamRun.saysEnd(input) { fuzz.check(!run.isWhole, "an end that Qwen did not say") }
    }
}
