import JSON
import NIOCore
import Testing

@testable import Translation

/// Pieces of tool calls, as the SDKs join them.
struct ChatStreamToolTests {
    static func piece(_ call: String, finish: String = "null") -> String {
        #"{"choices":[{"index":0,"finish_reason":\#(finish),"delta":{"content":null,"tool_calls":[\#(call)]}}],"#
            + #""id":"c","created":1}"#
    }

    static let first = #"{"index":0,"id":"call_a","type":"function","function":{"name":"get","arguments":""}}"#
    static let end =
        #"{"choices":[{"index":0,"finish_reason":"tool_calls","delta":{"content":""}}],"id":"c","created":1}"#

    private func calls(_ pieces: [String]) throws -> (text: String, calls: [Int: ClientView.Call]) {
        let result = try relayed(pieces.map { Self.piece($0) } + [Self.end, "[DONE]"])
        #expect(result.isWhole)
        return (result.text, try ClientView(result.text).calls)
    }

    @Test func emptyIDAndNameAreDropped() throws {
        let result = try calls([
            Self.first,
            #"{"index":0,"id":"","type":"function","function":{"name":null,"arguments":"{\"city\":"}}"#,
            #"{"index":0,"id":"","type":"function","function":{"arguments":" \"Paris\"}","name":""}}"#,
        ])
        #expect(result.calls == [0: .init(id: "call_a", name: "get", arguments: #"{"city": "Paris"}"#)])
        #expect(
            result.text.contains(#"[{"index":0,"type":"function","function":{"arguments":"{\"city\":"}}]"#))
        #expect(
            result.text.contains(#"[{"index":0,"type":"function","function":{"arguments":" \"Paris\"}"}}]"#))
        #expect(result.text.hasPrefix("data: \(Self.piece(Self.first))\n\n"))
    }

    /// A piece in which nothing is: what is left of it.
    @Test(arguments: [
        (
            #"{"index":0,"id":"","type":"function","function":{"name":null,"arguments":null}}"#,
            #"{"index":0,"type":"function","function":{"arguments":""}}"#
        ),
        (#"{"index":0,"id":null,"type":null,"function":null}"#, #"{"index":0,"function":null}"#),
        (#"{"index":0,"type":"","function":{"name":""}}"#, #"{"index":0,"function":{}}"#),
        (#"{"id":"","function":{"arguments":"x"}}"#, #"{"index":0,"function":{"arguments":"x"}}"#),
        (
            #"{"index":0,"id":"call_a","function":{"name":"get","arguments":"x"}}"#,
            #"{"index":0,"function":{"arguments":"x"}}"#
        ),
    ])
    func pieceIsCleaned(_ piece: String, _ expected: String) throws {
        #expect(try calls([Self.first, piece]).text.contains("\"tool_calls\":[\(expected)]"))
    }

    static let joined: [([String], [Int: ClientView.Call])] = [
        // A whole call is sent again: at once, and piece by piece.
        (
            [
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"{\"a\":"}}"#,
                #"{"index":0,"function":{"arguments":"\"}\\\"\"}"}}"#,
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"{\"a\":\"}\\\"\"}"}}"#,
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"{\"a\":"}}"#,
                #"{"index":0,"id":"call_a","function":{"arguments":"\"}\\\"\"}"}}"#,
            ], [0: .init(id: "call_a", name: "f", arguments: #"{"a":"}\""}"#)]
        ),
        // The id comes with every piece.
        (
            [
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"{\u0022a\":["}}"#,
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"1]"}}"#,
                #"{"index":0,"id":"call_a","function":{"name":"f","arguments":"}"}}"#,
            ], [0: .init(id: "call_a", name: "f", arguments: #"{"a":[1]}"#)]
        ),
        // The id comes late.
        (
            [
                #"{"index":0,"id":"","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":0,"id":"call_a","function":{"arguments":"}"}}"#,
            ], [0: .init(id: "call_a", name: "f", arguments: "{}")]
        ),
        // Two calls, told apart by the index, or by the id alone, in one piece or several.
        (
            [first, #"{"index":1,"id":"call_b","function":{"name":"g","arguments":"{}"}}"#],
            [0: .init(id: "call_a", name: "get"), 1: .init(id: "call_b", name: "g", arguments: "{}")]
        ),
        (
            [
                first, #"{"index":0,"id":"call_b","function":{"name":"g","arguments":"{"}}"#,
                #"{"index":0,"id":"","function":{"arguments":"}"}}"#,
                #"{"index":1,"id":"call_c","function":{"name":"h","arguments":"1"}}"#,
            ],
            [
                0: .init(id: "call_a", name: "get"), 1: .init(id: "call_b", name: "g", arguments: "{}"),
                2: .init(id: "call_c", name: "h", arguments: "1"),
            ]
        ),
        (
            [
                #"{"id":"call_a","function":{"name":"f","arguments":"1"}}"#,
                #"{"id":"call_b","function":{"name":"g","arguments":"2"}}"#, #"{"function":{"arguments":"3"}}"#,
                #"{"id":"call_a","function":{"arguments":"4"}}"#,
            ],
            [0: .init(id: "call_a", name: "f", arguments: "14"), 1: .init(id: "call_b", name: "g", arguments: "23")]
        ),
        // A new id for each piece, but no new name.
        (
            [first, #"{"index":0,"id":"call_x","function":{"arguments":"{}"}}"#],
            [0: .init(id: "call_a", name: "get", arguments: "{}")]
        ),
        // Qwen's own indices stay, from wherever they count.
        (
            [#"{"index":3,"id":"call_a","function":{"name":"f","arguments":""}}"#],
            [3: .init(id: "call_a", name: "f")]
        ),
        ([#"{"index":-1,"id":"call_a","function":{"name":"f"}}"#], [0: .init(id: "call_a", name: "f")]),
    ]

    @Test(arguments: joined) func callsAreJoined(_ pieces: [String], _ expected: [Int: ClientView.Call]) throws {
        #expect(try calls(pieces).calls == expected)
    }

    @Test func manyCallsAreStillPassedOn() {
        var stream = ChatStream(includesUsage: true)
        var document = JSONDocument()
        var output = ByteBuffer()
        for index in 0...ToolCallSlots.mostCalls {
            output.clear()
            let piece = Self.piece(#"{"index":\#(index),"id":"i\#(index)","function":{"name":"f"}}"#)
            #expect(stream.receive(ByteBuffer(string: piece), document: &document, into: &output) == .proceed)
            #expect(String(buffer: output).contains("\"index\":\(index),\"id\":\"i\(index)\""))
        }
    }

    @Test(arguments: ["null", "[]", "[null]", "[1]", "{}", "[{}]", #"[{"function":[]}]"#])
    func oddListsDoNoHarm(_ list: String) throws {
        let event = #"{"choices":[{"index":0,"delta":{"content":"a","tool_calls":\#(list)}}]}"#
        let result = try relayed([event])
        #expect(try ClientView(result.text).content == "a")
    }
}
