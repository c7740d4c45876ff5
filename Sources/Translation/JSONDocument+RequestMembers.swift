import JSON
import NIOCore

/// What requests have in common in the way they are read and copied.
extension JSONDocument {
    /// Scans a request's body: an object that names no member twice.
    mutating func scanRequestObject(_ text: ByteBuffer) throws(InvalidRequest) {
        do {
            try scan(text)
        } catch {
            throw InvalidRequest("The body is not valid JSON: \(error)")
        }
        guard kind(of: root) == .object else { throw InvalidRequest("The body must be a JSON object.") }
        try checkUniqueKeys(of: root, param: nil)
    }

    /// A string member that may be missing or null.
    func stringMember(_ node: JSONNode?, _ name: String) throws(InvalidRequest) -> String? {
        guard let node = given(node) else { return nil }
        guard let value = string(node) else { throw InvalidRequest("'\(name)' must be a string.", param: name) }
        return value
    }

    /// A member that is an integer in a range, or missing or null.
    func integerMember(
        _ node: JSONNode?, _ name: String, in range: ClosedRange<Int>
    ) throws(InvalidRequest) -> Int? {
        guard let node = given(node) else { return nil }
        guard let value = integer(node), range.contains(value) else {
            let bound =
                range.upperBound == .max
                ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw InvalidRequest("'\(name)' must be an integer \(bound).", param: name)
        }
        return value
    }

    /// Appends a comma and a member as it is written.
    func copyMember(_ member: JSONMember, into output: inout ByteBuffer) {
        output.writeStaticString(",")
        output.writeImmutableBuffer(text(of: member.key))
        output.writeStaticString(":")
        output.writeImmutableBuffer(text(of: member.value))
    }

    /// Some of the text, without a copy; the offsets are those of `range(of:)`.
    func slice(_ range: Range<Int>) -> ByteBuffer {
        bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
    }

    /// A string as it is written, escapes and all, without its quotation marks and without a copy; nil for other
    /// kinds.
    func rawStringBody(_ node: JSONNode) -> ByteBuffer? {
        guard kind(of: node) == .string else { return nil }
        let range = range(of: node)
        return slice(range.lowerBound + 1..<range.upperBound - 1)
    }
}
