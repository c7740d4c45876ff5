import JSON
import NIOCore
import Testing

@testable import Translation

/// What becomes of a chat completion request on its way to Qwen.
@Suite struct ChatRequestTests {
    private func translate(_ text: String) throws -> ChatRequest {
        var document = JSONDocument()
        return try ChatRequest(ByteBuffer(string: text), document: &document, defaultModel: "default-model")
    }

    @Test func bodyPassesByteForByte() throws {
        let text =
            #" { "model" : "qw\u0065n", "messages":[{"role":"user","content":"h\u00e9 \ud83d\ude00"}],"#
            + #""temperature":1.0E-2, "unknown":{"a":[1,2.50]} , "stream":false}"#
        let request = try translate(text)
        #expect(String(buffer: request.body) == text)
        #expect(request.model == "qwen")
        #expect(!request.isStreaming)
    }

    @Test(arguments: [
        (#"{"messages":[{"role":"user"}]}"#, #"{"messages":[{"role":"user"}],"model":"default-model"}"#),
        (
            #"{"model":null,"messages":[{"role":"user"}]}"#,
            #"{"model":"default-model","messages":[{"role":"user"}]}"#
        ),
        (#"{"model":"","messages":[{"role":"user"}]}"#, #"{"model":"default-model","messages":[{"role":"user"}]}"#),
    ])
    func missingModelIsSplicedIn(_ text: String, _ expected: String) throws {
        let request = try translate(text)
        #expect(String(buffer: request.body) == expected)
        #expect(request.model == "default-model")
    }

    @Test func streamOptionsAreRead() throws {
        let request = try translate(
            #"{"messages":[{"role":"user"}],"stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(request.isStreaming)
        #expect(request.includesUsage)
    }

    @Test(
        arguments: [
            ("", nil), ("[]", nil), (#"{"messages":{}}"#, "messages"), (#"{"messages":[]}"#, "messages"),
            ("{}", "messages"),
            (#"{"messages":[1]}"#, "messages[0]"), (#"{"messages":[{"role":"user"},{}]}"#, "messages[1].role"),
            (#"{"messages":[{"role":"user"}],"model":7}"#, "model"),
            (#"{"messages":[{"role":"user"}],"stream":1}"#, "stream"),
            (#"{"messages":[{"role":"user"}],"stream_options":[]}"#, "stream_options"),
            (#"{"messages":[{"role":"user"}],"mod\u0065l":"a","model":"b"}"#, nil),
            (#"{"messages":[{"role":"user"}]} trailing"#, nil),
        ] as [(String, String?)])
    func faultNamesTheField(_ text: String, _ param: String?) {
        do {
            _ = try translate(text)
            Issue.record("\(text) was accepted")
        } catch let error as InvalidRequest {
            #expect(error.param == param)
            #expect(!error.message.isEmpty)
        } catch {
            Issue.record("\(error)")
        }
    }
}
