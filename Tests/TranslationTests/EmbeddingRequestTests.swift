import JSON
import NIOCore
import Testing

@testable import Translation

func embeddingRequest(_ text: String, aliases: ModelAliases = .none) throws -> EmbeddingRequest {
    var document = JSONDocument()
    return try EmbeddingRequest(ByteBuffer(string: text), document: &document, aliases: aliases)
}

struct EmbeddingRequestTests {
    private func bodies(_ text: String) throws -> [String] {
        let request = try embeddingRequest(text)
        return request.calls.indices.map { String(buffer: request.body(of: $0)) }
    }

    @Test func oneString() throws {
        #expect(
            try bodies(#"{"input":"h\u00e9","model":"text-embedding-v4","encoding_format":"base64","x":[1, 2]}"#)
                == [#"{"model":"text-embedding-v4","encoding_format":"float","x":[1, 2],"input":"h\u00e9"}"#])
        #expect(try embeddingRequest(#"{"input":"a"}"#).model == "text-embedding-v4")
        #expect(try embeddingRequest(#"{"input":"a","model":null}"#).encoding == .float)
        #expect(try embeddingRequest(#"{"input":"a","encoding_format":"base64"}"#).encoding == .base64)
    }

    @Test func batches() throws {
        let list = (0..<21).map { "\"t\($0)\"" }
        let opening = #"{"model":"text-embedding-v3","encoding_format":"float","dimensions":64,"input":["#
        let input = list.joined(separator: " , ")
        #expect(
            try bodies(#"{"model":"text-embedding-v3","dimensions":64,"input":[ \#(input)]}"#) == [
                opening + list[0..<10].joined(separator: " , ") + "]}",
                opening + list[10..<20].joined(separator: " , ") + "]}", opening + "\"t20\"]}",
            ])
        let request = try embeddingRequest(#"{"model":"qwen3.7-text-embedding","input":[\#(input)]}"#)
        #expect(request.calls == [0..<20, 20..<21])
        #expect(request.inputCount == 21)
        #expect(try embeddingRequest(#"{"model":"m","input":["a"]}"#).calls == [0..<1])
    }

    @Test func manyInputs() throws {
        let input = (0..<10_000).map { "\"text \($0)\"" }.joined(separator: ",")
        let request = try embeddingRequest("{\"input\":[\(input)]}")
        #expect(request.calls.count == 1_000)
        var document = JSONDocument()
        try document.scan(request.body(of: 999))
        let member = document.member("input", of: document.root)
        let list = try #require(member)
        #expect(document.elements(of: list).compactMap { document.string($0) } == (9_990..<10_000).map { "text \($0)" })
        let more = (0...EmbeddingRequest.mostInputs).map { _ in "\"a\"" }.joined(separator: ",")
        #expect(throws: InvalidRequest.self) { try embeddingRequest("{\"input\":[\(more)]}") }
    }

    @Test func aliasesAreResolved() throws {
        let aliases = try ModelAliases(parsing: "text-embedding-3-small=text-embedding-v4")
        let request = try embeddingRequest(#"{"input":"a","model":"text-embedding-3-small"}"#, aliases: aliases)
        #expect(request.model == "text-embedding-v4")
        #expect(String(buffer: request.body(of: 0)).contains(#""model":"text-embedding-v4""#))
    }

    @Test(
        arguments: [
            ("{}", "input"), (#"{"input":null}"#, "input"), (#"{"input":[]}"#, "input"), (#"{"input":""}"#, "input"),
            (#"{"input":["a",""]}"#, "input[1]"), (#"{"input":[1,2]}"#, "input"), (#"{"input":[[1],[2]]}"#, "input"),
            (#"{"input":[{}]}"#, "input[0]"), (#"{"input":7}"#, "input"),
            (#"{"input":"a","encoding_format":"int8"}"#, "encoding_format"),
            (#"{"input":"a","dimensions":0}"#, "dimensions"), (#"{"input":"a","dimensions":"9"}"#, "dimensions"),
            (#"{"input":"a","model":1}"#, "model"), (#"{"input":"a","input":"b"}"#, nil), ("[]", nil), ("", nil),
        ] as [(String, String?)])
    func faultNamesTheField(_ text: String, _ param: String?) {
        do {
            _ = try embeddingRequest(text)
            Issue.record("\(text) was accepted")
        } catch let error as InvalidRequest {
            #expect(error.param == param)
        } catch {
            Issue.record("\(error)")
        }
    }
}
