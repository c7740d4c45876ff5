package import NIOCore

/// A JSON text that was checked as a whole, can be looked into, and can be changed by splices.
///
/// The document keeps the bytes that it has scanned (as a slice, not a copy), so that what was checked is what is read
/// and written; `removeAll()` lets go of them. Its storage is kept for the next scan: in the steady state none of
/// this allocates. Edits show in what `write(into:)` gives, never in what the accessors give.
package struct JSONDocument: ~Copyable, Sendable {
    /// The text, empty before the first scan and after one that failed. Offsets count from its first readable byte.
    package private(set) var bytes = ByteBuffer()

    var tape = JSONTape()
    var edits = JSONEdits()

    package init() {}

    /// Reads the readable bytes of `text` and replaces what the document held before.
    ///
    /// The whole text is checked against RFC 8259: UTF-8, escapes, numbers, nothing but white space around the one
    /// value, no byte order mark. A single surrogate escape (`\ud800`) is allowed, as the grammar has it.
    package mutating func scan(_ text: ByteBuffer, limits: JSONLimits = .default) throws(JSONError) {
        edits.removeAll()
        bytes = text
        do throws(JSONError) {
            try tape.scan(text.readableBytesSpan, limits: limits)
        } catch {
            bytes = ByteBuffer()
            throw error
        }
    }

    /// Forgets the text and the edits, and gives back storage that an unusually large text has needed.
    package mutating func removeAll() {
        bytes = ByteBuffer()
        tape.removeAll()
        edits.removeAll()
    }

    /// The value of the text. There must be one: the last scan has succeeded.
    package var root: JSONNode { JSONNode(index: 0) }

    /// How many keys and values the text holds.
    package var nodeCount: Int { tape.count }
}
