package import JSON
package import NIOCore

/// Puts the answers to the calls of an `EmbeddingRequest` together, in the order of the inputs and with the usage of
/// all of them.
///
/// For a client that wants numbers, their text is copied as it is written. Nothing can be delivered before the last
/// answer is there: the first bytes of an answer say that all of it succeeded.
package struct EmbeddingAssembler: Sendable {
    /// Why a document is no answer.
    package enum Fault: Error, Equatable {
        /// It is no JSON object, or has not one vector of numbers for each input of the call.
        case malformed
        /// It is an error of Qwen's: the `document` that was passed holds it.
        case upstream
        /// The answer has more bytes than the limit.
        case tooLarge
    }

    /// What Qwen has counted so far, all answers together.
    package private(set) var usage: TokenUsage?
    package var isComplete: Bool { missing == 0 }

    private let request: EmbeddingRequest
    private let limit: Int
    /// For each call, the elements of `data` with commas between them.
    private var parts: [ByteBuffer?]
    private var missing: Int
    private var size = 0
    private var model: ByteBuffer?
    /// Scratch storage.
    private var floats: [Float] = []

    /// - Parameter limit: the most bytes of the whole answer.
    package init(_ request: EmbeddingRequest, limit: Int) {
        self.request = request
        self.limit = limit
        parts = Array(repeating: nil, count: request.calls.count)
        missing = request.calls.count
    }

    /// Takes the answer to a call: one document. A second answer to the same call is ignored.
    ///
    /// - Parameter document: scratch storage; it holds the answer afterwards.
    package mutating func receive(
        _ answer: ByteBuffer, call: Int, document: inout JSONDocument
    ) throws(Fault) {
        guard parts[call] == nil else { return }
        guard (try? document.scan(answer)) != nil, document.kind(of: document.root) == .object else {
            throw .malformed
        }
        let root = document.root
        if let error = document.member("error", of: root), !document.isNull(error) { throw .upstream }
        guard let data = document.member("data", of: root) else { throw .upstream }
        let vectors = try vectors(data, count: request.calls[call].count, in: document)
        let part = try write(vectors, from: request.calls[call].lowerBound, size: answer.readableBytes, in: document)
        size += part.readableBytes + 1
        guard size <= limit else { throw .tooLarge }
        parts[call] = part
        missing -= 1
        if let reported = document.member("usage", of: root).flatMap({ TokenUsage($0, in: document) }) {
            usage = usage.map { $0.adding(reported) } ?? reported
        }
        if model == nil, let name = document.member("model", of: root), document.kind(of: name) == .string {
            model = document.copiedText(of: name)
        }
    }

    /// The vectors in the order of their `index`.
    private func vectors(
        _ data: JSONNode, count: Int, in document: borrowing JSONDocument
    ) throws(Fault) -> [JSONNode] {
        var found: [JSONNode?] = Array(repeating: nil, count: count)
        var place = 0
        for element in document.elements(of: data) {
            let index = document.member("index", of: element).flatMap { document.integer($0) } ?? place
            guard found.indices.contains(index), found[index] == nil,
                let vector = document.member("embedding", of: element), document.kind(of: vector) == .array
            else { throw .malformed }
            found[index] = vector
            place += 1
        }
        let vectors = found.compactMap { $0 }
        guard vectors.count == count else { throw .malformed }
        return vectors
    }

    private mutating func write(
        _ vectors: [JSONNode], from first: Int, size: Int, in document: borrowing JSONDocument
    ) throws(Fault) -> ByteBuffer {
        var part = ByteBuffer()
        if request.encoding == .float { part.reserveCapacity(size + vectors.count * 16) }
        for (offset, vector) in vectors.enumerated() {
            if offset > 0 { part.writeStaticString(",") }
            part.writeStaticString("{\"object\":\"embedding\",\"index\":")
            JSONWriter.writeInteger(first + offset, into: &part)
            part.writeStaticString(",\"embedding\":")
            switch request.encoding {
            case .float: part.writeImmutableBuffer(document.text(of: vector))
            case .base64:
                floats.removeAll(keepingCapacity: true)
                guard document.appendFloats(of: vector, to: &floats) else { throw .malformed }
                if offset == 0 {
                    part.reserveCapacity((Base64Floats.length(of: floats.count) + 64) * vectors.count)
                }
                part.writeStaticString("\"")
                Base64Floats.write(floats.span, into: &part)
                part.writeStaticString("\"")
            }
            part.writeStaticString("}")
        }
        return part
    }

    /// Appends the answer, if every call has got its own. Call it once: what was held is let go.
    ///
    /// - Returns: whether the answer is whole; otherwise nothing was appended.
    package mutating func finish(into output: inout ByteBuffer) -> Bool {
        guard isComplete else { return false }
        output.reserveCapacity(minimumWritableBytes: size + 512)
        output.writeStaticString("{\"object\":\"list\",\"data\":[")
        for call in parts.indices {
            if call > 0 { output.writeStaticString(",") }
            if let part = parts[call] { output.writeImmutableBuffer(part) }
            parts[call] = nil
        }
        output.writeStaticString("],\"model\":")
        if let model {
            output.writeImmutableBuffer(model)
        } else {
            JSONWriter.writeString(request.model, into: &output)
        }
        output.writeStaticString(",\"usage\":{\"prompt_tokens\":")
        // All that an embedding costs is its input.
        let total = usage?.total ?? 0
        JSONWriter.writeInteger(usage.map { $0.prompt > 0 ? $0.prompt : total } ?? 0, into: &output)
        output.writeStaticString(",\"total_tokens\":")
        JSONWriter.writeInteger(total, into: &output)
        output.writeStaticString("}}")
        return true
    }
}
