/// What a value is (RFC 8259 §3); the two Booleans are told apart as the literals they are.
package enum JSONKind: UInt8, Sendable {
    case object, array, string, number, `true`, `false`, null
}

/// A value, or a key, of the document that was scanned last.
///
/// It is an index and holds nothing: a later scan gives it another meaning.
package struct JSONNode: Hashable, Sendable {
    let index: Int
}

/// A member of an object (RFC 8259 §4).
package struct JSONMember: Hashable, Sendable {
    /// A node of kind string.
    package let key: JSONNode
    package let value: JSONNode
    /// The length of the name in bytes, negative if the name is written with escapes: by it a reader can tell most names
    /// apart without a look at the text.
    package let nameLength: Int
}
