import JSON
import NIOCore
import Synchronization
import Translation

/// OpenAI's responses.
final class ResponsesDialect: Dialect {
    private let context: DialectContext
    private let identity: (String) -> ResponsesIdentity
    private var request: ResponsesRequest?
    private var model = ""
    private var stream: ResponsesStream?
    private var stored: StoredResponse?
    private var answerUsage: TokenUsage?

    init(_ context: DialectContext) {
        self.context = context
        let token = String(context.requestID.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.suffix(48))
        identity = { ResponsesIdentity(token: token, created: context.created, model: $0) }
    }

    func read(_ body: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ChatRequest {
        var request = try ResponsesRequest(body, document: &document)
        if !request.references.isEmpty {
            let resolved = try context.shared.resolve(
                request.references, owner: context.clientKey, now: context.now)
            try request.resolve(resolved, document: &document)
        }
        self.request = request
        let chat = try ChatRequest(
            request.chatBody, document: &document, defaultModel: context.shared.defaultModel,
            aliases: context.shared.aliases)
        model = request.model ?? chat.model
        stream = ResponsesStream(identity(model), echo: request.echo)
        return chat
    }

    func begin(isPartial: Bool, isFirst: Bool) {
        if isFirst, let request { stream = ResponsesStream(identity(model), echo: request.echo) }
        stream?.isPartial = isPartial
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
            message: error.message, type: error.type, code: error.clientCode ?? error.code.rawValue,
            param: error.param, into: &output)
    }

    func answer(_ completion: ByteBuffer, _ document: inout JSONDocument, isPartial: Bool) -> ByteBuffer? {
        guard let request, (try? document.scan(completion)) != nil,
            let answer = ResponsesAnswer(document, identity(model), echo: request.echo, isPartial: isPartial)
        else { return nil }
        stored = answer.storedResponse(for: request)
        answerUsage = answer.usage
        return answer.body
    }

    func completed() {
        guard let request, let response = stored ?? stream?.storedResponse(for: request) else { return }
        context.shared.responses.withLock {
            _ = $0.put(response, owner: context.clientKey, now: context.now)
        }
    }
}

extension GatewayShared {
    /// Looks up what a request refers to.
    fileprivate func resolve(
        _ references: ResponsesReferences, owner: String, now: NIODeadline
    ) throws(InvalidRequest) -> ResolvedReferences {
        let result: Result<ResolvedReferences, InvalidRequest> = responses.withLock { store in
            do throws(InvalidRequest) {
                return .success(try store.resolve(references, owner: owner, now: now))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}
