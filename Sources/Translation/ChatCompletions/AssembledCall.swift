import JSON
import NIOCore

/// One tool call that is put together from pieces.
struct AssembledCall: Sendable {
    /// What a call costs beside its texts, in bytes.
    static let cost = 256

    /// In `ToolCallSlots.slots`, where the id is.
    let slot: Int
    private var name = RawText()
    private var arguments = RawText()
    private var type: ByteBuffer?
    private var others = RawMembers()

    init(slot: Int) {
        self.slot = slot
    }

    mutating func take(
        _ piece: ToolCallPiece, _ place: ToolCallSlots.Place, in document: borrowing JSONDocument
    ) -> Int {
        var grown = 0
        for member in document.members(of: piece.node) where !Self.isKnown(member, in: document) {
            grown += others.keep(member, in: document)
        }
        if let given = piece.type, document.kind(of: given) == .string, !document.stringEquals(given, "") {
            type = document.copiedText(of: given)
        }
        if let given = piece.name, place.announcesName { grown += name.append(given, in: document) }
        if let given = piece.arguments, !place.isReplay { grown += arguments.append(given, in: document) }
        return grown
    }

    private static func isKnown(_ member: JSONMember, in document: borrowing JSONDocument) -> Bool {
        document.isNamed(member, "index") || document.isNamed(member, "id")
            || document.isNamed(member, "type") || document.isNamed(member, "function")
    }

    /// A call whose id never came gets one of the answer's id and its own position.
    func write(
        _ slot: ToolCallSlots.Slot, _ position: Int, answer: ByteBuffer?, into output: inout ByteBuffer
    ) {
        output.writeStaticString("{\"index\":")
        JSONWriter.writeInteger(position, into: &output)
        output.writeStaticString(",\"id\":")
        if let id = slot.id {
            output.writeImmutableBuffer(id)
        } else {
            output.writeStaticString("\"call_")
            JSONWriter.writeInteger(position, into: &output)
            if let answer {
                output.writeStaticString("_")
                output.writeBytes(answer.readableBytesView.dropFirst().dropLast())
            }
            output.writeStaticString("\"")
        }
        output.writeStaticString(",\"type\":")
        if let type { output.writeImmutableBuffer(type) } else { output.writeStaticString("\"function\"") }
        output.writeStaticString(",\"function\":{\"name\":")
        name.write(into: &output)
        output.writeStaticString(",\"arguments\":")
        arguments.write(into: &output)
        output.writeStaticString("}")
        others.write(into: &output)
        output.writeStaticString("}")
    }
}
