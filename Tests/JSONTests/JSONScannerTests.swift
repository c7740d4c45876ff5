import JSON
import NIOCore
import Testing

@Suite struct JSONAcceptTests {
    static let texts = [
        "{}", "[]", "0", "-0", "\"\"", "true", "false", "null", " \t\r\n1 \t\r\n", "[[]]", "[{}]", "{\"\":{}}",
        "[1,2,3]", "[ 1 , 2 ]", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ ] }", "{\"a\":1,\"a\":2}", "[null,true,false]",
        "1.5", "-1.5", "0.0", "0e0", "0e+0", "0E-0", "1e5", "1E5", "1.25e+10", "-0.0e-0",
        "123456789012345678901234567890",
        "1e999999", "-1e-999999", "[0,-0,0.1]", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uABCD\\uabcd\"",
        "\"\\ud83d\\ude00\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ude00\\ud83d\"", "\"\\ud800\\ud800\\udc00\"",
        "\"\\ud800x\"", "\"\u{7F}\"", "\"\u{80}\"", "\"\u{7FF}\"", "\"\u{800}\"", "\"\u{D7FF}\"", "\"\u{E000}\"",
        "\"\u{FFFF}\"", "\"\u{10000}\"", "\"\u{10FFFF}\"", "\"\u{FEFF}\"", "\"\u{2028}\u{2029}\"", "\"a/b\"", "\"'\"",
        "\"// no comment\"", "[\"\",\"a\",\"ab\"]", "\n\n{\n\"a\"\n:\n1\n}\n\n", "\"\\u005C\\u0022\"",
        "[1E0,1e-0,10.01]", "{\"a\":{\"b\":{\"c\":[[[[]]]]}}}", "[[[[[[[[[[1]]]]]]]]]]",
    ]

    @Test(arguments: texts) func textIsAccepted(_ text: String) throws {
        #expect(refusal(of: text) == nil)
    }

    @Test(arguments: texts) func everyBeginningIsRefused(_ text: String) {
        let bytes = Array(text.utf8)
        let trimmed = bytes.reversed().drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }.count
        for count in 0..<trimmed {
            // A number can be cut and still be one.
            if case .number = (try? scanned(bytes[..<count]))?.rootKind { continue }
            let error = refusal(of: bytes[..<count])
            #expect(error != nil, "\(text) cut to \(count) bytes")
            if let error { #expect((0...count).contains(error.offset)) }
        }
    }

    @Test func textComesOutAsItWent() throws {
        for text in Self.texts {
            var document = try scanned(text)
            var output = ByteBuffer()
            try document.write(into: &output)
            #expect(String(buffer: output) == text)
        }
    }

    @Test func numberOf400Digits() throws {
        let digits = String(repeating: "1234567890", count: 40)
        for number in [digits, "-\(digits)", "0.\(digits)", "1e\(digits)", "\(digits).\(digits)E-\(digits)"] {
            let document = try scanned("[\(number)]")
            let first = document.firstElement
            let node = try #require(first)
            #expect(document.kind(of: node) == .number)
            #expect(String(buffer: document.text(of: node)) == number)
        }
    }
}

extension JSONDocument {
    var rootKind: JSONKind { kind(of: root) }

    /// The first element of the root.
    var firstElement: JSONNode? {
        var elements = elements(of: root)
        return elements.next()
    }
}

@Suite struct JSONRejectTests {
    struct Case: Sendable {
        let text: String
        let code: JSONError.Code
        let offset: Int

        init(_ text: String, _ code: JSONError.Code, _ offset: Int) {
            self.text = text
            self.code = code
            self.offset = offset
        }
    }

    static let cases: [Case] = [
        Case("", .emptyInput, 0), Case(" \n\t ", .emptyInput, 0),
        Case("\u{FEFF}{}", .byteOrderMark, 0), Case("\u{FEFF}", .byteOrderMark, 0),
        Case("[", .unexpectedEnd, 1), Case("{", .unexpectedEnd, 1), Case("[1", .unexpectedEnd, 2),
        Case("[1,", .unexpectedEnd, 3), Case("{\"a\"", .unexpectedEnd, 4), Case("{\"a\":", .unexpectedEnd, 5),
        Case("{\"a\":1", .unexpectedEnd, 6), Case("{\"a\":1,", .unexpectedEnd, 7), Case("\"abc", .unexpectedEnd, 4),
        Case("\"", .unexpectedEnd, 1), Case("\"\\", .unexpectedEnd, 2), Case("\"\\u12", .unexpectedEnd, 5),
        Case("nul", .unexpectedEnd, 3), Case("t", .unexpectedEnd, 1), Case("-", .unexpectedEnd, 1),
        Case("1.", .unexpectedEnd, 2), Case("1e", .unexpectedEnd, 2), Case("1e+", .unexpectedEnd, 3),
        Case("[]]", .trailingBytes, 2), Case("{}x", .trailingBytes, 2), Case("1 2", .trailingBytes, 2),
        Case("{}{}", .trailingBytes, 2), Case("null,", .trailingBytes, 4), Case("nullx", .trailingBytes, 4),
        Case("\"a\"b", .trailingBytes, 3), Case("{}\0", .trailingBytes, 2), Case("1\u{FEFF}", .trailingBytes, 1),
        Case("{}//", .trailingBytes, 2), Case("1\u{0B}", .trailingBytes, 1), Case("1x", .trailingBytes, 1),
        Case("[1,]", .expectedValue, 3), Case("[,1]", .expectedValue, 1), Case("[,]", .expectedValue, 1),
        Case("[1,,2]", .expectedValue, 3), Case("{\"a\":}", .expectedValue, 5), Case("{\"a\":,}", .expectedValue, 5),
        Case("]", .expectedValue, 0), Case("}", .expectedValue, 0), Case(",", .expectedValue, 0),
        Case("[}", .expectedValue, 1), Case("nulL", .expectedValue, 0), Case("True", .expectedValue, 0),
        Case("NaN", .expectedValue, 0), Case("nan", .expectedValue, 0), Case("Infinity", .expectedValue, 0),
        Case("undefined", .expectedValue, 0), Case("+1", .expectedValue, 0), Case(".5", .expectedValue, 0),
        Case("'a'", .expectedValue, 0), Case("[a]", .expectedValue, 1), Case("/**/1", .expectedValue, 0),
        Case("\u{A0}1", .expectedValue, 0), Case("\0", .expectedValue, 0), Case("\u{0C}1", .expectedValue, 0),
        Case("[fals]", .expectedValue, 1), Case("[truth]", .expectedValue, 1), Case("é", .expectedValue, 0),
        Case("{]", .expectedKey, 1), Case("{,}", .expectedKey, 1), Case("{1:2}", .expectedKey, 1),
        Case("{a:1}", .expectedKey, 1), Case("{'a':1}", .expectedKey, 1), Case("{\"a\":1,}", .expectedKey, 7),
        Case("{null:1}", .expectedKey, 1), Case("{\"a\":1,,}", .expectedKey, 7), Case("{[]:1}", .expectedKey, 1),
        Case("{\"a\"}", .expectedColon, 4), Case("{\"a\" 1}", .expectedColon, 5), Case("{\"a\",1}", .expectedColon, 4),
        Case("{\"a\"=1}", .expectedColon, 4), Case("{\"a\"::1}", .expectedValue, 5),
        Case("[1 2]", .expectedCommaOrEnd, 3), Case("[1}", .expectedCommaOrEnd, 2),
        Case("[1;2]", .expectedCommaOrEnd, 2),
        Case("{\"a\":1]", .expectedCommaOrEnd, 6), Case("{\"a\":1 \"b\":2}", .expectedCommaOrEnd, 7),
        Case("[\"a\"\"b\"]", .expectedCommaOrEnd, 4), Case("[1:2]", .expectedCommaOrEnd, 2),
        Case("[0x1]", .expectedCommaOrEnd, 2), Case("[1_000]", .expectedCommaOrEnd, 2),
        Case("[[]{}]", .expectedCommaOrEnd, 3),
        Case("[1.2.3]", .expectedCommaOrEnd, 4), Case("[1e5.5]", .expectedCommaOrEnd, 4),
        Case("[2-1]", .expectedCommaOrEnd, 2),
        Case("01", .invalidNumber, 0), Case("-01", .invalidNumber, 1), Case("00", .invalidNumber, 0),
        Case("-a", .invalidNumber, 1), Case("--1", .invalidNumber, 1), Case("[1.]", .invalidNumber, 3),
        Case("[1.e5]", .invalidNumber, 3), Case("[1e]", .invalidNumber, 3), Case("[1e+]", .invalidNumber, 4),
        Case("[1ea]", .invalidNumber, 3), Case("[-]", .invalidNumber, 2), Case("[-.5]", .invalidNumber, 2),
        Case("[1e+-5]", .invalidNumber, 4), Case("[-Infinity]", .invalidNumber, 2),
        Case("\"\\x41\"", .invalidEscape, 1), Case("\"\\'\"", .invalidEscape, 1), Case("\"\\0\"", .invalidEscape, 1),
        Case("\"\\U0041\"", .invalidEscape, 1), Case("\"\\u004\"", .invalidEscape, 1),
        Case("\"\\u004g\"", .invalidEscape, 1),
        Case("\"\\u{41}\"", .invalidEscape, 1), Case("\"a\\ b\"", .invalidEscape, 2),
        Case("\"\\u 041\"", .invalidEscape, 1),
        Case("\"\\u-041\"", .invalidEscape, 1), Case("\"\\é\"", .invalidEscape, 1), Case("\"\\\n\"", .invalidEscape, 1),
        Case("{\"\\q\":1}", .invalidEscape, 2),
        Case("\"\n\"", .controlCharacter, 1), Case("\"a\tb\"", .controlCharacter, 2),
        Case("\"\0\"", .controlCharacter, 1),
        Case("\"\u{1F}\"", .controlCharacter, 1), Case("{\"a\rb\":1}", .controlCharacter, 3),
    ]

    @Test(arguments: cases) func textIsRefusedForItsFault(_ example: Case) {
        #expect(refusal(of: example.text) == JSONError(example.code, at: example.offset))
    }

    @Test func failedScanLeavesNothingBehind() throws {
        var document = try scanned("[1,2]")
        document.replace(document.root, with: .null)
        #expect(throws: JSONError(.unexpectedEnd, at: 6)) { try document.scan(ByteBuffer(string: "[1,2,3")) }
        #expect(document.bytes.readableBytes == 0)
        #expect(document.nodeCount == 0)
        #expect(document.isEdited == false)
    }

    @Test func messageNamesThePlaceAndTheFault() {
        #expect(
            refusal(of: "[\"a\nb\"]")?.description
                == "Invalid JSON at byte 3: a control character must be escaped inside a string.")
        let long = JSONError(.duplicateKey(String(repeating: "k", count: 1000)), at: 5)
        #expect(long.description.utf8.count < 150)
        #expect(
            JSONError(.duplicateKey("model"), at: 5).description
                == "Invalid JSON at byte 5: the key \"model\" occurs twice in one object.")
    }
}

@Suite struct JSONLimitTests {
    @Test func depthCountsContainers() {
        let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(refusal(of: nested(512)) == nil)
        #expect(refusal(of: nested(513)) == JSONError(.tooDeep, at: 512))
        #expect(refusal(of: nested(10_000)) == JSONError(.tooDeep, at: 512))
        #expect(refusal(of: nested(10_000), JSONLimits(depth: 10_000)) == nil)
        #expect(refusal(of: String(repeating: "[", count: 10_000)) == JSONError(.tooDeep, at: 512))
        #expect(refusal(of: String(repeating: "{\"a\":", count: 10_000)) == JSONError(.tooDeep, at: 512 * 5))
        #expect(refusal(of: "[[],[],{}]", JSONLimits(depth: 2)) == nil)
        #expect(refusal(of: "1", JSONLimits(depth: 0)) == nil)
        #expect(refusal(of: "[]", JSONLimits(depth: 0)) == JSONError(.tooDeep, at: 0))
    }

    @Test func nodesCountKeysAndValues() {
        for nodes in 1...300 {
            let array = "[" + Array(repeating: "0", count: nodes - 1).joined(separator: ",") + "]"
            #expect(refusal(of: array, JSONLimits(nodes: nodes)) == nil)
            #expect(refusal(of: array, JSONLimits(nodes: nodes - 1))?.code == .tooManyNodes)
            let object = "{" + Array(repeating: "\"\":0", count: nodes).joined(separator: ",") + "}"
            #expect(refusal(of: object, JSONLimits(nodes: 2 * nodes + 1)) == nil)
            #expect(refusal(of: object, JSONLimits(nodes: 2 * nodes))?.code == .tooManyNodes)
        }
        let many = "[" + Array(repeating: "0", count: 2_000_000).joined(separator: ",") + "]"
        #expect(refusal(of: many)?.code == .tooManyNodes)
    }

    @Test func bytesAreCounted() {
        #expect(refusal(of: "[1]", JSONLimits(bytes: 3)) == nil)
        #expect(refusal(of: "[1] ", JSONLimits(bytes: 3)) == JSONError(.tooLarge, at: 3))
    }

    /// The tape grows while the text is scanned; the scan goes on where it was.
    @Test func everySizeOfTapeGivesTheSameNodes() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<300 {
            let tree = Tree(&random, depth: 6)
            let document = try scanned(tree.text(&random))
            #expect(Tree(document, document.root) == tree)
        }
    }
}
