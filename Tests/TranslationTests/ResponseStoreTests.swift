import JSON
import NIOCore
import Testing

@testable import Translation

/// The store keeps what it may, for whom it may, as long as it may.
@Suite struct ResponseStoreTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000)

    private func response(_ id: String, previous: String? = nil, text: String = "t", item: String? = nil)
        -> StoredResponse
    {
        let output = #"{"type":"message","id":"\#(item ?? "msg_\(id)")","role":"assistant","content":"\#(text)"}"#
        return StoredResponse(
            id: id, body: ByteBuffer(string: #"{"id":"\#(id)","output":[\#(output)]}"#),
            input: [StoredItem(userText: ByteBuffer(string: "\"to \(id)\""))],
            output: [StoredItem(id: item ?? "msg_\(id)", text: ByteBuffer(string: output))], previousID: previous)
    }

    @Test func getAndDelete() {
        var store = ResponseStore()
        let isKept = store.put(response("a"), owner: "me", now: start)
        #expect(isKept)
        #expect(store.get("a", owner: "me", now: start)?.body == response("a").body)
        let isDeleted = store.delete("a", owner: "me", now: start)
        #expect(isDeleted)
        #expect(store.get("a", owner: "me", now: start) == nil)
        let isDeletedTwice = store.delete("a", owner: "me", now: start)
        #expect(!isDeletedTwice)
        #expect(store.count == 0)
        #expect(store.bytes == 0)
    }

    @Test func othersSeeNothing() throws {
        var store = ResponseStore()
        store.put(response("a"), owner: "me", now: start)
        for owner in ["you", "", "m", "me "] {
            #expect(store.get("a", owner: owner, now: start) == nil)
            let isDeleted = store.delete("a", owner: owner, now: start)
            #expect(!isDeleted)
            let references = try Responses.request(
                #"{"previous_response_id":"a","input":[{"type":"item_reference","id":"msg_a"}]}"#
            ).references
            #expect(throws: InvalidRequest.self) {
                try store.resolve(references, owner: owner, now: start)
            }
            let item = try Responses.request(#"{"input":[{"id":"msg_a"}]}"#).references
            let resolved = try store.resolve(item, owner: owner, now: start)
            #expect(resolved.items.isEmpty)
        }
        // The same id of another client is another response.
        store.put(response("a", text: "yours"), owner: "you", now: start)
        #expect(store.count == 2)
        #expect(store.get("a", owner: "me", now: start)?.output == response("a").output)
    }

    @Test func leastRecentlyUsedGoes() {
        var store = ResponseStore(limits: .init(count: 2))
        store.put(response("a"), owner: "me", now: start)
        store.put(response("b"), owner: "me", now: start)
        _ = store.get("a", owner: "me", now: start)
        store.put(response("c"), owner: "me", now: start)
        #expect(store.get("b", owner: "me", now: start) == nil)
        #expect(store.get("a", owner: "me", now: start) != nil)
        #expect(store.get("c", owner: "me", now: start) != nil)
    }

    @Test func bytesAreLimited() {
        let size = response("a").size + 2
        var store = ResponseStore(limits: .init(bytes: 2 * size))
        for id in ["a", "b", "c"] { store.put(response(id), owner: "me", now: start) }
        #expect(store.count == 2)
        #expect(store.bytes == 2 * size)
        #expect(store.get("a", owner: "me", now: start) == nil)
        let large = response("d", text: String(repeating: "x", count: 3 * size))
        let isKept = store.put(large, owner: "me", now: start)
        #expect(!isKept)
        #expect(store.count == 2)
        // The same id takes the place of the old one.
        store.put(response("c"), owner: "me", now: start)
        #expect(store.count == 2)
        #expect(store.bytes == 2 * size)
    }

    @Test(arguments: [ResponseStore.Limits(bytes: 0), ResponseStore.Limits(count: 0)])
    func storeThatKeepsNothing(_ limits: ResponseStore.Limits) {
        var store = ResponseStore(limits: limits)
        let isKept = store.put(response("a"), owner: "me", now: start)
        #expect(!isKept)
        #expect(store.get("a", owner: "me", now: start) == nil)
    }

    @Test func timeIsLimitedFromTheLastUse() {
        var store = ResponseStore(limits: .init(lifetime: .seconds(10)))
        store.put(response("a"), owner: "me", now: start)
        store.put(response("b"), owner: "me", now: start)
        #expect(store.get("a", owner: "me", now: start + .seconds(9)) != nil)
        #expect(store.get("b", owner: "me", now: start + .seconds(10)) == nil)
        #expect(store.count == 1)
        #expect(store.get("a", owner: "me", now: start + .seconds(18)) != nil)
        #expect(store.get("a", owner: "me", now: start + .seconds(28)) == nil)
        #expect(store.bytes == 0)
    }

    /// Random work, checked against a list that is searched.
    @Test func randomWorkKeepsItsPromises() {
        var random = ResponsesPropertyTests.Random(state: 7)
        var store = ResponseStore(limits: .init(count: 5))
        var expected: [String] = []  // the least recently used first
        for _ in 0..<3_000 {
            let id = "\(Int.random(in: 0..<9, using: &random))"
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                store.put(response(id), owner: "me", now: start)
                expected = (expected.filter { $0 != id } + [id]).suffix(5)
            case 1:
                let isFound = store.get(id, owner: "me", now: start) != nil
                #expect(isFound == expected.contains(id))
                if isFound { expected = expected.filter { $0 != id } + [id] }
            default:
                let isDeleted = store.delete(id, owner: "me", now: start)
                #expect(isDeleted == expected.contains(id))
                expected = expected.filter { $0 != id }
            }
            #expect(store.count == expected.count)
        }
        for id in expected { _ = store.delete(id, owner: "me", now: start) }
        #expect(store.bytes == 0)
    }

    // MARK: Continuing

    private func resolve(_ text: String, _ store: inout ResponseStore) throws -> ResponsesRequest {
        var document = JSONDocument()
        var request = try ResponsesRequest(ByteBuffer(string: text), document: &document)
        #expect(request.chatBody.readableBytes == 0)
        let resolved = try store.resolve(request.references, owner: "me", now: start)
        try request.resolve(resolved, document: &document)
        return request
    }

    @Test func conversationIsContinued() throws {
        var store = ResponseStore()
        store.put(response("a", text: "A"), owner: "me", now: start)
        store.put(response("b", previous: "a", text: "B"), owner: "me", now: start)
        let request = try resolve(
            #"{"instructions":"now","previous_response_id":"b","input":"more","store":true}"#, &store)
        #expect(
            rawJSON(String(buffer: request.chatBody), "messages")
                == #"[{"role":"system","content":"now"},{"role":"user","content":"to a"},"#
                + #"{"role":"assistant","content":"A"},{"role":"user","content":"to b"},"#
                + #"{"role":"assistant","content":"B"},{"role":"user","content":"more"}]"#)
        #expect(request.references.previousResponseID == "b")
        // What is stored is this turn's input alone.
        #expect(request.inputItems.count == 1)
        // Without input the conversation goes on as it is.
        let silent = try resolve(#"{"previous_response_id":"a"}"#, &store)
        #expect(
            rawJSON(String(buffer: silent.chatBody), "messages")
                == #"[{"role":"user","content":"to a"},{"role":"assistant","content":"A"}]"#)
    }

    /// One client can't push out what others keep.
    @Test func whoKeepsMostLosesFirst() {
        var store = ResponseStore(limits: .init(count: 8))
        for id in ["a", "b", "c"] { store.put(response(id), owner: "small", now: start) }
        for number in 0..<100 { store.put(response("r\(number)"), owner: "big", now: start) }
        #expect(store.count == 8)
        for id in ["a", "b", "c"] { #expect(store.get(id, owner: "small", now: start) != nil) }
        #expect(store.get("r94", owner: "big", now: start) == nil)
        #expect(store.get("r95", owner: "big", now: start) != nil)
        // The share of each shrinks as others come, and no further than to what the others have.
        for number in 0..<100 { store.put(response("s\(number)"), owner: "other", now: start) }
        for id in ["a", "b", "c"] { #expect(store.get(id, owner: "small", now: start) != nil) }
        #expect(store.get("r99", owner: "big", now: start) != nil)
        #expect(store.count == 8)
        // Bytes count as well as responses.
        let size = response("a").size
        var bytes = ResponseStore(limits: .init(bytes: 12 * size, count: 100))
        for id in ["a", "b", "c"] { bytes.put(response(id), owner: "small", now: start) }
        let large = response("l", text: String(repeating: "x", count: 5 * size))
        bytes.put(large, owner: "big", now: start)
        bytes.put(response("m", text: String(repeating: "x", count: 5 * size)), owner: "big", now: start)
        #expect(bytes.get("l", owner: "big", now: start) == nil)
        #expect(bytes.get("a", owner: "small", now: start) != nil)
        #expect(bytes.count == 4)
    }

    @Test func continuingUsesTheWholeConversation() throws {
        var store = ResponseStore(limits: .init(count: 3))
        store.put(response("a"), owner: "me", now: start)
        store.put(response("b", previous: "a"), owner: "me", now: start)
        store.put(response("x"), owner: "me", now: start)
        _ = try resolve(#"{"previous_response_id":"b","input":"more"}"#, &store)
        store.put(response("c", previous: "b"), owner: "me", now: start)
        #expect(store.get("x", owner: "me", now: start) == nil)
        _ = try resolve(#"{"previous_response_id":"c","input":"more"}"#, &store)
    }

    @Test func missingResponsesAreTold() throws {
        var store = ResponseStore()
        store.put(response("a"), owner: "me", now: start)
        store.put(response("b", previous: "a"), owner: "me", now: start)
        _ = store.delete("a", owner: "me", now: start)
        for id in ["b", "a", "none"] {
            let error = #expect(throws: InvalidRequest.self) {
                try resolve(#"{"previous_response_id":"\#(id)","input":"more"}"#, &store)
            }
            #expect(error?.param == "previous_response_id")
            #expect(error?.code == "previous_response_not_found")
            #expect(error?.message.contains("'\(id)'") == true)
        }
        // A circle can't come about, but would not hang.
        store.put(response("p", previous: "q"), owner: "me", now: start)
        store.put(response("q", previous: "p"), owner: "me", now: start)
        #expect(throws: InvalidRequest.self) {
            try resolve(#"{"previous_response_id":"p","input":"more"}"#, &store)
        }
    }

    @Test func referencedItemsAreFilledIn() throws {
        var store = ResponseStore()
        store.put(response("a", text: "A"), owner: "me", now: start)
        let request = try resolve(
            #"{"store":true,"input":[{"role":"user","content":"u"},{"type":"item_reference","id":"msg_a"},{"id":"msg_a"},{"role":"user","content":"v"}]}"#,
            &store)
        #expect(
            rawJSON(String(buffer: request.chatBody), "messages")
                == #"[{"role":"user","content":"u"},{"role":"assistant","content":"A"},"#
                + #"{"role":"assistant","content":"A"},{"role":"user","content":"v"}]"#)
        #expect(request.inputItems.count == 4)
        #expect(String(buffer: request.inputItems[1].text).contains(#""content":"A""#))
        let error = #expect(throws: InvalidRequest.self) {
            try resolve(#"{"input":[{"type":"item_reference","id":"msg_z"}]}"#, &store)
        }
        #expect(error?.param == "input[0].id")
        #expect(error?.code == "item_not_found")
        let ambiguous = #expect(throws: InvalidRequest.self) {
            try resolve(#"{"input":[{"type":"item_reference","id":"msg_a","id":"msg_b"}]}"#, &store)
        }
        #expect(ambiguous?.param == "input[0]")
    }

    /// What a stream leaves in the store can be continued from: text, reasoning and calls.
    @Test func streamedResponsesAreContinued() throws {
        let text = #"{"input":"weather?","store":true}"#
        let request = try Responses.request(text)
        var stream = try Responses.stream(text)
        let events = try Responses.run(Responses.recorded, through: &stream).events
        let stored = try #require(stream.storedResponse(for: request))
        #expect(String(buffer: stored.body) == events.last?.raw("response"))
        var store = ResponseStore()
        store.put(stored, owner: "me", now: start)
        let next = try resolve(
            #"{"previous_response_id":"resp_t0","input":[{"type":"function_call_output","call_id":"call_a","output":"sun"},{"type":"function_call_output","call_id":"call_b","output":"1"}]}"#,
            &store)
        #expect(
            rawJSON(String(buffer: next.chatBody), "messages")
                == #"[{"role":"user","content":"weather?"},{"role":"assistant","content":"I \"look\" 🙂","reasoning_content":"Let me \u770b\n","tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"city\": \"Paris\"}"}},{"id":"call_b","type":"function","function":{"name":"time","arguments":"{\"zone\":1}"}}]},{"role":"tool","tool_call_id":"call_a","content":"sun"},{"role":"tool","tool_call_id":"call_b","content":"1"}]"#
        )
        #expect(stored.output.count == 4)
    }
}
