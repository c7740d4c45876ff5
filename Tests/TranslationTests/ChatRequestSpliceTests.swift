import JSON
import NIOCore
import Testing

@testable import Translation

struct ChatRequestSpliceTests {
    private func translate(_ text: String) throws(InvalidRequest) -> ChatRequest {
        var document = JSONDocument()
        return try ChatRequest(ByteBuffer(string: text), document: &document, defaultModel: "qwen-default")
    }

    /// What the client wrote stays as it is: spaces, escapes, the spelling of numbers, unknown members, their order.
    private static let rest =
        #""temperature" : 1.50e0 ,"x":{"b":1,"a":"\u00e9\/"}, "messages":[ {"role":"user","content":"h\u0069"} ]"#

    @Test func nothingToChange() throws {
        let text = " {\"model\":\"m\", \(Self.rest)}\n"
        let request = try translate(text)
        #expect(String(buffer: request.body) == text)
        #expect(request.model == "m")
        #expect(!request.isStreaming)
        #expect(!request.includesUsage)
    }

    @Test func modelIsAppended() throws {
        let request = try translate("{\(Self.rest)}")
        #expect(String(buffer: request.body) == "{\(Self.rest),\"model\":\"qwen-default\"}")
        #expect(request.model == "qwen-default")
    }

    @Test(arguments: ["null", "\"\""]) func modelIsReplaced(_ value: String) throws {
        let request = try translate("{\"model\" : \(value) , \(Self.rest)}")
        #expect(String(buffer: request.body) == "{\"model\" : \"qwen-default\" , \(Self.rest)}")
        #expect(request.model == "qwen-default")
    }

    @Test func flagsAreRead() throws {
        let text = #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
        let request = try translate(text)
        #expect(request.isStreaming)
        #expect(request.includesUsage)
        #expect(String(buffer: request.body) == text)
        let without = try translate(
            #"{"model":"m","stream":null,"stream_options":null,"messages":[{"role":"user"}]}"#)
        #expect(!without.isStreaming)
        #expect(!without.includesUsage)
    }

    /// A body and the field that its error names.
    static let refused: [(String, String?)] = [
        ("", nil), ("{", nil), ("[]", nil), ("null", nil), ("{} {}", nil),
        ("{}", "messages"), (#"{"messages":null}"#, "messages"), (#"{"messages":[]}"#, "messages"),
        (#"{"messages":["x"]}"#, "messages[0]"), (#"{"messages":[{"role":"user"},{}]}"#, "messages[1].role"),
        (#"{"messages":[{"role":1}]}"#, "messages[0].role"),
        (#"{"messages":[{"role":"user"}],"model":1}"#, "model"),
        (#"{"messages":[{"role":"user"}],"stream":"yes"}"#, "stream"),
        (#"{"messages":[{"role":"user"}],"stream_options":[]}"#, "stream_options"),
        (#"{"messages":[{"role":"user"}],"stream_options":{"include_usage":1}}"#, "include_usage"),
        (#"{"messages":[{"role":"user"}],"stream":true,"str\u0065am":false}"#, nil),
        (#"{"messages":[{"role":"user","r\u006fle":"system"}]}"#, "messages[0]"),
        (#"{"messages":[{"role":"user"}],"enable_thinking":"true"}"#, "enable_thinking"),
        (#"{"messages":[{"role":"user"}],"reasoning_effort":3}"#, "reasoning_effort"),
        (#"{"messages":[{"role":"user"}],"response_format":"json_object"}"#, "response_format"),
        (#"{"messages":[{"role":"user"}],"response_format":{"type":"text","type":"json_object"}}"#, "response_format"),
        (#"{"messages":[{"role":"user"}],"model":"qwen3-coder-plus:thinking"}"#, "model"),
        (#"{"messages":[{"role":"user"}],"model":"qwq-plus:no-think"}"#, "model"),
    ]

    @Test(arguments: refused) func isRefused(_ text: String, _ param: String?) {
        let error = #expect(throws: InvalidRequest.self) { try translate(text) }
        #expect(error?.param == param)
        #expect(error?.message.isEmpty == false)
    }
}
