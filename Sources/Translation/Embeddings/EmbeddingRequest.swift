package import JSON
package import NIOCore

/// A request for embeddings (`POST /v1/embeddings`), divided into calls that Qwen takes.
///
/// OpenAI takes 2,048 inputs at once, and clients send hundreds; Qwen's models take ten or twenty
/// (`EmbeddingBatch.limit`). Each call is sent by itself, in any order; an `EmbeddingAssembler` makes one answer of
/// theirs.
///
/// - Inputs go to Qwen byte for byte as they are written. Tokens are refused: they are those of OpenAI's models.
/// - Qwen only knows `encoding_format: float`; `base64` is made by the assembler.
/// - Unknown fields are passed on with each call.
package struct EmbeddingRequest: Sendable {
    /// How the client wants the numbers (`encoding_format`).
    package enum Encoding: Sendable, Equatable {
        /// As JSON numbers.
        case float
        /// As Base64 of 32-bit floats, the lowest byte first.
        case base64
    }

    /// Where calls go, below the provider's base path.
    package static let path = "embeddings"
    /// The model where neither the request nor the operator names one.
    package static let defaultModel = "text-embedding-v4"
    /// The most inputs of a request: several times what OpenAI takes.
    package static let mostInputs = 16_384

    /// The model as Qwen names it.
    package let model: String
    package let encoding: Encoding
    /// The inputs of each call, by their place in the request.
    package let calls: [Range<Int>]

    package var inputCount: Int { calls.last?.upperBound ?? 0 }

    /// What the inputs of each call are written as: elements of the array as it stands in the request, with the commas
    /// between them.
    private let inputs: [ByteBuffer]
    /// What stands in front of the inputs in each call's body, and behind them.
    private let opening: ByteBuffer
    private let closing: StaticString

    /// Checks a request's body and plans the calls.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the request as the client sent it afterwards.
    ///   - defaultModel: used when the request names none.
    ///   - aliases: names that stand for others.
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, defaultModel: String = EmbeddingRequest.defaultModel,
        aliases: ModelAliases = .none
    ) throws(InvalidRequest) {
        try document.scanRequestObject(text)
        var fields = EmbeddingFields()
        fields.read(document)
        encoding = try Self.encoding(fields, in: document)
        try Self.checkDimensions(fields, in: document)
        let asked = try document.stringMember(fields.model, "model") ?? ""
        model = aliases.resolve(asked.isEmpty ? defaultModel : asked)
        guard let input = document.given(fields.input) else {
            throw InvalidRequest("Missing required parameter: 'input'.", param: "input")
        }
        let isList = document.kind(of: input) == .array
        opening = Self.opening(fields, model: model, isList: isList, in: document)
        closing = isList ? "]}" : "}"
        (calls, inputs) = try EmbeddingBatch.divide(input, limit: EmbeddingBatch.limit(of: model), in: document)
    }

    /// The body of a call.
    package func body(of call: Int) -> ByteBuffer {
        let text = inputs[call]
        var body = ByteBuffer()
        body.reserveCapacity(opening.readableBytes + text.readableBytes + 2)
        body.writeImmutableBuffer(opening)
        body.writeImmutableBuffer(text)
        body.writeStaticString(closing)
        return body
    }

    private static func opening(
        _ fields: EmbeddingFields, model: String, isList: Bool, in document: borrowing JSONDocument
    ) -> ByteBuffer {
        var body = ByteBuffer()
        body.writeStaticString("{\"model\":")
        JSONWriter.writeString(model, into: &body)
        body.writeStaticString(",\"encoding_format\":\"float\"")
        for member in fields.others { document.copyMember(member, into: &body) }
        body.writeStaticString(isList ? ",\"input\":[" : ",\"input\":")
        return body
    }

    private static func encoding(
        _ fields: EmbeddingFields, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Encoding {
        guard let format = document.given(fields.encodingFormat) else { return .float }
        if document.stringEquals(format, "float") { return .float }
        if document.stringEquals(format, "base64") { return .base64 }
        throw InvalidRequest("'encoding_format' must be 'float' or 'base64'.", param: "encoding_format")
    }

    private static func checkDimensions(
        _ fields: EmbeddingFields, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard let dimensions = document.given(fields.dimensions) else { return }
        guard let value = document.integer(dimensions), value > 0 else {
            throw InvalidRequest("'dimensions' must be a positive integer.", param: "dimensions")
        }
    }
}

/// The members of a request that the gateway interprets, and the others.
private struct EmbeddingFields {
    var model: JSONNode?
    var input: JSONNode?
    var encodingFormat: JSONNode?
    var dimensions: JSONNode?
    /// Passed on as they are; `dimensions` is among them.
    var others: [JSONMember] = []

    mutating func read(_ document: borrowing JSONDocument) {
        for member in document.members(of: document.root) {
            if document.isNamed(member, "model") {
                model = member.value
            } else if document.isNamed(member, "input") {
                input = member.value
            } else if document.isNamed(member, "encoding_format") {
                encodingFormat = member.value
            } else {
                if document.isNamed(member, "dimensions") { dimensions = member.value }
                others.append(member)
            }
        }
    }
}
