import HTTP
import Testing

@testable import Qwen

struct QwenProviderTests {
    @Test(arguments: [true, false]) func requestHeadIsMadeFromAnAllowList(isStreaming: Bool) {
        let provider = QwenProvider(
            authority: "qwen.example:8443", basePath: "/compatible-mode/v1", apiKey: "sk-0123456789",
            userAgent: "qwen-gateway/1")
        let head = provider.chatRequest(isStreaming: isStreaming)
        #expect(head.method == "POST")
        #expect(head.scheme == "https")
        #expect(head.authority == "qwen.example:8443")
        #expect(head.path == "/compatible-mode/v1/chat/completions")
        let fields = (0..<head.fields.count).map { [head.fields.name(at: $0), head.fields.value(at: $0)] }
        #expect(
            fields == [
                ["authorization", "Bearer sk-0123456789"], ["content-type", "application/json"],
                ["accept", isStreaming ? "text/event-stream" : "application/json"], ["user-agent", "qwen-gateway/1"],
            ])
    }
}
