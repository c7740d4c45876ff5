import NIOCore

/// A stream of Qwen's, as the data of its events: a beginning, and then one delta after the other, all of a kind.
struct Recording {
    let name: String
    let start: [ByteBuffer]
    let delta: ByteBuffer

    static let text = Recording(
        "text", start: [#"{"role":"assistant","content":"Hi"}"#], delta: #"{"content":" wörld \"x\""}"#)
    static let reasoning = Recording(
        "reasoning", start: [#"{"role":"assistant","content":null,"reasoning_content":""}"#],
        delta: #"{"content":null,"reasoning_content":" so then"}"#)
    static let arguments = Recording(
        "arguments",
        start: [
            #"{"tool_calls":[{"index":0,"id":"call_1","type":"function","#
                + #""function":{"name":"f","arguments":"{\"a\":\""}}]}"#
        ],
        delta:
            #"{"tool_calls":[{"index":0,"id":"","type":"function","function":{"name":null,"arguments":"more of it"}}]}"#
    )

    private init(_ name: String, start: [String], delta: String) {
        self.name = name
        self.start = start.map(Self.chunk)
        self.delta = Self.chunk(delta)
    }

    /// A chunk as Model Studio writes it.
    private static func chunk(_ delta: String) -> ByteBuffer {
        ByteBuffer(
            string: #"{"choices":[{"delta":\#(delta),"finish_reason":null,"index":0,"logprobs":null}],"#
                + #""object":"chat.completion.chunk","usage":null,"created":1795000001,"system_fingerprint":null,"#
                + #""model":"qwen3-coder-plus","id":"chatcmpl-6ada9ed2-7f33-9de2-8bb0-78bd4035025a"}"#)
    }
}
