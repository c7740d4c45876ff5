import JSON
import NIOCore

/// The bodies of a request's calls: they differ in prompt and seed alone.
struct CompletionBody {
    /// The model's name for the call; empty to name none.
    var model = ""
    /// As it is written in JSON, without quotation marks.
    var suffix: ByteBuffer?
    /// Set if the text in front of a suffix is asked for.
    var fill: FillInTheMiddle?
    /// As it is written.
    var seed: ByteBuffer?
    /// Members that all bodies have, each with a comma in front.
    var options = ByteBuffer()

    mutating func writeOptions(maxTokens: Int?, logprobs: Int?, isStreaming: Bool) {
        if let maxTokens {
            options.writeStaticString(",\"max_tokens\":")
            JSONWriter.writeInteger(maxTokens, into: &options)
        }
        if let logprobs {
            options.writeStaticString(fill == .completions ? ",\"logprobs\":" : ",\"logprobs\":true,\"top_logprobs\":")
            JSONWriter.writeInteger(logprobs, into: &options)
        }
        if isStreaming { options.writeStaticString(#","stream":true,"stream_options":{"include_usage":true}"#) }
    }

    /// A body for each candidate of each prompt. Those that are the same share their bytes.
    func bodies(_ prompts: [ByteBuffer], candidates: Int) -> [ByteBuffer] {
        var bodies: [ByteBuffer] = []
        bodies.reserveCapacity(prompts.count * candidates)
        for prompt in prompts {
            let first = body(prompt, seed: seed)
            bodies.append(first)
            for candidate in 1..<max(candidates, 1) {
                guard let seed = seed(of: candidate) else {
                    bodies.append(first)
                    continue
                }
                bodies.append(body(prompt, seed: seed))
            }
        }
        return bodies
    }

    /// Qwen's seeds go from 0 to 2³¹-1. One that is no integer is left for Qwen to judge.
    private func seed(of candidate: Int) -> ByteBuffer? {
        guard let seed, let number = Int(String(buffer: seed)) else { return nil }
        var text = ByteBuffer()
        JSONWriter.writeInteger((number & 0x7FFF_FFFF + candidate) & 0x7FFF_FFFF, into: &text)
        return text
    }

    private func body(_ prompt: ByteBuffer, seed: ByteBuffer?) -> ByteBuffer {
        var body = ByteBuffer()
        let size = prompt.readableBytes + options.readableBytes + (suffix?.readableBytes ?? 0)
        body.reserveCapacity(size + model.utf8.count + 192)
        body.writeStaticString("{")
        if !model.isEmpty {
            body.writeStaticString("\"model\":")
            JSONWriter.writeString(model, into: &body)
            body.writeStaticString(",")
        }
        if fill == .completions {
            body.writeStaticString("\"prompt\":")
            FillInTheMiddle.write(prompt, suffix: suffix, into: &body)
        } else {
            body.writeStaticString("\"messages\":[")
            if fill == .chat {
                body.writeStaticString(FillInTheMiddle.systemMessage)
                body.writeStaticString(",")
            }
            body.writeStaticString("{\"role\":\"user\",\"content\":")
            FillInTheMiddle.write(prompt, suffix: suffix, into: &body)
            body.writeStaticString("}]")
        }
        if let seed {
            body.writeStaticString(",\"seed\":")
            body.writeImmutableBuffer(seed)
        }
        body.writeImmutableBuffer(options)
        body.writeStaticString("}")
        return body
    }
}
