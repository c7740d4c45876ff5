package import JSON
package import NIOCore

/// Puts the answers to the calls of a `CompletionRequest` together into one `text_completion`, its choices in the order
/// of the prompts, with the usage of all calls.
package struct CompletionAssembler: Sendable {
    /// Why a document is no answer.
    package enum Fault: Error, Equatable {
        /// It is no JSON object, or has no choice.
        case malformed
        /// It is an error of Qwen's: the `document` that was passed holds it.
        case upstream
        /// The answers have more bytes than the limit.
        case tooLarge
    }

    /// The answer to a call, as far as it is written to the client.
    private struct Candidate: Sendable {
        /// As it is written in JSON, without quotation marks.
        var text = ByteBuffer()
        /// JSON values.
        var logprobs: ByteBuffer?
        var finishReason = ByteBuffer()
        /// The mean of its tokens' log probabilities, if they are known.
        var score: Double?
    }

    /// What Qwen has counted so far, all calls together.
    package private(set) var usage: TokenUsage?
    /// Why a choice ended, the last one of several.
    package private(set) var finishReason: FinishReason?
    package var isComplete: Bool { missing == 0 }

    private let request: CompletionRequest
    private let limit: Int
    private var candidates: [Candidate?]
    private var missing: Int
    private var size = 0

    /// - Parameter limit: the most bytes of all answers together.
    package init(_ request: CompletionRequest, limit: Int) {
        self.request = request
        self.limit = limit
        candidates = Array(repeating: nil, count: request.bodies.count)
        missing = request.bodies.count
    }

    /// Takes the answer to a call, one document: a chat completion, or a text completion if the call went to that
    /// endpoint. A second answer to the same call is ignored.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the answer afterwards.
    ///   - isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`): then it ends with
    ///     `length`, as does one that gives no reason.
    package mutating func receive(
        _ answer: ByteBuffer, call: Int = 0, document: inout JSONDocument, isPartial: Bool = false
    ) throws(Fault) {
        guard candidates[call] == nil else { return }
        guard (try? document.scan(answer)) != nil, let chunk = ChatChunk(document) else { throw .malformed }
        guard let choices = chunk.choices, !chunk.isFault else { throw .upstream }
        var elements = document.elements(of: choices)
        guard let node = elements.next() else { throw .malformed }
        let choice = ChatChunkChoice(node, in: document)
        if let reason = choice.finishReason, FinishReason.isError(reason, in: document) { throw .upstream }
        let candidate = candidate(CompletionPiece(node, choice, in: document), isPartial: isPartial, in: document)
        size += candidate.text.readableBytes + (candidate.logprobs?.readableBytes ?? 0)
        guard size <= limit else { throw .tooLarge }
        let reason = isPartial ? nil : choice.finishReason
        finishReason = reason.map { FinishReason($0, in: document) } ?? .length
        candidates[call] = candidate
        missing -= 1
        if let reported = chunk.usage.flatMap({ TokenUsage($0, in: document) }) {
            usage = usage.map { $0.adding(reported) } ?? reported
        }
    }

    private func candidate(
        _ piece: CompletionPiece, isPartial: Bool, in document: borrowing JSONDocument
    ) -> Candidate {
        var candidate = Candidate()
        // Copies: slices would hold on to all of the answer.
        if let text = piece.text { candidate.text.writeImmutableBuffer(text) }
        if let reason = piece.finishReason, !isPartial {
            FinishReason.writeLegacy(reason, in: document, into: &candidate.finishReason)
        } else {
            candidate.finishReason.writeStaticString("\"length\"")
        }
        if let logprobs = piece.logprobs {
            let total = CompletionLogprobs.total(logprobs, in: document)
            if total.count > 0 { candidate.score = total.sum / Double(total.count) }
            if request.wantsLogprobs {
                var lists = CompletionLogprobs()
                var text = ByteBuffer()
                lists.write(logprobs, in: document, into: &text)
                candidate.logprobs = text
            }
        }
        return candidate
    }

    /// Appends the answer, if every call has got its own.
    ///
    /// - Parameter identity: of the answer; its id begins with `cmpl-`.
    /// - Returns: whether the answer is whole; otherwise nothing was appended.
    package func finish(identity: ChatIdentity, into output: inout ByteBuffer) -> Bool {
        let whole = candidates.compactMap { $0 }
        guard whole.count == candidates.count else { return false }
        output.reserveCapacity(minimumWritableBytes: size + 256)
        identity.writeLegacyOpening(into: &output)
        var index = 0
        var first = 0
        while first < whole.count {
            let last = first + request.candidatesPerPrompt
            for candidate in best(whole[first..<last]) {
                if index > 0 { output.writeStaticString(",") }
                write(candidate, index, prompt: request.prompt(of: first), into: &output)
                index += 1
            }
            first = last
        }
        output.writeStaticString("]")
        if let usage {
            output.writeStaticString(",\"usage\":")
            usage.writeLegacy(into: &output)
        }
        output.writeStaticString("}")
        return true
    }

    /// The choices among a prompt's candidates: those with the most probable tokens, the best one first; the first
    /// ones if the probabilities are not known of all.
    private func best(_ candidates: ArraySlice<Candidate>) -> ArraySlice<Candidate> {
        guard candidates.count > request.choicesPerPrompt else { return candidates }
        guard candidates.allSatisfy({ $0.score != nil }) else { return candidates.prefix(request.choicesPerPrompt) }
        // The library's sort is stable: of equals the earlier one wins.
        let ranked = candidates.sorted { ($0.score ?? 0) > ($1.score ?? 0) }
        return ranked.prefix(request.choicesPerPrompt)
    }

    private func write(_ candidate: Candidate, _ index: Int, prompt: Int, into output: inout ByteBuffer) {
        output.writeStaticString("{\"text\":\"")
        if let echo = request.echoes?[prompt] { output.writeImmutableBuffer(echo) }
        output.writeImmutableBuffer(candidate.text)
        output.writeStaticString("\",\"index\":")
        JSONWriter.writeInteger(index, into: &output)
        output.writeStaticString(",\"logprobs\":")
        if let logprobs = candidate.logprobs {
            output.writeImmutableBuffer(logprobs)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString(",\"finish_reason\":")
        output.writeImmutableBuffer(candidate.finishReason)
        output.writeStaticString("}")
    }
}
