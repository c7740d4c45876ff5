extension Switch {
    static let answer: [Switch] = [
        Switch("chunks", "N", "pieces of text; without it the answer is a sentence", .chat(number(\.chunks))),
        Switch("size", "BYTES", "bytes of text in each of the chunks (10)", .chat(number(\.size))),
        Switch("text", "TEXT", "each piece is this text", .chat(text(\.text))),
        Switch("delay", "MS", "milliseconds between two pieces", .chat(number(\.delay, upTo: longest))),
        Switch("first", "MS", "milliseconds before the first byte", .chat(number(\.first, upTo: longest))),
        Switch(
            "idle", "MS@K", "silence for so many milliseconds after K pieces, then on",
            .chat { chat, text in
                guard let (head, after) = parsePosition(text), let pause = parse(head, upTo: longest) else {
                    return false
                }
                chat.idle = ChatBehaviour.Pause(milliseconds: pause, after: after)
                return true
            }),
        Switch(
            "think", "N", "pieces of reasoning_content; without it as the request and the model want it",
            .chat(number(\.reasoning))),
        Switch(
            "leak", form(ChatBehaviour.Leak.self), "<think> tags, or a tool call as XML, in the text (without chunks=)",
            .chat(choice(\.leak))),
        Switch("reason", "NAME", "finish_reason: length, content_filter, …", .chat(text(\.reason))),
        Switch(
            "partial", "on|off", "a whole answer breaks off at the time limit: x-dashscope-partialresponse",
            .chat(flag(\.isPartial))),
    ]

    static let toolCalls: [Switch] = [
        Switch("call", "N", "so many tool calls, if the request has tools", .chat(number(\.tools.count, upTo: 100))),
        Switch(
            "function", "NAME", "the function to call; without it the tools in turn", .chat(text(\.tools.function))),
        Switch(
            "args", "JSON", "the arguments, without white space; without it made up from the schema",
            .chat(text(\.tools.arguments))),
        Switch(
            "args-pieces", "N", "deltas that the arguments come in (2)",
            .chat(number(\.tools.pieces, from: 1, upTo: 10_000))),
        Switch(
            "quirk", form(ToolCallBehaviour.Quirk.self),
            "how the deltas differ, several with commas; without it id and name are empty or null in later ones",
            .chat { chat, text in
                let names = text.split(separator: ",")
                let quirks = names.compactMap { ToolCallBehaviour.Quirk(rawValue: String($0)) }
                guard !names.isEmpty, quirks.count == names.count else { return false }
                chat.tools.quirks = Set(quirks)
                return true
            }),
    ]

    static let frames: [Switch] = [
        Switch("space", "on|off", "'data: ' or 'data:'", .chat(flag(\.framing.hasSpace))),
        Switch("eol", form(Framing.LineEnd.self), "the ends of lines", .chat(choice(\.framing.lineEnd))),
        Switch(
            "heartbeat", "N", "a comment before every Nth frame; 0 for none", .chat(number(\.framing.heartbeat))),
        Switch(
            "native", "on|off", "id:, event: and :HTTP_STATUS lines of the native interface in each frame",
            .chat(flag(\.framing.isNative))),
        Switch(
            "split", "A-B", "writes of A to B bytes, wherever that cuts a frame, a line or a character",
            .chat { chat, text in
                let parts = text.split(separator: "-").map { parse($0) }
                guard let first = parts.first, let least = first, least > 0 else { return false }
                guard parts.count <= 2, let last = parts.last, let largest = last, largest >= least else {
                    return false
                }
                chat.framing.split = least...largest
                return true
            }),
        Switch("gap", "MS", "milliseconds between two such writes", .chat(number(\.framing.gap, upTo: longest))),
        Switch(
            "batch", "N", "frames in one write, where there is a delay",
            .chat(number(\.framing.batch, from: 1, upTo: 10_000))),
        Switch("gzip", form(Framing.Gzip.self), "content-encoding: gzip", .chat(choice(\.framing.gzip))),
        Switch(
            "finish", form(ChatBehaviour.Finish.self), "chunks that carry finish_reason", .chat(choice(\.finish))),
        Switch(
            "usage", form(ChatBehaviour.Usage.self), "where the token counts go; 'finish' is the finish chunk",
            .chat(choice(\.usage))),
        Switch("role", form(ChatBehaviour.Role.self), "the role in later chunks", .chat(choice(\.role))),
        Switch(
            "created", form(ChatBehaviour.Created.self), "the key of the time in each chunk; 'typo' is \"reated\"",
            .chat(choice(\.created))),
        Switch("done", "on|off", "whether data: [DONE] ends the stream", .chat(flag(\.sendsDone))),
    ]

    static let errors: [Switch] = [
        Switch(
            "fail", "cut@K|reset@K|end@K|middle@K|stall@K|error@K",
            "after K pieces the connection closes, the stream is reset, the response ends between or within frames, "
                + "nothing more comes, or an error event",
            .chat { chat, text in
                guard let (name, after) = parsePosition(text), let failure = failure(name, after) else { return false }
                chat.failure = failure
                return true
            }),
        Switch(
            "status", "N", "an error with this status, or the status of error=",
            .chat(number(\.status, from: 200, upTo: 599))),
        Switch(
            "error", SimulatedError.all.map(\.name).joined(separator: "|"), "one of Qwen's errors",
            .chat { chat, text in
                guard SimulatedError.named(String(text)) != nil else { return false }
                chat.error = String(text)
                return true
            }),
        Switch(
            "envelope", form(ErrorEnvelope.self), "the shape of error=; E4 to E8 come in a stream with status 200",
            .chat(choice(\.envelope))),
        Switch(
            "at", "K", "error= comes in the stream, after K pieces; 0 is before the first chunk",
            .chat(number(\.errorPosition))),
        Switch(
            "event-style", form(Framing.ErrorStyle.self), "E3: as it is, with 'event: error', without a line end",
            .chat(choice(\.framing.errorStyle))),
        Switch("retry-after", "SECONDS", "Retry-After on errors", .chat(number(\.retryAfter))),
    ]

    private static func failure(_ name: Substring, _ after: Int) -> ChatBehaviour.Failure? {
        switch name {
        case "cut": .cut(after: after)
        case "reset": .reset(after: after)
        case "end": .end(after: after)
        case "middle": .middle(after: after)
        case "stall": .stall(after: after)
        case "error": .error(after: after)
        default: nil
        }
    }

    static let admission: [Switch] = [
        Switch("quota", "N", "calls until 'Free allocated quota exceeded.'", .admission(number(\.quota))),
        Switch("concurrency", "N", "calls at once, more get Throttling.Concurrency", .admission(number(\.concurrency))),
        Switch(
            "refuse", "PERCENT", "calls in a hundred that are refused", .admission(number(\.refusedShare, upTo: 100))),
        Switch("seed", "N", "chooses which ones (1)", .admission(number(\.seed))),
        Switch(
            "refuse-with", SimulatedError.all.map(\.name).joined(separator: "|"), "the error they get (rate-quota)",
            .admission { admission, text in
                guard SimulatedError.named(String(text)) != nil else { return false }
                admission.refusal = String(text)
                return true
            }),
        Switch("times", "N", "the switches hold for N calls, later ones go well", .admission(number(\.times))),
    ]
}
