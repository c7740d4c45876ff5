import JSON
import NIOCore
import Testing

@testable import Translation

struct RequestTokenEstimateTests {
    private func estimate(_ bodies: String...) -> RequestTokenEstimate {
        var document = JSONDocument()
        return RequestTokenEstimate(bodies.map { ByteBuffer(string: $0) }, document: &document)
    }

    private let text = "The quick brown fox jumps over the lazy dog."

    @Test func textsCountHoweverTheyStand() {
        let plain = estimate(#"{"messages":[{"role":"user","content":"\#(text)"}]}"#)
        let parts = estimate(#"{"messages":[{"role":"user","content":[{"type":"text","text":"\#(text)"}]}]}"#)
        let prompt = estimate(#"{"prompt":"\#(text)"}"#)
        let inputs = estimate(#"{"input":["\#(text)","\#(text)"]}"#)
        #expect(plain == parts && (12...25).contains(plain.prompt))
        #expect(prompt.prompt == plain.prompt - 5)
        #expect(inputs.prompt == 2 * prompt.prompt - 3)
        #expect(estimate(#"{"prompt":"\#(text)"}"#, #"{"prompt":"\#(text)"}"#).prompt == 2 * prompt.prompt)
    }

    @Test func imagesCostTheSameHoweverManyBytesTheyHave() {
        func image(_ bytes: Int) -> Int {
            let data = String(repeating: "A", count: bytes)
            let part = #"{"type":"image_url","image_url":{"url":"data:image/png;base64,\#(data)"}}"#
            return estimate(#"{"messages":[{"role":"user","content":[\#(part)]}]}"#).prompt
        }
        #expect(image(10) == image(1_000_000) && image(10) > 1000)
    }

    @Test func toolsAndCallsCount() {
        let without = estimate(#"{"messages":[{"role":"user","content":"x"}]}"#)
        let tools = #"[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]"#
        let with = estimate(#"{"messages":[{"role":"user","content":"x"}],"tools":\#(tools)}"#)
        #expect(with.prompt > without.prompt + 120)
        let call = #"{"id":"1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Rome\"}"}}"#
        let calling = estimate(#"{"messages":[{"role":"assistant","content":null,"tool_calls":[\#(call)]}]}"#)
        #expect(calling.prompt > 20)
    }

    @Test func theMostThatAnswersMayHaveIsTaken() {
        #expect(estimate(#"{"prompt":"x"}"#).answer == 0)
        #expect(estimate(#"{"prompt":"x","max_tokens":100}"#).answer == 100)
        #expect(estimate(#"{"prompt":"x","max_tokens":100,"max_completion_tokens":200,"n":3}"#).answer == 600)
        #expect(estimate(#"{"prompt":"x","max_tokens":100}"#, #"{"prompt":"x","max_tokens":100}"#).answer == 200)
        #expect(estimate(#"{"prompt":"x","max_tokens":-100,"n":-1}"#).answer == 0)
        #expect(estimate(#"{"prompt":"x","max_tokens":9223372036854775807,"n":128}"#).answer == 1 << 40)
    }
}
