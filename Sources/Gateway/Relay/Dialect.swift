import HTTP
import JSON
import NIOCore
import Translation

/// What an exchange speaks with its client: reads the request as a chat completion, which is all that Qwen is asked
/// for, and makes the client's answer of Qwen's. One object for each exchange.
protocol Dialect: AnyObject {
    /// Reads the client's request.
    ///
    /// - Parameter document: scratch storage, as in all that follows.
    func read(_ body: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ChatRequest

    // A stream:

    /// Qwen's answer has begun as events.
    ///
    /// - Parameter isFirst: nothing has gone to the client so far, not even a sign of life: what an answer that was
    ///   rejected has left behind is forgotten.
    func begin(isPartial: Bool, isFirst: Bool)
    /// Takes the data of one of Qwen's events, and appends the client's own.
    func receive(
        _ data: ByteBuffer, _ document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action
    /// Qwen's stream ended cleanly without its marker; whether it is whole.
    func end(into output: inout ByteBuffer) -> Bool
    /// The end of a whole stream was written.
    var isDone: Bool { get }
    /// A sign of life that the client's library takes for an event.
    func keepAlive(into output: inout ByteBuffer)
    /// Tells a client in mid-stream that the stream breaks.
    func breakOff(_ error: APIError, into output: inout ByteBuffer)

    // A document:

    /// The client's answer, made of a whole chat completion; nil if that is none.
    func answer(_ completion: ByteBuffer, _ document: inout JSONDocument, isPartial: Bool) -> ByteBuffer?

    /// What Qwen has said of the tokens.
    var usage: TokenUsage? { get }
    /// The answer went out whole.
    func completed()
}

/// How a dialect's errors look.
enum ErrorShape: Sendable {
    /// `{"error":{…}}`.
    case openAI
    /// `{"type":"error",…}`, and a `request-id` field.
    case anthropic
}

/// What dialects need of the gateway.
struct DialectContext {
    let requestID: String
    let clientKey: String
    /// Seconds since 1970.
    let created: Int
    let now: NIODeadline
    let shared: GatewayShared
}
