import HTTP
import Testing

@testable import Qwen

@Suite struct QwenProviderTests {
    private func fields(_ head: RequestHead) -> [[String]] {
        (0..<head.fields.count).map { [head.fields.name(at: $0), head.fields.value(at: $0)] }
    }

    private let studio = QwenProvider(
        authority: "qwen.example:8443", basePath: "/compatible-mode/v1", apiKey: "sk-canary",
        userAgent: "qwen-gateway/1")
    private let portal = QwenProvider(
        authority: "portal.qwen.ai", basePath: "/v1", accessToken: "canary", userAgent: "qwen-gateway/1")

    @Test(arguments: [true, false]) func requestHeadIsMadeFromAnAllowList(isStreaming: Bool) {
        let head = studio.chatRequest(isStreaming: isStreaming)
        #expect(head.method == "POST")
        #expect(head.scheme == "https")
        #expect(head.authority == "qwen.example:8443")
        #expect(head.path == "/compatible-mode/v1/chat/completions")
        #expect(
            fields(head) == [
                ["authorization", "Bearer sk-canary"], ["content-type", "application/json"],
                ["accept", isStreaming ? "text/event-stream" : "application/json"], ["user-agent", "qwen-gateway/1"],
            ])
        #expect(!studio.isPortal)
    }

    @Test func portalIsToldWhoAsks() throws {
        let portal = try #require(portal)
        #expect(portal.isPortal)
        let head = portal.chatRequest(isStreaming: true)
        #expect(head.path == "/v1/chat/completions")
        #expect(
            fields(head) == [
                ["authorization", "Bearer canary"], ["content-type", "application/json"],
                ["accept", "text/event-stream"], ["user-agent", "qwen-gateway/1"],
                ["x-dashscope-useragent", "qwen-gateway/1"], ["x-dashscope-cachecontrol", "enable"],
                ["x-dashscope-authtype", "qwen-oauth"],
            ])
    }

    @Test func otherPaths() {
        let models = studio.request(.get, "models")
        #expect(models.method == "GET")
        #expect(models.path == "/compatible-mode/v1/models")
        #expect(models.fields["content-type"] == nil)
        #expect(models.fields["accept"] == "application/json")
        let embeddings = studio.request(.post, "embeddings")
        #expect(embeddings.method == "POST")
        #expect(embeddings.path == "/compatible-mode/v1/embeddings")
        #expect(embeddings.fields["content-type"] == "application/json")
        #expect(embeddings.fields["authorization"] == "Bearer sk-canary")
    }

    @Test(arguments: ["", "a b", "a\r\nx-evil: 1", "a\u{0}", "tökén"]) func tokenThatNoFieldCanCarry(_ token: String) {
        #expect(
            QwenProvider(authority: "a", basePath: "", accessToken: token, userAgent: "qwen-gateway/1") == nil)
    }

    @Test func noTextHoldsTheSecret() {
        var text = "\(studio) \(String(reflecting: studio)) \(String(describing: portal))"
        dump(studio, to: &text)
        dump(portal, to: &text)
        #expect(!text.contains("canary"))
        #expect(text.contains("qwen.example:8443"))
    }
}
