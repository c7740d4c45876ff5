import JSON
import NIOCore

/// Any bytes as a JSON text.
enum JSONTarget {
    static let limits = JSONLimits(depth: 16, nodes: 2_000)

    static func scan(_ input: [UInt8]) {
        var document = JSONDocument()
        let text = ByteBuffer(bytes: input)
        do throws(JSONError) {
            try document.scan(text, limits: limits)
        } catch {
            check(error.offset >= 0 && error.offset <= input.count, "an offset outside of the text")
            let isTooMuch = error.code == .tooManyNodes
            check(isTooMuch || !ReferenceJSON.accepts(input, depth: limits.depth), "refused JSON: \(error)")
            return
        }
        check(ReferenceJSON.accepts(input, depth: limits.depth), "accepted what is no JSON")

        var unchanged = ByteBuffer()
        let isWritten: Void? = try? document.write(into: &unchanged)
        check(isWritten != nil && unchanged == text, "what nobody edited has changed")
        visit(document.root, of: document)
    }

    private static func visit(_ node: JSONNode, of document: borrowing JSONDocument) {
        let range = document.range(of: node)
        check(!range.isEmpty && range.upperBound <= document.bytes.readableBytes, "a range outside of the text")
        switch document.kind(of: node) {
        case .object: visitObject(node, of: document)
        case .array: visitArray(node, of: document)
        case .string: visitString(node, of: document)
        case .number: visitNumber(node, of: document)
        case .true, .false: check(document.bool(node) != nil, "a Boolean that is none")
        case .null: check(document.isNull(node), "a null that is none")
        }
    }

    private static func visitObject(_ object: JSONNode, of document: borrowing JSONDocument) {
        var names: [[UInt8]] = []
        for member in document.members(of: object) {
            let name = Array((document.string(member.key) ?? "").utf8)
            check(member.nameLength < 0 || member.nameLength == name.count, "a wrong length of a name")
            let first = names.contains(name) ? nil : member.value
            names.append(name)
            if let first {
                let found = document.member(named: String(decoding: name, as: UTF8.self), of: object)
                check(found == first, "another member than the first of its name")
            }
            visitString(member.key, of: document)
            visit(member.value, of: document)
        }
        let isUnique = (try? document.checkUniqueKeys(of: object)) != nil
        check(isUnique == (Set(names).count == names.count), "duplicate keys misjudged")
    }

    private static func visitArray(_ array: JSONNode, of document: borrowing JSONDocument) {
        var floats: [Float] = []
        let areFloats = document.appendFloats(of: array, to: &floats)
        var expected: [Float] = []
        var isExpected = true
        for element in document.elements(of: array) {
            visit(element, of: document)
            let float = Float(String(buffer: document.text(of: element)))
            if isExpected, document.kind(of: element) == .number, let float, float.isFinite {
                expected.append(float)
            } else {
                isExpected = false
            }
        }
        check(areFloats == isExpected && floats.map(\.bitPattern) == expected.map(\.bitPattern), "other floats")
    }

    /// A string reads the same after it was written anew.
    private static func visitString(_ node: JSONNode, of document: borrowing JSONDocument) {
        guard let value = document.string(node) else { fatalError("a string that is none") }
        check(document.stringEquals(node, value), "a string that is not its own")
        var written = ByteBuffer()
        JSONWriter.writeString(value, into: &written)
        var copied = ByteBuffer()
        check(document.writeString(node, into: &copied), "a string that cannot be written")
        check(Array(value.utf8).elementsEqual(copied.readableBytesView), "a string with two values")
        var again = JSONDocument()
        check((try? again.scan(written)) != nil, "a written string is no JSON")
        check(again.string(again.root)?.utf8.elementsEqual(value.utf8) == true, "a written string reads otherwise")
    }

    private static func visitNumber(_ node: JSONNode, of document: borrowing JSONDocument) {
        let text = String(buffer: document.text(of: node))
        check(document.integer(node) == Int(text), "another integer")
        let double = Double(text).flatMap { $0.isFinite ? $0 : nil }
        check(document.double(node)?.bitPattern == double?.bitPattern, "another number")
    }
}
