import JSON
import NIOCore
import Testing

@Suite struct JSONEditingTests {
    /// The text after the edits.
    private func edited(_ text: String, _ edit: (inout JSONDocument) throws -> Void) throws -> String {
        var document = try scanned(text)
        try edit(&document)
        var output = ByteBuffer(string: ">")
        try document.write(into: &output)
        let first = String(buffer: output)
        output.clear()
        try document.write(into: &output)
        #expect(">" + String(buffer: output) == first, "a second write gives the same")
        return String(first.dropFirst())
    }

    private func at(_ name: String, _ document: borrowing JSONDocument) throws -> JSONNode {
        let node = document.member(named: name, of: document.root)
        return try #require(node)
    }

    @Test func valueIsReplacedAndTheRestStays() throws {
        let text = "{ \"a\" : 1.50 ,\n\t\"m\\u006fdel\" : \"x\\/y\" , \"z\":[1e2, -0] }\n"
        let result = try edited(text) { document in
            document.replace(try at("model", document), with: .string("qwen \"3\""))
        }
        #expect(result == "{ \"a\" : 1.50 ,\n\t\"m\\u006fdel\" : \"qwen \\\"3\\\"\" , \"z\":[1e2, -0] }\n")
    }

    @Test func everyFragment() throws {
        let fragments: [(JSONFragment, String)] = [
            (.string("é\n"), "\"é\\n\""), (.integer(-5), "-5"), (.double(0.5), "0.5"), (.double(.infinity), "null"),
            (.bool(true), "true"), (.bool(false), "false"), (.null, "null"), (.raw("{\"x\":[]}"), "{\"x\":[]}"),
            (.bytes(ByteBuffer(string: "[1, 2]")), "[1, 2]"),
        ]
        for (fragment, expected) in fragments {
            let result = try edited("{\"a\":0}") { $0.replace(try at("a", $0), with: fragment) }
            #expect(result == "{\"a\":\(expected)}")
        }
    }

    @Test func rootIsReplaced() throws {
        #expect(try edited(" {\"a\":1} ") { $0.replace($0.root, with: .null) } == " null ")
    }

    @Test func memberIsAdded() throws {
        #expect(try edited("{}") { $0.append("a", .integer(1), to: $0.root) } == "{\"a\":1}")
        #expect(try edited("{}") { $0.prepend("a", .integer(1), to: $0.root) } == "{\"a\":1}")
        #expect(try edited("{ }") { $0.append("a", .integer(1), to: $0.root) } == "{\"a\":1 }")
        #expect(try edited("{\"b\":2 }") { $0.append("a", .integer(1), to: $0.root) } == "{\"b\":2,\"a\":1 }")
        #expect(try edited("{ \"b\":2}") { $0.prepend("a", .integer(1), to: $0.root) } == "{\"a\":1, \"b\":2}")
        #expect(try edited("{\"b\":{}}") { $0.append("a\"", .null, to: try at("b", $0)) } == "{\"b\":{\"a\\\"\":null}}")
        let many = try edited("{\"m\":0}") { document in
            document.append("a", .integer(1), to: document.root)
            document.prepend("b", .integer(2), to: document.root)
            document.append("c", .integer(3), to: document.root)
            document.prepend("d", .integer(4), to: document.root)
        }
        #expect(many == "{\"b\":2,\"d\":4,\"m\":0,\"a\":1,\"c\":3}")
        let empty = try edited("{}") { document in
            document.append("a", .integer(1), to: document.root)
            document.prepend("b", .integer(2), to: document.root)
        }
        #expect(empty == "{\"b\":2,\"a\":1}")
    }

    @Test func memberIsRemovedWithItsComma() throws {
        let text = "{ \"a\":1 , \"b\":[2] , \"c\":3 }"
        let expected = [
            (["a"], "{ \"b\":[2] , \"c\":3 }"), (["b"], "{ \"a\":1 , \"c\":3 }"), (["c"], "{ \"a\":1 , \"b\":[2] }"),
            (["a", "b"], "{ \"c\":3 }"), (["b", "c"], "{ \"a\":1 }"), (["a", "c"], "{ \"b\":[2] }"),
            (["c", "a"], "{ \"b\":[2] }"), (["a", "b", "c"], "{  }"), (["c", "b", "a"], "{  }"),
        ]
        for (names, result) in expected {
            #expect(try edited(text) { for name in names { $0.remove(try at(name, $0), from: $0.root) } } == result)
        }
        #expect(try edited("{\"a\":1}") { $0.remove(try at("a", $0), from: $0.root) } == "{}")
    }

    @Test func memberIsRemovedByItsKeyToo() throws {
        let result = try edited("{\"a\":1,\"b\":2}") { document in
            let keys = document.members(of: document.root).map(\.key)
            document.remove(keys[0], from: document.root)
        }
        #expect(result == "{\"b\":2}")
    }

    @Test func memberIsLeftOutWithoutEdits() throws {
        let text = "{ \"a\":1 , \"b\":[2,3 , 4] , \"c\":{\"d\" : 5 } }"
        let document = try scanned(text)
        for member in document.members(of: document.root) {
            for node in [member.key, member.value] {
                let expected = try edited(text) { $0.remove(node, from: $0.root) }
                var output = ByteBuffer(string: ">")
                document.write(omitting: node, from: document.root, into: &output)
                #expect(String(buffer: output) == ">" + expected)
            }
            for child in document.elements(of: member.value) {
                let expected = try edited(text) { $0.remove(child, from: member.value) }
                var output = ByteBuffer()
                document.write(omitting: child, from: member.value, into: &output)
                #expect(String(buffer: output) == expected)
            }
        }
        let inner = try at("c", document)
        let found = document.member("d", of: inner)
        let only = try #require(found)
        var output = ByteBuffer()
        document.write(omitting: only, from: inner, into: &output)
        #expect(String(buffer: output) == "{ \"a\":1 , \"b\":[2,3 , 4] , \"c\":{ } }")
    }

    @Test func textIsAddedToAString() throws {
        #expect(try edited("{\"a\":\"\"}") { $0.appendText("x", to: try at("a", $0)) } == "{\"a\":\"x\"}")
        let result = try edited("[\"\\u00e9\" ]") { document in
            let string = document.elements(of: document.root).first { _ in true }
            document.appendText("\n\"", to: try #require(string))
        }
        #expect(result == "[\"\\u00e9\\n\\\"\" ]")
    }

    @Test func namesAreToldApartByLength() throws {
        let document = try scanned("{\"\":0,\"é\":0,\"\\u0061\":0,\"abc\":0}")
        #expect(document.members(of: document.root).map(\.nameLength) == [0, 2, -1, 3])
    }

    @Test func allMembersGoAndOthersCome() throws {
        let result = try edited("{\"a\":1,\"b\":2}") { document in
            document.append("x", .null, to: document.root)
            document.remove(try at("a", document), from: document.root)
            document.prepend("y", .null, to: document.root)
            document.remove(try at("b", document), from: document.root)
            document.append("z", .null, to: document.root)
        }
        #expect(result == "{\"y\":null,\"x\":null,\"z\":null}")
    }

    @Test func keyIsRenamed() throws {
        let result = try edited("{\"max_completion_tokens\" : 5,\"b\":1}") { document in
            let keys = document.members(of: document.root).map(\.key)
            document.rename(keys[0], to: "max_tokens")
            document.replace(try at("max_completion_tokens", document), with: .integer(6))
        }
        #expect(result == "{\"max_tokens\" : 6,\"b\":1}")
    }

    @Test func elementsComeAndGo() throws {
        func edit(_ text: String, _ body: (inout JSONDocument, [JSONNode]) -> Void) throws -> String {
            try edited(text) { document in body(&document, Array(document.elements(of: document.root))) }
        }
        #expect(try edit("[]") { document, _ in document.append(.null, to: document.root) } == "[null]")
        #expect(try edit("[1, 2]") { document, _ in document.append(.null, to: document.root) } == "[1, 2,null]")
        #expect(try edit("[1, 2]") { document, _ in document.prepend(.null, to: document.root) } == "[null,1, 2]")
        #expect(try edit("[1, 2, 3]") { $0.insert(.null, before: $1[0], in: $0.root) } == "[null,1, 2, 3]")
        #expect(try edit("[1, 2, 3]") { $0.insert(.null, before: $1[1], in: $0.root) } == "[1, null,2, 3]")
        #expect(try edit("[1, 2, 3]") { $0.remove($1[1], from: $0.root) } == "[1, 3]")
        #expect(try edit("[1, 2, 3]") { for node in $1 { $0.remove(node, from: $0.root) } } == "[]")
        let mixed = try edit("[[1],[2],[3]]") { document, elements in
            document.insert(.integer(9), before: elements[2], in: document.root)
            document.remove(elements[1], from: document.root)
            document.append(.integer(8), to: elements[0])
            document.replace(elements[2], with: .integer(7))
            document.append(.integer(6), to: document.root)
        }
        #expect(mixed == "[[1,8],9,7,6]")
    }

    @Test func overlapIsRefusedAndNothingWritten() throws {
        func conflict(_ text: String, _ edit: (inout JSONDocument, [JSONNode]) -> Void) throws {
            var document = try scanned(text)
            edit(&document, Array(document.elements(of: document.root)))
            var output = ByteBuffer(string: "kept")
            let error = #expect(throws: JSONError.self) { try document.write(into: &output) }
            #expect(error?.code == .overlappingEdits)
            #expect(String(buffer: output) == "kept")
        }
        try conflict("[1,2]") { document, nodes in
            document.replace(nodes[0], with: .null)
            document.replace(nodes[0], with: .null)
        }
        try conflict("[[1],2]") { document, nodes in
            document.append(.null, to: nodes[0])
            document.replace(nodes[0], with: .null)
        }
        try conflict("[[1],2]") { document, nodes in
            document.remove(nodes[0], from: document.root)
            document.append(.null, to: nodes[0])
        }
        try conflict("[1,2]") { document, nodes in
            document.remove(nodes[1], from: document.root)
            document.remove(nodes[1], from: document.root)
        }
        try conflict("[1,2]") { document, nodes in
            document.remove(nodes[1], from: document.root)
            document.insert(.null, before: nodes[1], in: document.root)
        }
        try conflict("[1,2]") { document, nodes in
            document.replace(document.root, with: .null)
            document.append(.null, to: document.root)
        }
    }

    @Test func scanForgetsTheEdits() throws {
        var document = try scanned("[1]")
        document.append(.null, to: document.root)
        #expect(document.isEdited == true)
        try document.scan(ByteBuffer(string: "[2]"))
        #expect(document.isEdited == false)
        var output = ByteBuffer()
        try document.write(into: &output)
        #expect(String(buffer: output) == "[2]")
    }

    @Test func sourceStaysAsItWas() throws {
        var source = ByteBuffer(string: "[1,2]")
        var document = JSONDocument()
        try document.scan(source)
        document.replace(document.root, with: .raw("{}"))
        // The output shares the storage of the source.
        try document.write(into: &source)
        #expect(String(buffer: source) == "[1,2]{}")
        #expect(String(buffer: document.bytes) == "[1,2]")
    }
}
