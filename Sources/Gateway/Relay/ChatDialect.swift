import EventStream
import JSON
import NIOCore
import Qwen
import Translation

/// OpenAI's chat completions, which Qwen speaks itself.
final class ChatDialect: Dialect {
    private let context: DialectContext
    private var stream = ChatStream(includesUsage: false)
    private var model = ""
    private var includesUsage = false
    private var answerUsage: TokenUsage?

    init(_ context: DialectContext) {
        self.context = context
    }

    func read(_ body: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ChatRequest {
        let request = try ChatRequest(
            body, document: &document, defaultModel: context.shared.defaultModel, aliases: context.shared.aliases)
        includesUsage = request.includesUsage
        if request.isStreaming { stream = makeStream() }
        model = request.model
        return request
    }

    func begin(isPartial: Bool, isFirst: Bool) {
        if isFirst { stream = makeStream() }
        stream.isPartial = isPartial
    }

    private func makeStream() -> ChatStream {
        ChatStream(
            includesUsage: includesUsage, created: context.created, isWrappedError: { QwenFault.isWrapped(in: $0) })
    }

    func receive(
        _ data: ByteBuffer, _ document: inout JSONDocument, into output: inout ByteBuffer
    ) -> ChatStream.Action {
        stream.receive(data, document: &document, into: &output)
    }

    func end(into output: inout ByteBuffer) -> Bool { stream.end(into: &output) }
    var isDone: Bool { stream.isDone }
    var usage: TokenUsage? { answerUsage ?? stream.usage }

    func keepAlive(into output: inout ByteBuffer) {
        stream.writeKeepAliveChunk(
            identity: ChatIdentity(id: "chatcmpl-\(context.requestID)", created: context.created, model: model),
            into: &output)
    }

    func breakOff(_ error: APIError, into output: inout ByteBuffer) {
        let mark = EventStreamWriter.beginEvent(into: &output)
        error.write(into: &output)
        EventStreamWriter.endEvent(mark, into: &output)
    }

    func answer(_ completion: ByteBuffer, _ document: inout JSONDocument, isPartial: Bool) -> ByteBuffer? {
        guard let answer = try? ChatAnswer(completion, document: &document, isPartial: isPartial) else { return nil }
        answerUsage = answer.usage
        return answer.body
    }

    func completed() {}
}
