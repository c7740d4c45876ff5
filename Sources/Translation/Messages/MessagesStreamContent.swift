import JSON
import NIOCore

/// Puts what Qwen sends side by side into blocks that follow each other.
struct MessagesStreamContent: Sendable {
    /// A call. Its id and its name are at its place in `ToolCallSlots.slots`.
    private struct Call: Sendable {
        var state = State.waiting
        /// Arguments that have come before the block could begin.
        var held = RawText()

        enum State {
            case waiting, begun
        }
    }

    private let identity: MessagesIdentity
    private let limit: Int
    private var blocks = MessagesStreamBlocks()
    private var slots = ToolCallSlots()
    private var calls: [Call] = []
    /// Calls in front of this one have begun.
    private var firstWaiting = 0
    /// Thoughts and text that came in the midst of a call's arguments.
    private var heldThinking = RawText()
    private var heldText = RawText()
    /// The bytes that are held.
    private var size = 0

    /// - Parameter limit: the most bytes that are held.
    init(identity: MessagesIdentity, limit: Int) {
        self.identity = identity
        self.limit = limit
    }

    var hasCalls: Bool { !calls.isEmpty }

    /// Takes a piece of text or of thoughts.
    ///
    /// - Returns: false if more would be held than the limit.
    @inline(__always)
    mutating func take(
        _ node: JSONNode, as block: MessagesStreamBlocks.Block, in document: borrowing JSONDocument,
        into output: inout ByteBuffer
    ) -> Bool {
        // No characters, or none at all: null.
        guard document.kind(of: node) == .string, document.range(of: node).count > 2 else { return true }
        if blocks.open != block, !prepare(block, node, in: document, into: &output) { return size <= limit }
        blocks.writeDelta(document.text(of: node), into: &output)
        return true
    }

    /// Opens a block.
    ///
    /// - Returns: false if it can't be opened yet; the text is held.
    private mutating func prepare(
        _ block: MessagesStreamBlocks.Block, _ node: JSONNode, in document: borrowing JSONDocument,
        into output: inout ByteBuffer
    ) -> Bool {
        if isInsideCall || firstWaiting < calls.count {
            size += block == .thinking ? heldThinking.append(node, in: document) : heldText.append(node, in: document)
            return false
        }
        release(into: &output)
        if blocks.open != block { blocks.begin(block, into: &output) }
        return true
    }

    /// A call is open whose arguments are not whole.
    private var isInsideCall: Bool {
        guard case .call(let position) = blocks.open else { return false }
        return !slots.slots[position].arguments.isWhole
    }

    /// Takes pieces of calls.
    ///
    /// - Returns: false if there are too many calls, or more would be held than the limit.
    mutating func take(
        calls list: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) -> Bool {
        for node in document.elements(of: list) where document.kind(of: node) == .object {
            let piece = ToolCallPiece(node, in: document)
            guard let place = slots.place(piece, choice: 0, in: document) else { return false }
            // All calls are of one choice, so each new one has the next slot.
            if place.slot == calls.count { calls.append(Call()) }
            let arguments = place.isReplay ? nil : piece.arguments
            guard take(arguments, of: place.slot, in: document, into: &output) else { return false }
            beginCalls(isEnd: false, into: &output)
        }
        return true
    }

    private mutating func take(
        _ arguments: JSONNode?, of position: Int, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) -> Bool {
        guard let arguments, !document.isNull(arguments), !document.stringEquals(arguments, "") else { return true }
        if calls[position].state == .waiting {
            size += calls[position].held.append(arguments, in: document)
            return size <= limit
        }
        // A call that is no longer open was whole: what comes behind its arguments is no part of them.
        if blocks.open == .call(position) {
            blocks.writeDelta(body: RawText.body(of: arguments, in: document), into: &output)
        }
        return true
    }

    /// Begins the calls that wait, in their order, as far as that is possible.
    ///
    /// - Parameter isEnd: nothing more comes, so that none has to wait.
    private mutating func beginCalls(isEnd: Bool, into output: inout ByteBuffer) {
        while firstWaiting < calls.count {
            if isInsideCall, !isEnd { return }
            let slot = slots.slots[firstWaiting]
            guard isEnd || (slot.id != nil && slot.name != nil) else { return }
            begin(firstWaiting, slot, into: &output)
            firstWaiting += 1
        }
    }

    private mutating func begin(_ position: Int, _ slot: ToolCallSlots.Slot, into output: inout ByteBuffer) {
        var id = ByteBuffer()
        if let given = slot.id { id = given } else { identity.writeCallID(position, into: &id) }
        blocks.beginCall(position, id: id, name: slot.name ?? ByteBuffer(string: "\"\""), into: &output)
        calls[position].state = .begun
        let held = calls[position].held
        calls[position].held = RawText()
        if held.isEmpty { return }
        size -= held.body.readableBytes
        blocks.writeDelta(body: held.body, into: &output)
    }

    /// Writes the thoughts and the text that are held.
    private mutating func release(into output: inout ByteBuffer) {
        if !heldThinking.isEmpty {
            blocks.begin(.thinking, into: &output)
            blocks.writeDelta(body: heldThinking.body, into: &output)
        }
        if !heldText.isEmpty {
            blocks.begin(.text, into: &output)
            blocks.writeDelta(body: heldText.body, into: &output)
        }
        size -= heldThinking.body.readableBytes + heldText.body.readableBytes
        heldThinking = RawText()
        heldText = RawText()
    }

    /// Writes all that is held and ends the open block.
    mutating func finish(into output: inout ByteBuffer) {
        beginCalls(isEnd: true, into: &output)
        release(into: &output)
        blocks.end(into: &output)
    }
}
