package import NIOCore

extension JSONDocument {
    package func kind(of node: JSONNode) -> JSONKind {
        tape[node.index].kind
    }

    /// Where the node's text lies, as offsets from the first byte of the document; a string's quotation marks are part
    /// of it.
    package func range(of node: JSONNode) -> Range<Int> {
        tape[node.index].range
    }

    /// The node's text, without a copy.
    package func text(of node: JSONNode) -> ByteBuffer {
        let range = range(of: node)
        return bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    /// The members of an object in the order of the text; none if the node is no object.
    package func members(of node: JSONNode) -> JSONMembers {
        let object = tape[node.index]
        return JSONMembers(tape: tape, position: node.index + 1, end: object.isObject ? Int(object.next) : 0)
    }

    /// The elements of an array in the order of the text; none if the node is no array.
    package func elements(of node: JSONNode) -> JSONElements {
        let array = tape[node.index]
        return JSONElements(tape: tape, position: node.index + 1, end: array.kind == .array ? Int(array.next) : 0)
    }

    /// The value of the member with this name, compared after unescaping; nil if there is none, or if the node is no
    /// object. Of several it is the last one, which is what most readers of JSON take.
    package func member(_ name: StaticString, of object: JSONNode) -> JSONNode? {
        lastMember(of: object) { key in stringEquals(key, name) }
    }

    /// The value of the member with this name, as `member(_:of:)` for a name that is not a literal.
    package func member(named name: String, of object: JSONNode) -> JSONNode? {
        lastMember(of: object) { key in stringEquals(key, name) }
    }

    @inline(__always)
    private func lastMember(of object: JSONNode, where matches: (JSONNode) -> Bool) -> JSONNode? {
        let node = tape[object.index]
        guard node.isObject else { return nil }
        var found: JSONNode?
        var key = object.index + 1
        while key < Int(node.next) {
            if matches(JSONNode(index: key)) { found = JSONNode(index: key + 1) }
            key = Int(tape[key + 1].next)
        }
        return found
    }
}

/// The members of an object.
package struct JSONMembers: Sequence, IteratorProtocol {
    let tape: JSONTape
    var position: Int
    let end: Int

    package mutating func next() -> JSONMember? {
        guard position < end else { return nil }
        let key = tape[position]
        let member = JSONMember(
            key: JSONNode(index: position), value: JSONNode(index: position + 1),
            nameLength: key.isEscaped ? -1 : key.range.count - 2)
        position = Int(tape[position + 1].next)
        return member
    }
}

/// The elements of an array.
package struct JSONElements: Sequence, IteratorProtocol {
    let tape: JSONTape
    var position: Int
    let end: Int

    package mutating func next() -> JSONNode? {
        guard position < end else { return nil }
        let element = JSONNode(index: position)
        position = Int(tape[position].next)
        return element
    }
}
