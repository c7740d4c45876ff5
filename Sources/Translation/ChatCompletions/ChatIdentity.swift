import JSON
import NIOCore

/// What all chunks of a stream, and the answer made of them, have in common.
///
/// The gateway gives one only for what Qwen has not said (yet).
package struct ChatIdentity: Sendable, Equatable {
    /// `chatcmpl-…`
    package var id: String
    /// Seconds since 1970.
    package var created: Int
    package var model: String

    package init(id: String, created: Int, model: String) {
        self.id = id
        self.created = created
        self.model = model
    }
}

/// The identity as Qwen's chunks spell it: JSON values, kept as they are written.
struct ChatHeader: Sendable {
    private(set) var id: ByteBuffer?
    private(set) var created: ByteBuffer?
    private(set) var model: ByteBuffer?

    var isEmpty: Bool { id == nil && created == nil && model == nil }

    init() {}

    init(_ identity: ChatIdentity) {
        var (id, created, model) = (ByteBuffer(), ByteBuffer(), ByteBuffer())
        JSONWriter.writeString(identity.id, into: &id)
        JSONWriter.writeInteger(identity.created, into: &created)
        JSONWriter.writeString(identity.model, into: &model)
        (self.id, self.created, self.model) = (id, created, model)
    }

    /// Takes over what is not known yet.
    mutating func fill(from document: borrowing JSONDocument) {
        for member in document.members(of: document.root) {
            if document.isNamed(member, "id") {
                if id == nil { id = Self.copy(member.value, .string, in: document) }
            } else if document.isNamed(member, "model") {
                if model == nil { model = Self.copy(member.value, .string, in: document) }
            } else if document.isNamed(member, "created") || document.isNamed(member, "reated") {
                // The second spelling was seen in Qwen's own samples.
                if created == nil { created = Self.copy(member.value, .number, in: document) }
            }
        }
    }

    /// The time, which from now on is `seconds` if it was not known.
    mutating func created(or seconds: Int) -> ByteBuffer {
        if let created { return created }
        var own = ByteBuffer()
        JSONWriter.writeInteger(seconds, into: &own)
        created = own
        return own
    }

    /// Fills what is left.
    mutating func fill(from identity: @autoclosure () -> ChatIdentity) {
        guard id == nil || created == nil || model == nil else { return }
        let other = ChatHeader(identity())
        id = id ?? other.id
        created = created ?? other.created
        model = model ?? other.model
    }

    /// Writes the beginning of an object, up to its choices: `object` is its type as a JSON string.
    func writeOpening(_ object: StaticString, into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":")
        Self.write(id, or: "\"\"", into: &output)
        output.writeStaticString(",\"object\":\"")
        output.writeStaticString(object)
        output.writeStaticString("\",\"created\":")
        Self.write(created, or: "0", into: &output)
        output.writeStaticString(",\"model\":")
        Self.write(model, or: "\"\"", into: &output)
    }

    private static func write(_ value: ByteBuffer?, or missing: StaticString, into output: inout ByteBuffer) {
        if let value {
            output.writeImmutableBuffer(value)
        } else {
            output.writeStaticString(missing)
        }
    }

    /// A copy of its own: a slice would hold on to the bytes that were read from the network.
    private static func copy(
        _ node: JSONNode, _ kind: JSONKind, in document: borrowing JSONDocument
    ) -> ByteBuffer? {
        document.kind(of: node) == kind ? document.copiedText(of: node) : nil
    }
}

extension JSONDocument {
    /// The node's text in storage of its own.
    func copiedText(of node: JSONNode) -> ByteBuffer {
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(text(of: node))
        return copy
    }
}
