import JSON
import NIOCore
import Translation

/// Anthropic's messages.
final class MessagesDialect: Dialect {
    private let context: DialectContext
    private var stream: MessagesStream?
    private var identity: MessagesIdentity
    private var showsThinking = true
    private var estimatedTokens = 0
    private var answerUsage: TokenUsage?

    init(_ context: DialectContext) {
        self.context = context
        let token = context.requestID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        identity = MessagesIdentity(id: "msg_\(token)", model: "")
    }

    func read(_ body: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ChatRequest {
        let request = try MessagesRequest(body, document: &document)
        let chat = try ChatRequest(
            request.chatBody, document: &document, defaultModel: context.shared.defaultModel,
            aliases: context.shared.aliases)
        identity.model = request.model ?? chat.model
        showsThinking = request.showsThinking
        estimatedTokens = request.estimatedInputTokens
        stream = makeStream()
        return chat
    }

    func begin(isPartial: Bool, isFirst: Bool) {
        if isFirst { stream = makeStream() }
        stream?.isPartial = isPartial
    }

    private func makeStream() -> MessagesStream {
        MessagesStream(identity: identity, showsThinking: showsThinking, estimatedInputTokens: estimatedTokens)
    }

    func receive(
        _ data: ByteBuffer, _ document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action {
        stream?.receive(data, document: &document, into: &output) ?? .malformed
    }

    func end(into output: inout ByteBuffer) -> Bool { stream?.end(into: &output) ?? false }
    var isDone: Bool { stream?.isDone ?? false }
    var usage: TokenUsage? { answerUsage ?? stream?.usage }

    func keepAlive(into output: inout ByteBuffer) { stream?.keepAlive(into: &output) }

    func breakOff(_ error: APIError, into output: inout ByteBuffer) {
        stream?.fail(
            status: error.status, message: error.message, code: error.clientCode ?? error.code.rawValue,
            requestID: context.requestID, into: &output)
    }

    func answer(_ completion: ByteBuffer, _ document: inout JSONDocument, isPartial: Bool) -> ByteBuffer? {
        let answer = try? MessagesAnswer(
            completion, document: &document, identity: identity, showsThinking: showsThinking, isPartial: isPartial)
        answerUsage = answer?.usage
        return answer?.body
    }

    func completed() {}
}
