import EventStream
import JSON
import NIOCore

/// The answer to one chat completion request, piece by piece, in the shapes that Qwen gives it.
struct ChatScript {
    let model: String
    let includesUsage: Bool
    let directives: Directives
    private let id: String
    private let created: Int
    private let words: [String]

    init(model: String, includesUsage: Bool, directives: Directives, id: String, created: Int) {
        self.model = model
        self.includesUsage = includesUsage
        self.directives = directives
        self.id = id
        self.created = created
        let text =
            "Hello! This is the Qwen simulator: what you read was made up on your own machine. Steer it with words "
            + "like chunks=100 size=10 delay=20 in your message."
        words = text.split(separator: " ").map { "\($0) " }
    }

    /// How many pieces of text the answer has.
    var count: Int { directives.chunks ?? words.count }

    /// The text of a piece: unlike any other, unless the client has asked for one text.
    func text(_ index: Int) -> String {
        if let text = directives.text { return text }
        guard directives.chunks != nil else { return words[index % words.count] }
        let number = String(index)
        let size = directives.size
        guard number.utf8.count < size else { return String(number.suffix(size)) }
        return number + String(repeating: "x", count: size - number.utf8.count - 1) + " "
    }

    // MARK: Stream

    /// The first chunk: the role and no text.
    func writeOpening(into output: inout ByteBuffer) {
        writeChunk(into: &output) { output in
            output.writeStaticString(
                #"{"delta":{"content":"","role":"assistant","reasoning_content":null},"index":0,"#)
            output.writeStaticString(#""logprobs":null,"finish_reason":null}"#)
        }
    }

    func writePiece(_ index: Int, into output: inout ByteBuffer) {
        let text = text(index)
        writeChunk(into: &output) { output in
            output.writeStaticString(#"{"delta":{"content":"#)
            JSONWriter.writeString(text, into: &output)
            output.writeStaticString(
                #","reasoning_content":null},"finish_reason":null,"index":0,"logprobs":null}"#)
        }
    }

    /// The finish chunk, the usage chunk if it was asked for, and the marker of the end.
    func writeClosing(into output: inout ByteBuffer) {
        writeChunk(into: &output) { output in
            output.writeStaticString(
                #"{"delta":{"content":"","reasoning_content":null},"finish_reason":"stop","index":0,"logprobs":null}"#)
        }
        if includesUsage {
            writeChunk(usage: usage, into: &output) { _ in }
        }
        output.writeStaticString("data: [DONE]\n\n")
    }

    private func writeChunk(
        usage: String = "null", into output: inout ByteBuffer, _ choice: (inout ByteBuffer) -> Void
    ) {
        output.writeStaticString(#"data: {"choices":["#)
        choice(&output)
        output.writeStaticString(#"],"object":"chat.completion.chunk","usage":"#)
        output.writeString(usage)
        output.writeStaticString(#","created":"#)
        JSONWriter.writeInteger(created, into: &output)
        output.writeStaticString(#","system_fingerprint":null,"model":"#)
        JSONWriter.writeString(model, into: &output)
        output.writeStaticString(#","id":""#)
        output.writeString(id)
        output.writeStaticString("\"}\n\n")
    }

    private var usage: String {
        let tokens = count
        return #"{"prompt_tokens":22,"completion_tokens":\#(tokens),"total_tokens":\#(22 + tokens),"#
            + #""prompt_tokens_details":{"cached_tokens":0}}"#
    }

    // MARK: Whole

    /// The answer as one document.
    func answer() -> ByteBuffer {
        var text = ""
        for index in 0..<count { text += self.text(index) }
        var output = ByteBuffer()
        output.writeStaticString(#"{"choices":[{"message":{"role":"assistant","content":"#)
        JSONWriter.writeString(text, into: &output)
        output.writeStaticString(#"},"finish_reason":"stop","index":0,"logprobs":null}],"object":"chat.completion","#)
        output.writeString(#""usage":\#(usage),"created":\#(created),"system_fingerprint":null,"model":"#)
        JSONWriter.writeString(model, into: &output)
        output.writeString(#","id":"\#(id)"}"#)
        return output
    }

    // MARK: Errors

    /// An error in the envelope of the compatible mode.
    static func error(status: Int, requestID: String) -> ByteBuffer {
        let (code, type, message) =
            switch status {
            case 401: ("invalid_api_key", "invalid_request_error", "Incorrect API key provided.")
            case 403: ("access_denied", "access_denied", "Access denied.")
            case 404:
                (
                    "model_not_found", "invalid_request_error",
                    "The model does not exist or you do not have access to it."
                )
            case 429: ("limit_requests", "limit_requests", "You exceeded your current requests list.")
            case 503: ("ModelUnavailable", "server_error", "The model is unavailable.")
            case 400..<500: ("invalid_parameter_error", "invalid_request_error", "Required body invalid.")
            default: ("internal_error", "internal_error", "An internal error has occured, please try again later.")
            }
        return ByteBuffer(
            string: #"{"error":{"message":"\#(message)","type":"\#(type)","param":null,"code":"\#(code)"},"#
                + #""request_id":"\#(requestID)"}"#)
    }

    /// An error in the middle of a stream, as it leaks from Qwen's native interface.
    static func writeErrorEvent(into output: inout ByteBuffer) {
        output.writeStaticString(
            """
            id:1
            event:error
            :HTTP_STATUS/429
            data:{"request_id":"00000000-0000-4000-8000-000000000000","code":"Throttling.AllocationQuota",\
            "message":"Allocated quota exceeded, please increase your quota limit."}


            """)
    }
}
