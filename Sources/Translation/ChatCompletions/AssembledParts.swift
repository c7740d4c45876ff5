import JSON
import NIOCore

/// Speech: Base64 and transcript come in pieces, the rest as it is.
struct AssembledAudio: Sendable {
    private var data = RawText()
    private var transcript = RawText()
    private var others = RawMembers()

    mutating func take(_ node: JSONNode, in document: borrowing JSONDocument) -> Int {
        var grown = 0
        for member in document.members(of: node) {
            if document.isNamed(member, "data") {
                grown += data.append(member.value, in: document)
            } else if document.isNamed(member, "transcript") {
                grown += transcript.append(member.value, in: document)
            } else {
                grown += others.keep(member, in: document)
            }
        }
        return grown
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString(",\"audio\":{\"data\":")
        data.write(into: &output)
        output.writeStaticString(",\"transcript\":")
        transcript.write(into: &output)
        others.write(into: &output)
        output.writeStaticString("}")
    }
}

/// Log probabilities: the lists are joined.
struct AssembledLogprobs: Sendable {
    private var content: ByteBuffer?
    private var refusal: ByteBuffer?
    private var others = RawMembers()

    mutating func take(_ node: JSONNode, in document: borrowing JSONDocument) -> Int {
        var grown = 0
        for member in document.members(of: node) {
            let isList = document.kind(of: member.value) == .array
            if isList, document.isNamed(member, "content") {
                grown += Self.join(member.value, to: &content, in: document)
            } else if isList, document.isNamed(member, "refusal") {
                grown += Self.join(member.value, to: &refusal, in: document)
            } else if !document.isNamed(member, "content"), !document.isNamed(member, "refusal") {
                grown += others.keep(member, in: document)
            }
        }
        return grown
    }

    private static func join(
        _ list: JSONNode, to joined: inout ByteBuffer?, in document: borrowing JSONDocument
    ) -> Int {
        var buffer = joined ?? ByteBuffer()
        joined = nil
        let before = buffer.writerIndex
        for element in document.elements(of: list) {
            if buffer.writerIndex > 0 { buffer.writeStaticString(",") }
            buffer.writeImmutableBuffer(document.text(of: element))
        }
        joined = buffer
        return buffer.writerIndex - before
    }

    func write(into output: inout ByteBuffer) {
        output.writeStaticString("{\"content\":")
        Self.write(content, into: &output)
        output.writeStaticString(",\"refusal\":")
        Self.write(refusal, into: &output)
        others.write(into: &output)
        output.writeStaticString("}")
    }

    private static func write(_ list: ByteBuffer?, into output: inout ByteBuffer) {
        guard let list else {
            output.writeStaticString("null")
            return
        }
        output.writeStaticString("[")
        output.writeImmutableBuffer(list)
        output.writeStaticString("]")
    }
}
