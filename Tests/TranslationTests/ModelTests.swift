import Testing

@testable import Translation

struct ModelTests {
    @Test(
        arguments: [
            ("qwen3.8-max", .hybrid(byDefault: true)), ("qwen3.8-max-0902", .hybrid(byDefault: true)),
            ("qwen3.8-max-preview", .always), ("qwen3.7-plus", .hybrid(byDefault: true)),
            ("qwen3.9-plus", .hybrid(byDefault: true)), ("qwen3-max-2026-01-23", .hybrid(byDefault: false)),
            ("qwen3-coder-plus", .never), ("qwen3-coder-480b-a35b-instruct", .never),
            ("qwen3-235b-a22b", .hybrid(byDefault: true)), ("qwen3-235b-a22b-thinking-2507", .always),
            ("qwen3-next-80b-a3b-instruct", .never), ("qwen3-vl-235b-a22b-thinking", .always),
            ("qwen3-asr-flash", .unknown), ("QwQ-plus", .always), ("qvq-max", .always),
            ("qwen-plus-latest", .hybrid(byDefault: false)), ("qwen-plus-character", .never), ("qwen-max", .never),
            ("coder-model", .hybrid(byDefault: true)), ("deepseek-v4-pro", .hybrid(byDefault: true)),
            ("kimi-k3", .unknown), ("gpt-4o", .unknown), ("", .unknown),
        ] as [(String, ModelProfile.Thinking)])
    func thinking(_ model: String, _ expected: ModelProfile.Thinking) {
        #expect(ModelProfile(of: model).thinking == expected)
    }

    @Test func whatElseIsKnown() {
        #expect(ModelProfile(of: "MiniMax-M2.5").takesMaxCompletionTokens == true)
        #expect(ModelProfile(of: "qwen3.5-plus").takesMaxCompletionTokens == true)
        #expect(ModelProfile(of: "qwen3-max").takesMaxCompletionTokens == false)
        #expect(ModelProfile(of: "gpt-4o").takesMaxCompletionTokens == nil)
        for model in ["qwq-plus", "qvq-max", "qwen3-omni-flash", "qwen-omni-turbo", "qwen2.5-omni-7b"] {
            #expect(ModelProfile(of: model).isStreamOnly, "\(model)")
        }
        #expect(!ModelProfile(of: "qwen3-32b").isStreamOnly)
        #expect(ModelProfile(of: "qwen3-vl-plus").takesImages == true)
        #expect(ModelProfile(of: String(repeating: "qwen3.8-max", count: 100)) == ModelProfile())
    }

    @Test func suffix() {
        #expect(ModelName("qwen3.7-plus") == ModelName(plain: "qwen3.7-plus", thinking: nil))
        #expect(ModelName("qwen3.7-plus:thinking") == ModelName(plain: "qwen3.7-plus", thinking: true))
        #expect(ModelName("qwen3.7-plus:no-think") == ModelName(plain: "qwen3.7-plus", thinking: false))
        #expect(ModelName(":thinking") == ModelName(plain: "", thinking: true))
        #expect(ModelName("llama:70b") == ModelName(plain: "llama:70b", thinking: nil))
        #expect(ModelName("thinking") == ModelName(plain: "thinking", thinking: nil))
    }
}
