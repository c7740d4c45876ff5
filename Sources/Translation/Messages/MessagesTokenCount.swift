package import JSON
package import NIOCore

/// A request for the number of tokens that another would cost (`POST /v1/messages/count_tokens`), and the answer to it.
///
/// The number is `MessagesTokenEstimate`'s. A request that would be refused is refused here too, but that limits may be
/// missing.
package struct MessagesTokenCount: Sendable {
    /// The model that the client named.
    package let model: String?
    package let inputTokens: Int

    /// - Parameter document: scratch storage; it holds the request afterwards.
    package init(_ text: ByteBuffer, document: inout JSONDocument) throws(InvalidRequest) {
        let request = try MessagesRequest(text, document: &document, isForCounting: true)
        model = request.model
        inputTokens = request.estimatedInputTokens
    }

    /// Appends the answer's body.
    package func write(into output: inout ByteBuffer) {
        output.writeStaticString(#"{"input_tokens":"#)
        JSONWriter.writeInteger(inputTokens, into: &output)
        output.writeStaticString("}")
    }
}
