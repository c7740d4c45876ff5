import NIOCore

/// Edits are recorded against the text as it was scanned and take effect together in `write(into:)`. No two of them
/// may touch the same bytes: what is replaced or removed cannot be edited inside as well.
extension JSONDocument {
    /// Replaces a value.
    package mutating func replace(_ node: JSONNode, with value: JSONFragment) {
        edits.append(.replace, at: range(of: node)) { value.write(into: &$0) }
    }

    /// Adds characters at the end of a string; they are escaped as they are written.
    package mutating func appendText(_ text: String, to string: JSONNode) {
        precondition(tape[string.index].kind == .string, "only a string holds characters")
        let end = range(of: string).upperBound - 1
        edits.append(.replace, at: end..<end) { JSONWriter.writeStringBody(text, into: &$0) }
    }

    /// Gives a member another name.
    package mutating func rename(_ key: JSONNode, to name: String) {
        precondition(tape[key.index].isKey, "a value has no name")
        edits.append(.replace, at: range(of: key)) { JSONWriter.writeString(name, into: &$0) }
    }

    /// Adds a member in front of those that the object has. Several come out in the order of the calls.
    package mutating func prepend(_ name: String, _ value: JSONFragment, to object: JSONNode) {
        insert(.insertFirst, into: object) { Self.writeMember(name, value, into: &$0) }
    }

    /// Adds a member behind those that the object has. Several come out in the order of the calls.
    package mutating func append(_ name: String, _ value: JSONFragment, to object: JSONNode) {
        insert(.insertLast, into: object) { Self.writeMember(name, value, into: &$0) }
    }

    /// Adds an element in front of those that the array has. Several come out in the order of the calls.
    package mutating func prepend(_ value: JSONFragment, to array: JSONNode) {
        insert(.insertFirst, into: array) { value.write(into: &$0) }
    }

    /// Adds an element behind those that the array has. Several come out in the order of the calls.
    package mutating func append(_ value: JSONFragment, to array: JSONNode) {
        insert(.insertLast, into: array) { value.write(into: &$0) }
    }

    /// Adds an element in front of `element`, which must itself stay. Several come out in the order of the calls.
    package mutating func insert(_ value: JSONFragment, before element: JSONNode, in array: JSONNode) {
        if element.index == array.index + 1 { return prepend(value, to: array) }
        let start = range(of: element).lowerBound
        edits.append(.insertBefore, at: start..<start) { value.write(into: &$0) }
    }

    /// Removes an element, or the member whose key or value `node` is, from the container that directly holds it.
    package mutating func remove(_ node: JSONNode, from container: JSONNode) {
        let child = child(node, of: container)
        let start = Int(tape[child].start)
        edits.append(.remove, at: start..<start, container: container.index, child: child)
    }

    /// Whether anything would be written differently from the text that was scanned.
    package var isEdited: Bool { !edits.list.isEmpty }

    private mutating func insert(_ kind: JSONEdit.Kind, into container: JSONNode, _ write: (inout ByteBuffer) -> Void) {
        let node = tape[container.index]
        precondition(node.kind == .object || node.kind == .array, "a scalar holds nothing")
        var place = Int(node.start) + 1
        if kind == .insertLast, let last = lastChild(of: container.index) { place = endOfChild(last) }
        edits.append(kind, at: place..<place, container: container.index, write)
    }

    private static func writeMember(_ name: String, _ value: JSONFragment, into output: inout ByteBuffer) {
        JSONWriter.writeString(name, into: &output)
        output.writeInteger(UInt8(ascii: ":"))
        value.write(into: &output)
    }
}

// MARK: - Children

/// A child is known by its first node: an element, or a member's key.
extension JSONDocument {
    /// The child that `node`, an element or the key or value of a member, belongs to.
    func child(_ node: JSONNode, of container: JSONNode) -> Int {
        let outer = tape[container.index]
        precondition(node.index > container.index && node.index < Int(outer.next), "a node of another container")
        return outer.isObject && !tape[node.index].isKey ? node.index - 1 : node.index
    }

    /// The index behind a child and all that it holds.
    func nextChild(_ child: Int) -> Int {
        Int(tape[tape[child].isKey ? child + 1 : child].next)
    }

    /// The offset in the text behind a child.
    func endOfChild(_ child: Int) -> Int {
        Int(tape[tape[child].isKey ? child + 1 : child].end)
    }

    /// The last child of a container in front of the node `limit`, by default of all.
    func lastChild(of container: Int, before limit: Int? = nil) -> Int? {
        let end = limit ?? Int(tape[container].next)
        var last: Int?
        var child = container + 1
        while child < end {
            last = child
            child = nextChild(child)
        }
        return last
    }
}
