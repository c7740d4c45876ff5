import JSON
import NIOCore
import Testing

@testable import Translation

/// Refusals quote what the client wrote, and a client may write megabytes: also as one character, for accents can be
/// stacked on a letter without end.
struct RefusalLengthTests {
    private static let accents = "a" + String(repeating: "\u{301}", count: 20_000)
    private static let letters = String(repeating: "m", count: 20_000)

    private func refusal(_ make: (inout JSONDocument) throws -> Void) -> InvalidRequest? {
        var document = JSONDocument()
        do {
            try make(&document)
            return nil
        } catch {
            return error as? InvalidRequest
        }
    }

    @Test(arguments: [accents, letters]) func completionsQuoteLittle(_ long: String) throws {
        let text = #"{"model":"\#(long)","prompt":"p","suffix":"s"}"#
        let refusal = refusal {
            _ = try CompletionRequest(ByteBuffer(string: text), document: &$0, defaultModel: "qwen-plus")
        }
        #expect(try #require(refusal).message.utf8.count < 512)
    }

    @Test(
        arguments: [
            #"{"role":"user","content":[{"type":"@"}]}"#,
            #"{"role":"user","content":[{"type":"image","source":{"type":"@"}}]}"#,
            #"{"role":"user","content":[{"type":"document","source":{"type":"@"}}]}"#,
            #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"@"}]}"#,
            #"{"role":"assistant","content":[{"type":"tool_use","id":"@","name":"f","input":{}}]},"#
                + #"{"role":"user","content":"x"}"#,
        ], [accents, letters])
    func messagesQuoteLittle(_ messages: String, _ long: String) throws {
        let filled = messages.split(separator: "@", omittingEmptySubsequences: false).joined(separator: long)
        try expectShort(#"{"model":"m","max_tokens":9,"messages":[\#(filled)]}"#)
    }

    @Test(
        arguments: [#""tools":[{"type":"@","name":"f"}]"#, #""tools":[],"tool_choice":{"type":"tool","name":"@"}"#],
        [accents, letters])
    func toolsQuoteLittle(_ tools: String, _ long: String) throws {
        let filled = tools.split(separator: "@", omittingEmptySubsequences: false).joined(separator: long)
        try expectShort(#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],\#(filled)}"#)
    }

    private func expectShort(_ text: String) throws {
        let refusal = refusal { _ = try MessagesRequest(ByteBuffer(string: text), document: &$0) }
        #expect(try #require(refusal).message.utf8.count < 512)
    }

    @Test(arguments: [accents, letters]) func versionsAreQuotedShortly(_ long: String) throws {
        let refusal = refusal { _ in try MessagesVersion.check(long) }
        #expect(try #require(refusal).message.utf8.count < 512)
    }
}
