import JSON
import NIOCore

/// One choice of an answer that is put together from deltas.
struct AssembledChoice: Sendable {
    let index: Int
    private(set) var finishReason: ByteBuffer?
    private var content = RawText()
    private var reasoning = RawText()
    private var refusal = RawText()
    private var audio: AssembledAudio?
    private var logprobs: AssembledLogprobs?
    private var calls: [AssembledCall] = []
    private var others = RawMembers()

    init(index: Int) {
        self.index = index
    }

    /// Takes a delta; gives back by how many bytes more is held. nil if there are too many tool calls.
    mutating func take(
        _ choice: ChatChunkChoice, _ slots: inout ToolCallSlots, in document: borrowing JSONDocument
    ) -> Int? {
        var grown = 0
        if let delta = choice.delta {
            for member in document.members(of: delta) {
                let value = member.value
                if document.isNamed(member, "content") {
                    grown += content.append(value, in: document)
                } else if document.isNamed(member, "reasoning_content") {
                    grown += reasoning.append(value, in: document)
                } else if document.isNamed(member, "tool_calls") {
                    guard let more = take(calls: value, &slots, in: document) else { return nil }
                    grown += more
                } else if document.isNamed(member, "refusal") {
                    grown += refusal.append(value, in: document)
                } else if document.isNamed(member, "audio"), document.kind(of: value) == .object {
                    var audio = self.audio ?? AssembledAudio()
                    self.audio = nil
                    grown += audio.take(value, in: document)
                    self.audio = audio
                } else if !document.isNamed(member, "role") {
                    grown += others.keep(member, in: document)
                }
            }
        }
        if let node = choice.logprobs, document.kind(of: node) == .object {
            var logprobs = self.logprobs ?? AssembledLogprobs()
            self.logprobs = nil
            grown += logprobs.take(node, in: document)
            self.logprobs = logprobs
        }
        if finishReason == nil, let reason = choice.finishReason {
            let text = document.copiedText(of: reason)
            grown += text.readableBytes
            finishReason = text
        }
        return grown
    }

    private mutating func take(
        calls node: JSONNode, _ slots: inout ToolCallSlots, in document: borrowing JSONDocument
    ) -> Int? {
        var grown = 0
        for element in document.elements(of: node) where document.kind(of: element) == .object {
            let piece = ToolCallPiece(element, in: document)
            guard let place = slots.place(piece, choice: index, in: document) else { return nil }
            var position = calls.firstIndex { $0.slot == place.slot }
            if position == nil {
                position = calls.count
                calls.append(AssembledCall(slot: place.slot))
                grown += AssembledCall.cost
            }
            guard let position else { return nil }
            grown += calls[position].take(piece, place, in: document)
        }
        return grown
    }

    /// Ends the choice for its length.
    mutating func cut() {
        finishReason = ByteBuffer(string: "\"length\"")
    }

    func write(_ slots: ToolCallSlots, id: ByteBuffer?, into output: inout ByteBuffer) {
        output.writeStaticString("{\"index\":")
        JSONWriter.writeInteger(index, into: &output)
        output.writeStaticString(",\"message\":{\"role\":\"assistant\",\"content\":")
        if content.isPresent { content.write(into: &output) } else { output.writeStaticString("null") }
        if !reasoning.isEmpty {
            output.writeStaticString(",\"reasoning_content\":")
            reasoning.write(into: &output)
        }
        if refusal.isPresent {
            output.writeStaticString(",\"refusal\":")
            refusal.write(into: &output)
        }
        if !calls.isEmpty { write(calls, slots, id, into: &output) }
        audio?.write(into: &output)
        others.write(into: &output)
        output.writeStaticString("},\"logprobs\":")
        if let logprobs { logprobs.write(into: &output) } else { output.writeStaticString("null") }
        output.writeStaticString(",\"finish_reason\":")
        if let finishReason {
            output.writeImmutableBuffer(finishReason)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString("}")
    }

    private func write(
        _ calls: [AssembledCall], _ slots: ToolCallSlots, _ id: ByteBuffer?, into output: inout ByteBuffer
    ) {
        output.writeStaticString(",\"tool_calls\":[")
        let ordered = calls.sorted { slots.slots[$0.slot].index < slots.slots[$1.slot].index }
        for (position, call) in ordered.enumerated() {
            if position > 0 { output.writeStaticString(",") }
            call.write(slots.slots[call.slot], position, answer: id, into: &output)
        }
        output.writeStaticString("]")
    }
}
