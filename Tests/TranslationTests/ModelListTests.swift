import JSON
import NIOCore
import Testing

@testable import Translation

struct ModelListTests {
    private static let offer = [
        ModelEntry(id: "qwen3.7-plus", created: 1_770_000_000, owner: "system"),
        ModelEntry(id: "team/qwen:a", owner: "qwen"),
    ]

    private func catalog(_ aliases: String = "") throws -> ModelCatalog {
        ModelCatalog(
            offers: [Self.offer, KnownModels.portal, Self.offer], aliases: try ModelAliases(parsing: aliases))
    }

    @Test func list() throws {
        let catalog = try catalog("gpt-4o=qwen3.7-plus:thinking,team/qwen:a=qwen-max")
        #expect(
            String(buffer: catalog.list) == #"{"object":"list","data":["#
                + #"{"id":"gpt-4o","object":"model","created":1770000000,"owned_by":"qwen-gateway"},"#
                + #"{"id":"team/qwen:a","object":"model","created":0,"owned_by":"qwen-gateway"},"#
                + #"{"id":"qwen3.7-plus","object":"model","created":1770000000,"owned_by":"system"},"#
                + #"{"id":"coder-model","object":"model","created":0,"owned_by":"qwen"}]}"#)
        #expect(String(buffer: ModelCatalog(offers: []).list) == #"{"object":"list","data":[]}"#)
    }

    @Test func retrieval() throws {
        let catalog = try catalog("gpt-4o=qwen3.7-plus")
        #expect(catalog.entry("qwen3.7-plus") == Self.offer[0])
        #expect(catalog.entry("team/qwen:a") == Self.offer[1])
        #expect(catalog.entry("qwen3.7-plus:thinking")?.id == "qwen3.7-plus:thinking")
        #expect(catalog.entry("gpt-4o:no-think")?.owner == "qwen-gateway")
        #expect(catalog.entry("qwen") == nil)
        #expect(catalog.entry("") == nil)
        var output = ByteBuffer()
        Self.offer[1].write(into: &output)
        #expect(String(buffer: output) == #"{"id":"team/qwen:a","object":"model","created":0,"owned_by":"qwen"}"#)
    }

    @Test func knownModelsCanBeChosenFrom() {
        let ids = KnownModels.modelStudio.map(\.id)
        #expect(Set(ids).count == ids.count)
        #expect(ids.contains { $0.contains("embed") })
        #expect(KnownModels.portal.map(\.id) == ["coder-model"])
    }

    @Test func offersAreRead() {
        var document = JSONDocument()
        let text =
            #"{"object":"list","data":[{"id":"a\u002fb","object":"model","created":7,"owned_by":"o"},"#
            + #"{"id":"c","created":-1,"owned_by":null},{"id":"c"},{"id":""},{"id":7},{},3,{"id":"d e"},"#
            + #"{"id":"d","created":1e3}]}"#
        #expect(
            ModelEntry.offered(ByteBuffer(string: text), document: &document) == [
                ModelEntry(id: "a/b", created: 7, owner: "o"), ModelEntry(id: "c", owner: "qwen"),
                ModelEntry(id: "d", owner: "qwen"),
            ])
        for nothing in ["", "[]", "{}", "<html>", #"{"data":[]}"#, #"{"data":{"id":"a"}}"#, #"{"error":{}}"#] {
            #expect(ModelEntry.offered(ByteBuffer(string: nothing), document: &document) == nil, "\(nothing)")
        }
    }

    @Test(
        arguments: [
            ("qwen3.7-plus", "qwen3.7-plus"), ("a/b", "a/b"), ("a%2Fb%3Athinking", "a/b:thinking"),
            ("qwen-max/", "qwen-max"), ("%71wen", "qwen"), ("qw%C3%A9n", "qwén"),
            ("", nil), ("/", nil), ("a%", nil), ("a%2", nil), ("a%zz", nil), ("a%00", nil), ("a%20b", nil),
            ("%C3", nil),
            (String(repeating: "a", count: 257), nil),
        ] as [(String, String?)])
    func path(_ rest: String, _ id: String?) {
        #expect(ModelPath.id(rest) == id)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
        (1_709_251_200, "2024-03-01T00:00:00Z"), (1_798_761_599, "2026-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
    ])
    func timestamp(_ seconds: Int, _ expected: String) {
        #expect(ModelEntry.timestamp(seconds) == expected)
    }
}

/// The list as Anthropic has it.
struct AnthropicModelPageTests {
    private let catalog = ModelCatalog(offers: [["a", "b", "c/d"].map { ModelEntry(id: $0, owner: "qwen") }])

    private func page(_ query: String) throws -> String {
        var output = ByteBuffer()
        try AnthropicModelPage(query: query).write(catalog, into: &output)
        return String(buffer: output)
    }

    private func expected(_ ids: [String], hasMore: Bool) -> String {
        let data = ids.map {
            #"{"type":"model","id":"\#($0)","display_name":"\#($0)","created_at":"1970-01-01T00:00:00Z","#
                + #""lifecycle":"active"}"#
        }
        let (first, last) = (ids.first.map { "\"\($0)\"" } ?? "null", ids.last.map { "\"\($0)\"" } ?? "null")
        return #"{"data":[\#(data.joined(separator: ","))],"has_more":\#(hasMore),"#
            + #""first_id":\#(first),"last_id":\#(last)}"#
    }

    @Test(arguments: [
        ("", ["a", "b", "c/d"], false), ("limit=1000&beta=true", ["a", "b", "c/d"], false),
        ("limit=2", ["a", "b"], true),
        ("after_id=a&limit=1", ["b"], true), ("after_id=b", ["c/d"], false), ("after_id=c%2Fd", [], false),
        ("before_id=c/d&limit=1", ["b"], true), ("before_id=b", ["a"], false), ("before_id=a", [], false),
    ])
    func pages(_ query: String, _ ids: [String], _ hasMore: Bool) throws {
        #expect(try page(query) == expected(ids, hasMore: hasMore))
    }

    @Test(arguments: [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("after_id=z", "after_id"),
        ("before_id=%", "before_id"),
    ])
    func faults(_ query: String, _ param: String) {
        #expect { try page(query) } throws: { ($0 as? InvalidRequest)?.param == param }
    }
}
