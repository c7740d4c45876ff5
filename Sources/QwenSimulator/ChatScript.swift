import JSON
import NIOCore

/// The answer to one chat completion request, piece by piece: reasoning, text and tool calls, in this order.
struct ChatScript {
    let request: ChatRequest
    let behaviour: ChatBehaviour
    /// The request's identifier, which the answer's is made of.
    let requestID: String
    let created: Int
    let tools: ToolCallScript
    /// Pieces of reasoning, and of text.
    let reasoning: Int
    let texts: Int
    private let words: [String]

    init(_ request: ChatRequest, _ behaviour: ChatBehaviour, requestID: String, created: Int) {
        self.request = request
        self.behaviour = behaviour
        self.requestID = requestID
        self.created = created
        tools = ToolCallScript(request, behaviour.tools, id: String(requestID.suffix(12)))
        words = Self.words(behaviour.leak)
        reasoning = behaviour.reasoning ?? (request.thinks ? Self.thoughts.count : 0)
        texts = behaviour.chunks ?? (tools.calls.isEmpty ? words.count : 0)
    }

    /// How many pieces the answer has.
    var count: Int { reasoning + texts + tools.deltas.count }

    // MARK: Text

    private static let sentence = split(
        "Hello! This is the Qwen simulator: what you read was made up on your own machine. Steer it with words "
            + "like chunks=100 size=10 delay=20 in your message.")
    private static let thoughts = split("Okay, somebody asks me something. I know what to say.")
    private static let leakedThoughts = ["<think>", "Okay, somebody asks me something.", "</think>"]
    private static let leakedCall = [
        "<tool_call>\n", "<function=get_weather>\n", "<parameter=city>\nParis\n</parameter>\n", "</function>\n",
        "</tool_call>",
    ]

    private static func split(_ text: String) -> [String] {
        text.split(separator: " ").map { "\($0) " }
    }

    private static func words(_ leak: ChatBehaviour.Leak?) -> [String] {
        switch leak {
        case nil: sentence
        case .think?: leakedThoughts + sentence
        case .tool?: leakedCall
        }
    }

    /// The text of a piece: unlike any other, unless the client has asked for one text.
    private func text(_ index: Int) -> String {
        if let text = behaviour.text { return text }
        guard behaviour.chunks != nil else { return words[index % words.count] }
        let number = String(index)
        let size = behaviour.size
        guard number.utf8.count < size else { return String(number.suffix(size)) }
        return number + String(repeating: "x", count: size - number.utf8.count - 1) + " "
    }

    // MARK: Stream

    /// The first chunk: the role and no text.
    func writeOpening(into output: inout ByteBuffer) {
        writeChunk(frame: 0, into: &output) { output in
            if reasoning > 0 {
                output.writeStaticString(#"{"delta":{"content":null,"role":"assistant","reasoning_content":""},"#)
            } else {
                output.writeStaticString(#"{"delta":{"content":"","role":"assistant","reasoning_content":null},"#)
            }
            output.writeStaticString(#""index":0,"logprobs":null,"finish_reason":null}"#)
        }
    }

    func writePiece(_ index: Int, into output: inout ByteBuffer) {
        writeChunk(frame: index + 1, into: &output) { output in
            if index < reasoning {
                output.writeStaticString(#"{"finish_reason":null,"logprobs":null,"delta":{"content":null,"#)
                output.writeStaticString(#""reasoning_content":"#)
                JSONWriter.writeString(Self.thoughts[index % Self.thoughts.count], into: &output)
                writeRole(into: &output)
                output.writeStaticString(#"},"index":0}"#)
            } else if index < reasoning + texts {
                writeText(text(index - reasoning), finishReason: nil, into: &output)
            } else {
                output.writeStaticString(#"{"index":0,"finish_reason":null,"delta":{"content":null,"tool_calls":["#)
                output.writeString(tools.deltas[index - reasoning - texts])
                output.writeStaticString("]")
                writeRole(into: &output)
                output.writeStaticString("}}")
            }
        }
    }

    private func writeText(_ text: String, finishReason: String?, into output: inout ByteBuffer) {
        output.writeStaticString(#"{"delta":{"content":"#)
        JSONWriter.writeString(text, into: &output)
        output.writeStaticString(#","reasoning_content":null"#)
        writeRole(into: &output)
        output.writeStaticString(#"},"finish_reason":"#)
        if let finishReason {
            JSONWriter.writeString(finishReason, into: &output)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString(#","index":0,"logprobs":null}"#)
    }

    private func writeRole(into output: inout ByteBuffer) {
        switch behaviour.role {
        case .absent: break
        case .null: output.writeStaticString(#","role":null"#)
        case .every: output.writeStaticString(#","role":"assistant""#)
        }
    }

    private var finishReason: String {
        behaviour.reason ?? (tools.calls.isEmpty ? "stop" : "tool_calls")
    }

    private var sendsUsage: Bool {
        switch behaviour.usage {
        case .asked: request.includesUsage
        case .always: true
        case .never, .finish: false
        }
    }

    /// The finish chunks, the usage chunk if it was asked for, and the marker of the end.
    func writeClosing(into output: inout ByteBuffer) {
        let frame = count + 1
        let finishes = behaviour.finish == .none ? 0 : behaviour.finish == .one ? 1 : 2
        for number in 0..<finishes {
            let carriesUsage = behaviour.usage == .finish && number == finishes - 1
            writeChunk(frame: frame + number, usage: carriesUsage ? usage : "null", into: &output) { output in
                writeText("", finishReason: finishReason, into: &output)
            }
        }
        if sendsUsage {
            writeChunk(frame: frame + finishes, usage: usage, into: &output) { _ in }
        }
        if behaviour.sendsDone {
            writeFrame(frame: frame + finishes + 1, into: &output) { $0.writeStaticString("[DONE]") }
        }
    }

    /// A chunk whose text is an error: E5 and E6.
    func writeErrorChunk(_ error: SimulatedError, _ envelope: ErrorEnvelope, into output: inout ByteBuffer) {
        var text = ByteBuffer()
        if envelope == .wrapped {
            error.writeEvent(.native, framing: Framing(), requestID: requestID, into: &text)
        } else {
            text.writeString("<\(error.status)> \(error.code): \(error.message)")
        }
        writeChunk(frame: 0, into: &output) { output in
            writeText(
                String(buffer: text), finishReason: envelope == .finish ? "error_finish" : nil, into: &output)
        }
    }

    // MARK: Frames

    private func writeChunk(
        frame: Int, usage: String = "null", into output: inout ByteBuffer, _ choice: (inout ByteBuffer) -> Void
    ) {
        writeFrame(frame: frame, into: &output) { output in
            output.writeStaticString(#"{"choices":["#)
            choice(&output)
            output.writeStaticString(#"],"object":"chat.completion.chunk","usage":"#)
            output.writeString(usage)
            switch behaviour.created {
            case .right: output.writeStaticString(#","created":"#)
            case .typo: output.writeStaticString(#","reated":"#)
            case .absent: break
            }
            if behaviour.created != .absent { JSONWriter.writeInteger(created, into: &output) }
            output.writeStaticString(#","system_fingerprint":null,"model":"#)
            JSONWriter.writeString(request.model, into: &output)
            output.writeStaticString(#","id":"chatcmpl-"#)
            output.writeString(requestID)
            output.writeStaticString("\"}")
        }
    }

    private func writeFrame(frame: Int, into output: inout ByteBuffer, _ data: (inout ByteBuffer) -> Void) {
        let framing = behaviour.framing
        if framing.heartbeat > 0 || framing.isNative { writePreface(frame, framing, into: &output) }
        output.writeStaticString(framing.hasSpace ? "data: " : "data:")
        data(&output)
        output.writeStaticString(framing.lineEnd.text)
        output.writeStaticString(framing.lineEnd.text)
    }

    private func writePreface(_ frame: Int, _ framing: Framing, into output: inout ByteBuffer) {
        let lineEnd = framing.lineEnd.text
        if framing.heartbeat > 0, frame % framing.heartbeat == 0 {
            output.writeStaticString(": keep-alive")
            output.writeStaticString(lineEnd)
            output.writeStaticString(lineEnd)
        }
        guard framing.isNative else { return }
        for line in ["id:\(frame + 1)", "event:result", ":HTTP_STATUS/200"] {
            output.writeString(line)
            output.writeStaticString(lineEnd)
        }
    }

    private var usage: String {
        let completion = count
        var usage = #"{"prompt_tokens":22,"completion_tokens":\#(completion),"total_tokens":\#(22 + completion),"#
        if reasoning > 0 { usage += #""completion_tokens_details":{"reasoning_tokens":\#(reasoning)},"# }
        return usage + #""prompt_tokens_details":{"cached_tokens":0}}"#
    }

    // MARK: Whole

    /// The answer as one document; half of its text if it is partial.
    func answer() -> ByteBuffer {
        var text = ""
        for index in 0..<(behaviour.isPartial ? texts / 2 : texts) { text += self.text(index) }
        var output = ByteBuffer()
        output.writeStaticString(#"{"choices":[{"message":{"role":"assistant","content":"#)
        JSONWriter.writeString(text, into: &output)
        if reasoning > 0 {
            let thoughts = (0..<reasoning).map { Self.thoughts[$0 % Self.thoughts.count] }.joined()
            output.writeStaticString(#","reasoning_content":"#)
            JSONWriter.writeString(thoughts, into: &output)
        }
        if !tools.calls.isEmpty {
            output.writeStaticString(#","tool_calls":"#)
            tools.writeList(into: &output)
        }
        output.writeStaticString(#"},"finish_reason":"#)
        if behaviour.isPartial {
            output.writeStaticString("null")
        } else {
            JSONWriter.writeString(finishReason, into: &output)
        }
        output.writeStaticString(#","index":0,"logprobs":null}],"object":"chat.completion","#)
        output.writeString(#""usage":\#(usage),"created":\#(created),"system_fingerprint":null,"model":"#)
        JSONWriter.writeString(request.model, into: &output)
        output.writeString(#","id":"chatcmpl-\#(requestID)"}"#)
        return output
    }
}
