import JSON
import NIOCore

/// Members of an object that are kept as they are written, one for each name: the last one that is not null.
struct RawMembers: Sendable {
    /// Members beyond this many names are dropped.
    private static let most = 64

    private var members: [(name: ByteBuffer, value: ByteBuffer)] = []

    /// Keeps a member; gives back by how many bytes more is held.
    mutating func keep(_ member: JSONMember, in document: borrowing JSONDocument) -> Int {
        let name = document.text(of: member.key)
        let known = members.firstIndex { $0.name == name }
        if let known {
            if document.isNull(member.value) { return 0 }
            let before = members[known].value.readableBytes
            members[known].value = document.copiedText(of: member.value)
            return members[known].value.readableBytes - before
        }
        guard members.count < Self.most else { return 0 }
        let value = document.copiedText(of: member.value)
        members.append((document.copiedText(of: member.key), value))
        return name.readableBytes + value.readableBytes
    }

    /// Writes the members, each with a comma in front.
    func write(into output: inout ByteBuffer) {
        for member in members {
            output.writeStaticString(",")
            output.writeImmutableBuffer(member.name)
            output.writeStaticString(":")
            output.writeImmutableBuffer(member.value)
        }
    }
}
