package import JSON
package import NIOCore

/// A whole response, made of Qwen's whole chat completion.
package struct ResponsesAnswer: Sendable {
    /// The response object.
    package let body: ByteBuffer
    package let usage: TokenUsage?

    private let id: String
    private let output: [StoredItem]

    /// Translates the completion that `document` holds; nil if it is none: an error in its place, or no message in it.
    ///
    /// - Parameter isPartial: Qwen says that the answer was cut short (`x-dashscope-partialresponse: true`).
    package init?(
        _ document: borrowing JSONDocument, _ identity: ResponsesIdentity, echo: ResponsesEcho, isPartial: Bool = false
    ) {
        let root = document.root
        if let error = document.member("error", of: root), !document.isNull(error) { return nil }
        guard let choices = document.member("choices", of: root) else { return nil }
        var elements = document.elements(of: choices)
        guard let choice = elements.next(), let message = document.member("message", of: choice),
            document.kind(of: message) == .object
        else { return nil }
        let reason = document.member("finish_reason", of: choice)
        if let reason, document.stringEquals(reason, "error_finish") { return nil }

        let status = isPartial ? .partial : ResponsesStatus(finishReason: reason, in: document)
        var items: [ResponsesItem] = []
        Self.say("reasoning_content", of: message, as: .reasoning, identity, &items, in: document)
        Self.say("content", of: message, as: .message, identity, &items, in: document)
        if let place = items.firstIndex(where: { $0.kind == .message }),
            let logprobs = document.member("logprobs", of: choice),
            let list = document.member("content", of: logprobs), document.kind(of: list) == .array
        {
            items[place].addLogprobs(document.text(of: list))
        }
        Self.addCalls(of: message, identity, &items, in: document)
        Self.close(&items, status)
        usage = document.member("usage", of: root).flatMap { TokenUsage($0, in: document) }
        (body, output) = ResponsesTemplate(identity, echo).response(status, items, usage)
        id = identity.responseID
    }

    /// The response as it is kept; nil if the client did not ask for it.
    package func storedResponse(for request: ResponsesRequest) -> StoredResponse? {
        guard request.isStored else { return nil }
        return StoredResponse(
            id: id, body: body, input: request.inputItems, output: output,
            previousID: request.references.previousResponseID)
    }

    private static func say(
        _ name: StaticString, of message: JSONNode, as kind: ResponsesItem.Kind, _ identity: ResponsesIdentity,
        _ items: inout [ResponsesItem], in document: borrowing JSONDocument
    ) {
        guard let node = document.member(name, of: message) else { return }
        let body = ResponsesReader.body(of: node, in: document)
        guard body.readableBytes > 0 else { return }
        var item = ResponsesItem(kind, index: items.count, identity: identity, isStreamed: false)
        item.text = body
        items.append(item)
    }

    private static func addCalls(
        of message: JSONNode, _ identity: ResponsesIdentity, _ items: inout [ResponsesItem],
        in document: borrowing JSONDocument
    ) {
        guard let calls = document.member("tool_calls", of: message) else { return }
        for call in document.elements(of: calls) {
            let piece = ToolCallPiece(call, in: document)
            var item = ResponsesItem(.call, index: items.count, identity: identity, isStreamed: false)
            let id = piece.id.map { ResponsesReader.body(of: $0, in: document) } ?? ByteBuffer()
            item.callID = id.readableBytes > 0 ? id : ByteBuffer(string: "call_\(identity.token)_\(items.count)")
            item.name = piece.name.map { ResponsesReader.body(of: $0, in: document) } ?? ByteBuffer()
            item.text = piece.arguments.map { RawText.body(of: $0, in: document) } ?? ByteBuffer()
            items.append(item)
        }
    }

    /// Ends the items as a stream would: the last one was being written when the answer ended, and a call whose
    /// arguments are not whole, behind which others wait.
    private static func close(_ items: inout [ResponsesItem], _ status: ResponsesStatus) {
        var hasOpenCall = false
        for place in items.indices {
            var isOver = place < items.count - 1
            if items[place].kind == .call {
                var arguments = ArgumentsProgress()
                arguments.take(items[place].text)
                hasOpenCall = hasOpenCall || !arguments.isWhole
                isOver = isOver && !hasOpenCall
            }
            items[place].status = isOver ? .completed : status.ofLastItems
            if items[place].lacksArguments(items[place].status) { items[place].text = ResponsesItem.noArguments }
        }
    }
}
