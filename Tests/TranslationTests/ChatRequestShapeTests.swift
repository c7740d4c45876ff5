import JSON
import NIOCore
import Testing

@testable import Translation

/// Messages, streaming options, and the portal's shape.
struct ChatRequestShapeTests {
    private func body(_ text: String) throws -> String {
        String(buffer: try translated(text).body)
    }

    @Test(arguments: [
        (#""stream":true"#, #""stream":true,"stream_options":{"include_usage":true}"#, false),
        (#""stream":true,"stream_options":null"#, #""stream":true,"stream_options":{"include_usage":true}"#, false),
        (#""stream":true,"stream_options":{}"#, #""stream":true,"stream_options":{"include_usage":true}"#, false),
        (
            #""stream":true,"stream_options":{"include_obfuscation":false}"#,
            #""stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}"#, false
        ),
        (
            #""stream":true,"stream_options":{"include_usage":false}"#,
            #""stream":true,"stream_options":{"include_usage":true}"#, false
        ),
        (
            #""stream":true,"stream_options":{ "include_usage" : true }"#,
            #""stream":true,"stream_options":{ "include_usage" : true }"#, true
        ),
        // They mean nothing without a stream.
        (#""stream":false,"stream_options":{"include_usage":true}"#, #""stream":false"#, true),
        (#""stream":null"#, #""stream":null"#, false),
    ])
    func streamOptions(_ members: String, _ expected: String, _ includesUsage: Bool) throws {
        let messages = #""messages":[{"role":"user"}]"#
        let request = try translated("{\"model\":\"m\",\(messages),\(members)}")
        #expect(String(buffer: request.body) == "{\"model\":\"m\",\(messages),\(expected)}")
        #expect(request.includesUsage == includesUsage)
    }

    @Test func assembledAnswerIsStreamedFromQwen() throws {
        let text = #"{"model":"qwq-plus","stream":false,"stream_options":{},"messages":[{"role":"user"}]}"#
        let expected =
            #"{"model":"qwq-plus","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user"}]}"#
        #expect(try body(text) == expected)
    }

    @Test func developerIsSystem() throws {
        let text = #"{"model":"m","messages":[{"role":"dev\u0065loper","content":"a"},{"role":"user","content":"b"}]}"#
        let expected = #"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":"b"}]}"#
        #expect(try body(text) == expected)
    }

    @Test func modelInTheDefaultMayHaveASuffix() throws {
        let request = try translated(#"{"messages":[{"role":"user"}]}"#, defaultModel: "qwen-plus:no-think")
        #expect(request.model == "qwen-plus")
        #expect(
            String(buffer: request.body)
                == #"{"messages":[{"role":"user"}],"model":"qwen-plus","enable_thinking":false}"#)
        let bare = try translated(
            #"{"model":":no-think","messages":[{"role":"user"}]}"#, defaultModel: "qwen-plus:thinking")
        #expect(
            String(buffer: bare.body)
                == #"{"model":"qwen-plus","messages":[{"role":"user"}],"enable_thinking":false}"#)
    }

    static let hint = "Answer with a json object."
    static let jsonCases: [(String, String)] = [
        (
            #"[{"role":"user","content":"a list"}]"#,
            #"[{"role":"system","content":"\#(hint)"},{"role":"user","content":"a list"}]"#
        ),
        (
            #"[{"role":"system","content":"Be terse."},{"role":"user","content":"a"}]"#,
            #"[{"role":"system","content":"Be terse.\n\n\#(hint)"},{"role":"user","content":"a"}]"#
        ),
        (
            #"[{"role":"developer","content":"Be terse."},{"role":"user","content":"a"}]"#,
            #"[{"role":"system","content":"Be terse.\n\n\#(hint)"},{"role":"user","content":"a"}]"#
        ),
        (
            #"[{"role":"system","content":[{"type":"text","text":"A"}]},{"role":"user","content":"a"}]"#,
            #"[{"role":"system","content":[{"type":"text","text":"A"},{"type":"text","text":"\#(hint)"}]},"#
                + #"{"role":"user","content":"a"}]"#
        ),
        (#"[{"role":"user","content":"as Json"}]"#, #"[{"role":"user","content":"as Json"}]"#),
        (
            #"[{"role":"user","content":[{"type":"text","text":"in JSON!"}]}]"#,
            #"[{"role":"user","content":[{"type":"text","text":"in JSON!"}]}]"#
        ),
        // Only texts count.
        (
            #"[{"role":"user","name":"json","content":[{"type":"image_url","image_url":{"url":"json"}}]}]"#,
            #"[{"role":"system","content":"\#(hint)"},"#
                + #"{"role":"user","name":"json","content":[{"type":"image_url","image_url":{"url":"json"}}]}]"#
        ),
    ]

    @Test(arguments: jsonCases) func wordJSONIsSaid(_ messages: String, _ expected: String) throws {
        let format = #""response_format":{"type":"json_object"}"#
        #expect(
            try body("{\"model\":\"m\",\(format),\"messages\":\(messages)}")
                == "{\"model\":\"m\",\(format),\"messages\":\(expected)}")
        let other =
            "{\"model\":\"m\",\"response_format\":{\"type\":\"json_schema\"},\"messages\":[{\"role\":\"user\"}]}"
        #expect(try body(other) == other)
    }

    @Test func jsonIsNotThoughtAboutUnlessAsked() throws {
        let rest = #""messages":[{"role":"user","content":"json"}],"response_format":{"type":"json_object"}"#
        #expect(
            try body("{\"model\":\"qwen3.7-plus\",\(rest)}")
                == "{\"model\":\"qwen3.7-plus\",\(rest),\"enable_thinking\":false}")
        let asked = "{\"model\":\"qwen3.7-plus\",\(rest),\"enable_thinking\":true}"
        #expect(try translated(asked).mustStream)
        #expect(try body("{\"model\":\"qwen-plus\",\(rest)}") == "{\"model\":\"qwen-plus\",\(rest)}")
    }

    // MARK: Portal

    static let part = #"{"type":"text","text":"","cache_control":{"type":"ephemeral"}}"#
    static let portalCases: [(String, String)] = [
        (
            #"[{"role":"user","content":"hi"}]"#,
            #"[{"role":"system","content":[\#(part)]},{"role":"user","content":"hi"}]"#
        ),
        (
            #"[ {"role":"system", "content" : "a\u0062\"" }, {"role":"user","content":"hi"}]"#,
            #"[ {"role":"system", "content" : [\#(part),{"type":"text","text":"a\u0062\""}] }, "#
                + #"{"role":"user","content":"hi"}]"#
        ),
        (
            #"[{"role":"user","content":"1"},{"role":"developer","content":"b"},{"role":"assistant","content":"2"},"#
                + #"{"role":"system","content":[{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]}]"#,
            #"[{"role":"system","content":[\#(part),{"type":"text","text":"b"},"#
                + #"{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]},"#
                + #"{"role":"user","content":"1"},{"role":"assistant","content":"2"}]"#
        ),
        (
            #"[{"role":"system","content":"a","name":"n"},{"role":"system","content":"b"},{"role":"user"}]"#,
            #"[{"role":"system","content":[\#(part),{"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"n"},"#
                + #"{"role":"user"}]"#
        ),
        (#"[{"role":"system"},{"role":"user"}]"#, #"[{"role":"system","content":[\#(part)]},{"role":"user"}]"#),
        (#"[{"role":"system","content":""}]"#, #"[{"role":"system","content":[\#(part)]}]"#),
        (
            #"[{"role":"system","content":[\#(part),{"type":"text","text":"a"}]},{"role":"system","content":"b"}]"#,
            #"[{"role":"system","content":[\#(part),{"type":"text","text":"a"},{"type":"text","text":"b"}]}]"#
        ),
    ]

    @Test(arguments: portalCases) func portalShape(_ messages: String, _ expected: String) throws {
        var document = JSONDocument()
        let request = try translated("{\"x\":1.0,\"messages\":\(messages),\"model\":\"coder-model:no-think\"}")
        let rest = "\"model\":\"coder-model\",\"enable_thinking\":false}"
        let shaped = request.body(for: .portal, document: &document)
        #expect(String(buffer: shaped) == "{\"x\":1.0,\"messages\":\(expected),\(rest)")
        #expect(request.body(for: .compatible, document: &document) == request.body)
        // What has the shape keeps it.
        let again = try translated(String(buffer: shaped))
        #expect(again.body(for: .portal, document: &document) == shaped)
    }
}
