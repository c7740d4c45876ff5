import Testing

@testable import Qwen

@Suite struct APIKeyFitTests {
    static let regional = [
        "https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
        "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
        "https://maas.qwencloudapi.com/compatible-mode/v1",
        "https://maas.qianwenaiapi.com/compatible-mode/v1", "HTTPS://DashScope.Aliyuncs.com.:443",
    ]
    static let workspaces = [
        "https://ws-1.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://ws-1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1",
    ]
    static let plans = [
        "https://coding.dashscope.aliyuncs.com/v1", "https://coding-intl.dashscope.aliyuncs.com/v1",
        "https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1",
        "https://token-plan.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1",
        "https://token-plan.maas.qwencloudapi.com/compatible-mode/v1",
    ]
    static let unknown = [
        "https://localhost:8443", "https://127.0.0.1/v1", "https://[::1]:9443/v1", "https://proxy.example/dashscope",
        "https://dashscope.aliyuncs.com.example/v1", "https://mydashscope.aliyuncs.com.evil", "",
    ]

    private func isRefused(_ key: String, _ url: String) -> Bool {
        guard case .refused(let reason) = APIKeyFit(key: key, baseURL: url) else { return false }
        #expect(!reason.contains("canary"))
        #expect(reason.contains("aliyuncs.com"))
        return true
    }

    @Test(arguments: regional) func regionalHost(_ url: String) {
        #expect(APIKeyFit(key: "sk-canary", baseURL: url) == .fits)
        #expect(isRefused("sk-sp-canary", url))
        #expect(isRefused("sk-ws-canary", url))
    }

    @Test(arguments: workspaces) func workspaceHost(_ url: String) {
        #expect(APIKeyFit(key: "sk-ws-canary", baseURL: url) == .fits)
        #expect(APIKeyFit(key: "sk-canary", baseURL: url) == .fits)
        #expect(isRefused("sk-sp-canary", url))
    }

    @Test(arguments: plans) func planHost(_ url: String) {
        #expect(isRefused("sk-canary", url))
        #expect(isRefused("sk-ws-canary", url))
        guard case .warns(let terms) = APIKeyFit(key: "sk-sp-canary", baseURL: url) else {
            Issue.record("no word about the plan's terms")
            return
        }
        #expect(terms.contains("terms") && !terms.contains("canary"))
    }

    @Test(arguments: unknown, ["sk-a", "sk-sp-a", "sk-ws-a", "x"]) func unknownHost(_ url: String, _ key: String) {
        #expect(APIKeyFit(key: key, baseURL: url) == .fits)
    }

    @Test func thePortalTakesNoKeys() {
        #expect(isRefused("sk-canary", "https://portal.qwen.ai/v1"))
    }

    @Test(arguments: regional + plans + workspaces) func anotherKindOfKeyIsNotJudged(_ url: String) {
        #expect(APIKeyFit(key: "st-1", baseURL: url) == .fits)
    }
}
