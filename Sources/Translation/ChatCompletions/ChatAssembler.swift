package import JSON
package import NIOCore

/// Puts a streamed chat completion together into one `chat.completion`, for a client that did not ask for a stream.
///
/// Texts are joined as Qwen escaped them, in time and memory linear in what came. Members that are not known come out
/// too, with the last value they had.
package struct ChatAssembler: Sendable {
    /// What became of an event.
    package enum Action: Equatable {
        case proceed
        /// `[DONE]`: call `finish`.
        case done
        /// The event is an error of Qwen's: `document` holds it.
        case fault
        /// The event is no JSON object: Qwen, or something before it, is broken.
        case malformed
        /// The answer has more bytes than the limit, or more choices or tool calls than make sense.
        case tooLarge
    }

    /// More than Qwen gives (`n` is 4 at most).
    private static let mostChoices = 64
    private static let costOfChoice = 512

    /// What Qwen has said of the tokens so far.
    package private(set) var usage: TokenUsage?
    /// Why a choice ended, the last one of several.
    package private(set) var finishReason: FinishReason?

    private let isPartial: Bool
    private let limit: Int
    /// The bytes that are held, about.
    private var size = 0
    private var header = ChatHeader()
    private var choices: [AssembledChoice] = []
    private var slots = ToolCallSlots()
    private var usageText: ByteBuffer?
    private var others = RawMembers()
    private var isDone = false

    /// - Parameters:
    ///   - limit: the most bytes of an answer.
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`).
    package init(limit: Int, isPartial: Bool = false) {
        self.limit = limit
        self.isPartial = isPartial
    }

    /// Takes one event's data.
    package mutating func receive(_ data: ByteBuffer, document: inout JSONDocument) -> Action {
        if data.readableBytes == 0 || isDone { return .proceed }
        if ChatStream.isDoneMarker(data) {
            isDone = true
            return .done
        }
        do {
            try document.scan(data)
        } catch {
            return .malformed
        }
        guard let chunk = ChatChunk(document) else { return .malformed }
        guard let list = chunk.choices, !chunk.isFault else { return .fault }
        for node in document.elements(of: list) {
            let choice = ChatChunkChoice(node, in: document)
            if let reason = choice.finishReason, FinishReason.isError(reason, in: document) { return .fault }
            guard take(choice, in: document) else { return .tooLarge }
        }
        header.fill(from: document)
        takeOthers(in: document)
        if let node = chunk.usage, let reported = TokenUsage(node, in: document) {
            usage = reported
            size -= usageText?.readableBytes ?? 0
            let text = document.copiedText(of: node)
            size += text.readableBytes
            usageText = text
        }
        return size <= limit ? .proceed : .tooLarge
    }

    private mutating func take(_ choice: ChatChunkChoice, in document: borrowing JSONDocument) -> Bool {
        var position = choices.firstIndex { $0.index == choice.index }
        if position == nil, choices.count < Self.mostChoices {
            position = choices.count
            choices.append(AssembledChoice(index: choice.index))
            size += Self.costOfChoice
        }
        guard let position else { return false }
        if let reason = choice.finishReason {
            // A choice ends once: what a second end brings is the first one's again.
            if choices[position].finishReason != nil { return true }
            finishReason = FinishReason(reason, in: document)
        }
        guard let grown = choices[position].take(choice, &slots, in: document) else { return false }
        size += grown
        return size <= limit
    }

    private mutating func takeOthers(in document: borrowing JSONDocument) {
        for member in document.members(of: document.root) where !Self.isKnown(member, in: document) {
            size += others.keep(member, in: document)
        }
    }

    private static func isKnown(_ member: JSONMember, in document: borrowing JSONDocument) -> Bool {
        document.isNamed(member, "choices") || document.isNamed(member, "object")
            || document.isNamed(member, "usage") || document.isNamed(member, "created")
            || document.isNamed(member, "model") || document.isNamed(member, "id")
            || document.isNamed(member, "reated") || document.isNamed(member, "error")
    }

    /// Qwen said `[DONE]`, or ended the response cleanly: appends the answer, if it is whole: if there is a choice, and
    /// each has its `finish_reason`. A partial answer's is `length`. Call it once.
    ///
    /// - Parameters:
    ///   - isMarked: Qwen said `[DONE]`. If it did not, the usage, for which it is always asked, must have come.
    ///   - identity: what Qwen has not said is taken from it.
    /// - Returns: whether the answer is whole; otherwise nothing was appended, and the stream was truncated.
    package mutating func finish(
        isMarked: Bool = true, identity: @autoclosure () -> ChatIdentity, into output: inout ByteBuffer
    ) -> Bool {
        guard !choices.isEmpty, isMarked || usage != nil || isPartial else { return false }
        for position in choices.indices where isPartial { choices[position].cut() }
        guard choices.allSatisfy({ $0.finishReason != nil }) else { return false }
        if isPartial { finishReason = .length }
        header.fill(from: identity())
        output.reserveCapacity(minimumWritableBytes: min(size, limit) + 256)
        header.writeOpening("chat.completion", into: &output)
        others.write(into: &output)
        output.writeStaticString(",\"choices\":[")
        for (position, choice) in choices.sorted(by: { $0.index < $1.index }).enumerated() {
            if position > 0 { output.writeStaticString(",") }
            choice.write(slots, id: header.id, into: &output)
        }
        output.writeStaticString("]")
        if let usageText {
            output.writeStaticString(",\"usage\":")
            output.writeImmutableBuffer(usageText)
        }
        output.writeStaticString("}")
        return true
    }
}
