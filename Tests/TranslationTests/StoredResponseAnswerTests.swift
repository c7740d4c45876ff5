import JSON
import NIOCore
import Testing

@testable import Translation

/// What clients are told about responses that are kept, beside the responses.
@Suite struct StoredResponseAnswerTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000)

    private func store(_ input: String, id: String = "resp_t", previous: String? = nil) throws -> ResponseStore {
        var store = ResponseStore()
        put(try Responses.request(#"{"store":true,"input":\#(input)}"#).inputItems, id, previous, &store)
        return store
    }

    private func put(_ input: [StoredItem], _ id: String, _ previous: String?, _ store: inout ResponseStore) {
        let output = StoredItem(
            id: "msg_\(id)",
            text: ByteBuffer(
                string: #"{"id":"msg_\#(id)","type":"message","status":"completed","role":"assistant","content":[]}"#))
        store.put(
            StoredResponse(
                id: id, body: ByteBuffer(string: "{}"), input: input, output: [output], previousID: previous),
            owner: "me", now: now)
    }

    private func page(
        _ store: inout ResponseStore, _ query: String = "order=asc", id: String = "resp_t"
    ) throws -> String {
        let kept = store.inputItems(of: id, owner: "me", now: now)
        let items = try #require(kept)
        var document = JSONDocument()
        var output = ByteBuffer()
        try ResponsesInputPage(query: query).write(items, document: &document, into: &output)
        return String(buffer: output)
    }

    @Test func itemsAreCompleted() throws {
        var store = try store(
            "["
                + [
                    #"{"role":"user","content":"a\ud800"}"#,
                    #"{"role":"assistant","content":"b","id":"msg_1","type":null}"#,
                    #"{"type":"function_call","call_id":"c","name":"f","arguments":"{}","status":null}"#,
                    #"{"type":"function_call_output","call_id":"c","output":"4"}"#,
                    #"{"type":"reasoning","id":"rs_1","summary":[]}"#,
                    #"{"role":"user","content":[{"type":"input_text","text":"x"}],"status":"completed"}"#,
                ].joined(separator: ",") + "]")
        let text = try page(&store)
        let done = #""status":"completed""#
        let expected = [
            #"{"role":"user","content":[{"type":"input_text","text":"a\ud800"}],"id":"item_t_0","type":"message",\#(done)}"#,
            #"{"role":"assistant","content":[{"type":"output_text","text":"b","annotations":[]}],"id":"msg_1","#
                + #""type":"message",\#(done)}"#,
            #"{"type":"function_call","call_id":"c","name":"f","arguments":"{}",\#(done),"id":"item_t_2"}"#,
            #"{"type":"function_call_output","call_id":"c","output":"4","id":"item_t_3",\#(done)}"#,
            #"{"type":"reasoning","id":"rs_1","summary":[]}"#,
            #"{"role":"user","content":[{"type":"input_text","text":"x"}],\#(done),"id":"item_t_5","type":"message"}"#,
        ]
        #expect(
            text == #"{"object":"list","data":["# + expected.joined(separator: ",")
                + #"],"has_more":false,"first_id":"item_t_0","last_id":"item_t_5"}"#)
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: text))
    }

    @Test func pagesFollowEachOther() throws {
        let items = (0..<45).map { #"{"role":"user","content":"\#($0)"}"# }.joined(separator: ",")
        var store = try store("[\(items)]")
        var seen: [String] = []
        var query = "limit=7&order=asc"
        while true {
            let text = try page(&store, query)
            seen += text.split(separator: #""text":""#).dropFirst().map { String($0.prefix { $0 != "\"" }) }
            guard text.contains(#""has_more":true"#) else { break }
            let last = try #require(text.split(separator: #""last_id":""#).last).prefix { $0 != "\"" }
            query = "limit=7&order=asc&after=\(last)"
        }
        #expect(seen == (0..<45).map(String.init))
        let usual = try page(&store, "")
        #expect(usual.split(separator: #""text":"#).count - 1 == 20)
        #expect(usual.contains(#""first_id":"item_t_44","last_id":"item_t_25""#))
        #expect(
            try page(&store, "after=item_t_0")
                == #"{"object":"list","data":[],"has_more":false,"first_id":null,"last_id":null}"#)
    }

    /// The items that led to a response: those of the conversation too.
    @Test func conversationIsListed() throws {
        var store = try store(#""one""#)
        put(try Responses.request(#"{"store":true,"input":"two"}"#).inputItems, "resp_u", "resp_t", &store)
        let text = try page(&store, id: "resp_u")
        let order = [#""text":"one""#, #""id":"msg_resp_t""#, #""text":"two""#].map {
            text.firstRange(of: $0)?.lowerBound
        }
        #expect(!order.contains(nil))
        #expect(order.compactMap { $0 } == order.compactMap { $0 }.sorted())
        #expect(!text.contains("msg_resp_u"))
        let isDeleted = store.delete("resp_t", owner: "me", now: now)
        #expect(isDeleted)
        #expect(try page(&store, id: "resp_u").contains(#""text":"two""#))
        #expect(store.inputItems(of: "resp_u", owner: "you", now: now) == nil)
    }

    /// An item without an id of its own can be referred to by the one that it was listed with.
    @Test func listedIDsCanBeReferredTo() throws {
        var store = try store(#"[{"role":"user","content":"a"}]"#)
        let request = try Responses.request(#"{"input":[{"type":"item_reference","id":"item_t_0"}]}"#)
        let resolved = try store.resolve(request.references, owner: "me", now: now)
        #expect(resolved.items["item_t_0"].map { String(buffer: $0) } == #"{"role":"user","content":"a"}"#)
    }

    @Test(arguments: [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"),
        ("after=none", "after"), ("after=%", "after"),
    ])
    func badQueries(_ query: String, _ param: String) throws {
        var store = try store(#""one""#)
        let error = #expect(throws: InvalidRequest.self) { try page(&store, query) }
        #expect(error?.param == param)
    }

    @Test func retrieval() throws {
        for query in ["", "include[]=message.output_text.logprobs", "stream=false", "include_obfuscation=true", "&&="] {
            try StoredResponseAnswer.checkRetrieval(query: query)
        }
        for (query, param) in [
            ("stream=true", "stream"), ("stream=1", "stream"), ("starting_after=3", "starting_after"),
        ] {
            let error = #expect(throws: InvalidRequest.self) { try StoredResponseAnswer.checkRetrieval(query: query) }
            #expect(error?.param == param)
        }
    }

    @Test func answersAboutResponses() {
        var output = ByteBuffer()
        StoredResponseAnswer.writeDeleted("resp_1", into: &output)
        #expect(String(buffer: output) == #"{"id":"resp_1","object":"response","deleted":true}"#)
        #expect(StoredResponseAnswer.notFound("resp_1").message == "Response with id 'resp_1' not found.")
        #expect(StoredResponseAnswer.notCancellable("resp_1").message.contains("'resp_1' can't be cancelled"))
    }
}
