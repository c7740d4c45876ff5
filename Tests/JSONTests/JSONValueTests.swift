import JSON
import NIOCore
import Testing

@Suite struct JSONValueTests {
    static let strings: [(text: String, value: String)] = [
        ("\"\"", ""), ("\"abc\"", "abc"), ("\"通义千问😀\"", "通义千问😀"),
        ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{C}\n\r\t"),
        ("\"\\u0041\\u00e9\\u5343\\uD83D\\ude00\"", "Aé千😀"), ("\"\\u0000\"", "\0"), ("\"a\\u0062c\\nd\"", "abc\nd"),
        ("\"\\uFFFF\\uD7FF\\uE000\"", "\u{FFFF}\u{D7FF}\u{E000}"),
        ("\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\u{10000}\u{10FFFF}"),
        ("\"\\ud800\"", "\u{FFFD}"), ("\"\\udc00\"", "\u{FFFD}"), ("\"x\\ud800y\"", "x\u{FFFD}y"),
        ("\"\\udc00\\ud800\"", "\u{FFFD}\u{FFFD}"), ("\"\\ud800\\ud800\\udc00\"", "\u{FFFD}\u{10000}"),
        ("\"\\ud800\\u0041\"", "\u{FFFD}A"), ("\"\\ud800\\n\"", "\u{FFFD}\n"),
        ("\"\\ud83d\u{10000}\"", "\u{FFFD}\u{10000}"),
        ("\"é\\né\"", "é\né"),
    ]

    @Test(arguments: strings.indices) func stringIsUnescaped(_ index: Int) throws {
        let (text, value) = Self.strings[index]
        let document = try scanned(text)
        #expect(document.string(document.root).map { Array($0.utf8) } == Array(value.utf8))
        #expect(document.stringEquals(document.root, value) == true)
        #expect(document.stringEquals(document.root, value + "x") == false)
        #expect(document.stringEquals(document.root, "x" + value) == false)
        if !value.isEmpty {
            #expect(document.stringEquals(document.root, String(value.unicodeScalars.dropLast())) == false)
        }
        var output = ByteBuffer()
        let isWritten = document.writeString(document.root, into: &output)
        #expect(isWritten)
        #expect(Array(output.readableBytesView) == Array(value.utf8))
    }

    @Test func equalityIsByteForByte() throws {
        // Canonically equivalent, and equal as Swift strings.
        let document = try scanned("\"e\u{301}\"")
        #expect(document.stringEquals(document.root, "e\u{301}" as String) == true)
        #expect(document.stringEquals(document.root, "\u{E9}" as String) == false)
        #expect(document.stringEquals(document.root, "\u{E9}" as StaticString) == false)
    }

    static let integers: [(String, Int?)] = [
        ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("1795000001", 1_795_000_001),
        ("9223372036854775807", .max), ("9223372036854775808", nil), ("-9223372036854775808", .min),
        ("-9223372036854775809", nil), ("1.0", nil), ("1e3", nil), ("123456789012345678901234567890", nil),
        ("\"1\"", nil), ("true", nil), ("null", nil), ("[1]", nil),
    ]

    @Test(arguments: integers) func integerIsExact(_ text: String, _ value: Int?) throws {
        let document = try scanned(text)
        #expect(document.integer(document.root) == value)
    }

    static let doubles: [(String, Double?)] = [
        ("0", 0), ("-1.5", -1.5), ("1e3", 1000), ("25E-2", 0.25), ("1.7976931348623157e308", .greatestFiniteMagnitude),
        ("1e400", nil), ("-1e400", nil), ("1e-400", 0), ("9007199254740993", 9_007_199_254_740_992), ("\"1\"", nil),
        ("false", nil),
    ]

    @Test(arguments: doubles) func doubleIsTheNearest(_ text: String, _ value: Double?) throws {
        let document = try scanned(text)
        #expect(document.double(document.root) == value)
    }

    @Test func otherKinds() throws {
        let document = try scanned("[true,false,null,\"true\",{},[]]")
        var bools: [Bool?] = []
        var nulls: [Bool] = []
        var kinds: [JSONKind] = []
        for element in document.elements(of: document.root) {
            bools.append(document.bool(element))
            nulls.append(document.isNull(element))
            kinds.append(document.kind(of: element))
            #expect((document.string(element) == nil) == (document.kind(of: element) != .string))
        }
        #expect(bools == [true, false, nil, nil, nil, nil])
        #expect(nulls == [false, false, true, false, false, false])
        #expect(kinds == [.true, .false, .null, .string, .object, .array])
        var output = ByteBuffer()
        let isWritten = document.writeString(document.root, into: &output)
        #expect(!isWritten && output.readableBytes == 0)
    }
}

@Suite struct JSONNavigationTests {
    private let text = #" {"model":"qwen","mod\u0065l2": [1, {"a":{}} ,"x"],"":null,"n\"q":-1.5e3 } "#

    @Test func membersAreFoundByTheirUnescapedName() throws {
        let document = try scanned(text)
        let root = document.root
        #expect(document.member("model", of: root).flatMap { document.string($0) } == "qwen")
        #expect(document.member("model2", of: root).map { document.kind(of: $0) } == .array)
        #expect(document.member("mod\\u0065l2", of: root) == nil)
        #expect(document.member("", of: root).map { document.isNull($0) } == true)
        #expect(document.member("n\"q", of: root).flatMap { document.double($0) } == -1500)
        #expect(document.member(named: "model2", of: root) == document.member("model2", of: root))
        #expect(document.member("a", of: root) == nil)
        #expect(document.member("mode", of: root) == nil)
        #expect(document.member("model23", of: root) == nil)
    }

    @Test func lastOfSeveralIsFound() throws {
        let document = try scanned(#"{"a":1,"b":0,"\u0061":2,"c":0}"#)
        #expect(document.member("a", of: document.root).flatMap { document.integer($0) } == 2)
    }

    @Test func nodesKnowTheirPlace() throws {
        let document = try scanned(text)
        var keys: [String?] = []
        var texts: [String] = []
        for member in document.members(of: document.root) {
            keys.append(document.string(member.key))
            texts.append(String(buffer: document.text(of: member.value)))
            let range = document.range(of: member.value)
            #expect(Array(text.utf8)[range].elementsEqual(texts.last.map { Array($0.utf8) } ?? []))
        }
        #expect(keys == ["model", "model2", "", "n\"q"])
        #expect(texts == ["\"qwen\"", #"[1, {"a":{}} ,"x"]"#, "null", "-1.5e3"])
        #expect(document.range(of: document.root) == 1..<text.utf8.count - 1)
    }

    @Test func scalarsAndOtherContainersHoldNothing() throws {
        let document = try scanned(#"[{"a":1},[2],"s"]"#)
        var elements = document.elements(of: document.root)
        guard let object = elements.next(), let array = elements.next(), let string = elements.next() else {
            Issue.record("three elements")
            return
        }
        #expect(elements.next() == nil)
        #expect(Array(document.elements(of: object)) == [])
        #expect(Array(document.members(of: array)) == [])
        #expect(Array(document.members(of: string)) == [])
        #expect(Array(document.elements(of: string)) == [])
        #expect(document.member("a", of: array) == nil)
        #expect(document.member("a", of: object).flatMap { document.integer($0) } == 1)
    }

    @Test func documentIsReused() throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: "[1,2,3]"))
        #expect(document.nodeCount == 4)
        try document.scan(ByteBuffer(string: "{\"a\":true}"))
        #expect(document.nodeCount == 3)
        #expect(document.member("a", of: document.root).flatMap { document.bool($0) } == true)
        document.removeAll()
        #expect(document.nodeCount == 0)
        #expect(document.bytes.readableBytes == 0)
    }
}

@Suite struct JSONUniqueKeyTests {
    private func duplicate(_ text: String) throws -> JSONError? {
        let document = try scanned(text)
        do throws(JSONError) {
            try document.checkUniqueKeys(of: document.root)
            return nil
        } catch {
            return error
        }
    }

    @Test func doubledKeyIsFound() throws {
        #expect(try duplicate("{}") == nil)
        #expect(try duplicate(#"{"a":1,"b":2,"":3,"A":4,"a ":5}"#) == nil)
        #expect(try duplicate(#"{"a":1,"b":2,"a":3}"#) == JSONError(.duplicateKey("a"), at: 13))
        #expect(try duplicate(#"{"":1,"":3}"#) == JSONError(.duplicateKey(""), at: 6))
        #expect(try duplicate(#"{"model":1,"mod\u0065l":2}"#) == JSONError(.duplicateKey("model"), at: 11))
        #expect(try duplicate(#"{"mod\u0065l":1,"model":2}"#) == JSONError(.duplicateKey("model"), at: 16))
        #expect(try duplicate(#"{"\u006dodel":1,"\u006Dodel":2}"#) == JSONError(.duplicateKey("model"), at: 16))
        #expect(try duplicate(#"{"\/":1,"/":2}"#) == JSONError(.duplicateKey("/"), at: 8))
        #expect(try duplicate(#"{"a\\u0062":1,"ab":2}"#) == nil)
    }

    @Test func onlyTheObjectItselfIsChecked() throws {
        #expect(try duplicate(#"{"a":{"b":1,"b":2},"c":["a","a"],"b":{"a":1}}"#) == nil)
        #expect(try duplicate(#"[{"a":1,"a":1}]"#) == nil)
        #expect(try duplicate(#"{"x":{"a":1},"a":2,"x":3}"#)?.code == .duplicateKey("x"))
    }

    @Test func canonicalEquivalentsDiffer() throws {
        #expect(try duplicate("{\"e\u{301}\":1,\"\u{E9}\":2}") == nil)
    }

    @Test(arguments: [2, 15, 16, 17, 18, 40, 5000]) func everySizeOfObject(_ count: Int) throws {
        let members = (0..<count).map { "\"key\($0)\":\($0)" }
        #expect(try duplicate("{\(members.joined(separator: ","))}") == nil)
        for place in [0, count / 2, count - 1] {
            let doubled = members + ["\"key\(place)\":0"]
            #expect(try duplicate("{\(doubled.joined(separator: ","))}")?.code == .duplicateKey("key\(place)"))
            let escaped = members + ["\"\\u006bey\(place)\":0"]
            #expect(try duplicate("{\(escaped.joined(separator: ","))}")?.code == .duplicateKey("key\(place)"))
        }
    }
}
