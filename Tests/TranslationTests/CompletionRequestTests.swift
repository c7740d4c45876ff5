import JSON
import NIOCore
import Testing

@testable import Translation

func completionRequest(
    _ text: String, defaultModel: String = "qwen3-coder-plus", aliases: ModelAliases = .none
) throws -> CompletionRequest {
    var document = JSONDocument()
    return try CompletionRequest(
        ByteBuffer(string: text), document: &document, defaultModel: defaultModel, aliases: aliases)
}

struct CompletionRequestTests {
    private func bodies(_ text: String) throws -> [String] {
        try completionRequest(text).bodies.map { String(buffer: $0) }
    }

    private static let user = #""messages":[{"role":"user","content":"#

    @Test func promptIsAUsersMessage() throws {
        let request = try completionRequest(
            #"{"model":"qwen-max","prompt":"h\u00e9 \ud83d\ude00\n","temperature":1.0E-2,"stop":["a"],"user":null}"#)
        #expect(
            request.bodies.map { String(buffer: $0) } == [
                #"{"model":"qwen-max",\#(Self.user)"h\u00e9 \ud83d\ude00\n"}],"max_tokens":16,"temperature":1.0E-2,"#
                    + #""stop":["a"],"user":null}"#
            ])
        #expect(request.model == "qwen-max")
        #expect(request.endpoint == .chat)
        #expect(!request.isStreaming && !request.includesUsage)
    }

    @Test func missingModelIsLeftToTheChat() throws {
        let request = try completionRequest(#"{"prompt":"a"}"#)
        #expect(request.model == "qwen3-coder-plus")
        #expect(request.bodies.map { String(buffer: $0) } == [#"{\#(Self.user)"a"}],"max_tokens":16}"#])
        #expect(try completionRequest(#"{"prompt":"a","model":""}"#).model == "qwen3-coder-plus")
    }

    @Test func bodiesAreChatRequests() throws {
        for text in [
            #"{"prompt":["a","b"],"n":2,"seed":5,"stream":true}"#,
            #"{"model":"qwen3-coder-plus","prompt":"a","suffix":"b","logprobs":3,"max_completion_tokens":9}"#,
            #"{"model":"qwen3.7-plus:thinking","prompt":"a","best_of":3}"#,
            #"{"model":":no-think","prompt":"a","enable_thinking":null,"reasoning_effort":"low"}"#,
        ] {
            for body in try completionRequest(text, defaultModel: "qwen3.7-plus").bodies {
                let chat = try translated(String(buffer: body), defaultModel: "qwen3.7-plus")
                #expect(chat.isStreaming == text.contains("stream"))
            }
        }
    }

    @Test func streamIsAskedForWithUsage() throws {
        let request = try completionRequest(
            #"{"prompt":"a","stream":true,"stream_options":{"include_usage":true},"max_tokens":5}"#)
        #expect(request.isStreaming && request.includesUsage)
        #expect(
            String(buffer: request.bodies[0])
                == #"{\#(Self.user)"a"}],"max_tokens":5,"stream":true,"stream_options":{"include_usage":true}}"#)
        #expect(try !completionRequest(#"{"prompt":"a","stream":true}"#).includesUsage)
    }

    @Test func callsOfPromptsAndChoices() throws {
        let bodies = try bodies(#"{"prompt":["a","b"],"n":2,"seed":2147483647}"#)
        #expect(
            bodies
                == [("a", 2_147_483_647), ("a", 0), ("b", 2_147_483_647), ("b", 0)].map {
                    #"{\#(Self.user)"\#($0.0)"}],"seed":\#($0.1),"max_tokens":16}"#
                })
        #expect(try self.bodies(#"{"prompt":"a","n":3}"#).count == 3)
        #expect(try self.bodies(#"{"prompt":"a","n":2,"best_of":2}"#)[0].contains("logprobs") == false)
        let best = try completionRequest(#"{"prompt":"a","best_of":3}"#)
        #expect(best.bodies.count == 3)
        #expect(String(buffer: best.bodies[2]).contains(#""logprobs":true,"top_logprobs":0"#))
        #expect(!best.wantsLogprobs)
    }

    @Test func tokenLimits() throws {
        #expect(try bodies(#"{"prompt":"a","max_completion_tokens":7}"#)[0].contains("max_tokens") == false)
        #expect(try bodies(#"{"prompt":"a","max_tokens":null}"#)[0].contains(#""max_tokens":16"#))
    }

    @Test(arguments: [
        (#"{"model":"qwen3.7-plus","prompt":"a"}"#, true), (#"{"model":"qwen3-max","prompt":"a"}"#, false),
        (#"{"model":"qwen3.7-plus","prompt":"a","enable_thinking":true}"#, false),
        (#"{"model":"qwen3.7-plus","prompt":"a","enable_thinking":null}"#, true),
        (#"{"model":"qwen3.7-plus","prompt":"a","reasoning_effort":"low"}"#, false),
        (#"{"model":"qwen3.7-plus:thinking","prompt":"a"}"#, false), (#"{"model":"qwq-plus","prompt":"a"}"#, false),
        (#"{"model":"gpt","prompt":"a"}"#, true), (#"{"model":"gpt-o","prompt":"a"}"#, false),
    ])
    func thinkingIsOffUnlessAskedFor(_ text: String, _ isSwitchedOff: Bool) throws {
        let aliases = try ModelAliases(parsing: "gpt=qwen3.7-plus,gpt-o=qwen3.7-plus:thinking")
        let body = String(buffer: try completionRequest(text, aliases: aliases).bodies[0])
        #expect(body.contains(#""enable_thinking":false"#) == isSwitchedOff)
        #expect(!body.contains("gpt"))
    }

    @Test func middleIsFilledIn() throws {
        let native = try completionRequest(
            #"{"model":"qwen-coder-turbo","prompt":"a\n","suffix":"\"z","logprobs":2,"echo":false,"x":1}"#)
        #expect(native.endpoint == .completions)
        #expect(
            native.bodies.map { String(buffer: $0) } == [
                #"{"model":"qwen-coder-turbo","prompt":"<|fim_prefix|>a\n<|fim_suffix|>\"z<|fim_middle|>","#
                    + #""max_tokens":16,"logprobs":2,"x":1}"#
            ])
        let chat = try completionRequest(#"{"model":"qwen3-coder-flash","prompt":"a","suffix":"z"}"#)
        #expect(chat.endpoint == .chat)
        #expect(
            chat.bodies.map { String(buffer: $0) } == [
                #"{"model":"qwen3-coder-flash","messages":[{"role":"system","content":"You are a code completion "#
                    + #"assistant."},{"role":"user","content":"<|fim_prefix|>a<|fim_suffix|>z<|fim_middle|>"}],"#
                    + #""max_tokens":16}"#
            ])
        let escaped = try completionRequest(
            #"{"model":"qwen2.5-coder-32b-instruct","prompt":"\u003c|fim_prefix|\u003ea"}"#)
        #expect(escaped.endpoint == .completions)
        #expect(String(buffer: escaped.bodies[0]).contains(#""prompt":"\u003c|fim_prefix|\u003ea""#))
        #expect(
            try completionRequest(#"{"model":"qwen-coder-turbo","prompt":"||fim_prefix","suffix":""}"#).endpoint
                == .chat)
        let plain = try completionRequest(#"{"model":"qwen-max","prompt":"<|fim_prefix|>a","suffix":null}"#)
        #expect(plain.endpoint == .chat)
    }

    @Test(
        arguments: [
            ("{}", "prompt"), (#"{"prompt":null}"#, "prompt"), (#"{"prompt":""}"#, "prompt"),
            (#"{"prompt":[]}"#, "prompt"), (#"{"prompt":["a",""]}"#, "prompt[1]"), (#"{"prompt":[1,2]}"#, "prompt"),
            (#"{"prompt":[[1],[2]]}"#, "prompt"), (#"{"prompt":["a",{}]}"#, "prompt[1]"), (#"{"prompt":1}"#, "prompt"),
            (#"{"prompt":"a","n":0}"#, "n"), (#"{"prompt":"a","n":"1"}"#, "n"), (#"{"prompt":"a","n":129}"#, "n"),
            (#"{"prompt":["a","b"],"n":100}"#, "n"), (#"{"prompt":"a","n":2,"best_of":1}"#, "best_of"),
            (#"{"prompt":"a","best_of":2,"stream":true}"#, "best_of"),
            (#"{"prompt":["a","b"],"best_of":100}"#, "best_of"), (#"{"prompt":"a","logprobs":6}"#, "logprobs"),
            (#"{"prompt":"a","logprobs":true}"#, "logprobs"), (#"{"prompt":"a","echo":1}"#, "echo"),
            (#"{"prompt":"a","echo":true,"logprobs":0}"#, "echo"), (#"{"prompt":"a","max_tokens":0}"#, "max_tokens"),
            (#"{"prompt":"a","stream":1}"#, "stream"), (#"{"prompt":"a","stream_options":1}"#, "stream_options"),
            (#"{"prompt":"a","suffix":1}"#, "suffix"), (#"{"prompt":"a","suffix":"b","model":"qwen-max"}"#, "suffix"),
            (#"{"prompt":"a","model":[]}"#, "model"), (#"{"messages":[]}"#, "messages"),
            (#"{"prompt":"a","tools":[]}"#, "tools"), (#"{"prompt":"a","p\u0072ompt":"b"}"#, nil), ("", nil),
            ("7", nil),
        ] as [(String, String?)])
    func faultNamesTheField(_ text: String, _ param: String?) {
        do {
            _ = try completionRequest(text)
            Issue.record("\(text) was accepted")
        } catch let error as InvalidRequest {
            #expect(error.param == param)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func tooManyPrompts() {
        let prompts = (0..<129).map { _ in "\"a\"" }.joined(separator: ",")
        #expect { try completionRequest("{\"prompt\":[\(prompts)]}") } throws: {
            ($0 as? InvalidRequest)?.param == "prompt"
        }
    }
}
