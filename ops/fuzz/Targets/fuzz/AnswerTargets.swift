import JSON
import NIOCore
import Translation

/// Any bytes as Qwen's whole answer.
enum AnswerTargets {
    private static func checkBody(_ body: ByteBuffer) {
        var document = JSONDocument()
        check((try? document.scan(body)) != nil, "an answer that is no JSON: \(String(buffer: body))")
        check(document.kind(of: document.root) == .object, "an answer that is no object")
    }

    static func chat(_ input: [UInt8]) {
        var document = JSONDocument()
        for isPartial in [false, true] {
            let answer = try? ChatAnswer(ByteBuffer(bytes: input), document: &document, isPartial: isPartial)
            if let answer { checkBody(answer.body) }
        }
    }

    static func completions(_ input: [UInt8]) {
        var choices = Choices(input)
        var assembler = CompletionAssembler(CompletionsTarget.request(&choices), limit: 1 << 16)
        var document = JSONDocument()
        let answer = ByteBuffer(bytes: input)
        let isTaken = (try? assembler.receive(answer, document: &document, isPartial: choices.flag())) != nil
        var output = ByteBuffer()
        check(assembler.finish(identity: chatIdentity, into: &output) == isTaken, "an answer that is not the whole")
        if isTaken { checkBody(output) } else { check(output.readableBytes == 0, "a part of an answer") }
    }

    static func responses(_ input: [UInt8]) {
        var document = JSONDocument()
        for isPartial in [false, true] {
            guard (try? document.scan(ByteBuffer(bytes: input))) != nil else { return }
            let answer = ResponsesAnswer(
                document, ResponsesTarget.identity, echo: ResponsesTarget.echo, isPartial: isPartial)
            if let answer { checkBody(answer.body) }
        }
    }

    static func messages(_ input: [UInt8]) {
        var document = JSONDocument()
        var choices = Choices(input)
        let answer = try? MessagesAnswer(
            ByteBuffer(bytes: input), document: &document, identity: MessagesTarget.identity,
            showsThinking: choices.flag(), isPartial: choices.flag())
        if let answer { checkBody(answer.body) }
    }

    static func embeddings(_ input: [UInt8]) {
        var document = JSONDocument()
        for encoding in ["float", "base64"] {
            let text = #"{"model":"text-embedding-v4","input":["a","b"],"encoding_format":"\#(encoding)"}"#
            guard let request = try? EmbeddingRequest(ByteBuffer(string: text), document: &document) else {
                fatalError("a good request was refused")
            }
            var assembler = EmbeddingAssembler(request, limit: 1 << 16)
            guard (try? assembler.receive(ByteBuffer(bytes: input), call: 0, document: &document)) != nil else {
                continue
            }
            var output = ByteBuffer()
            let isWhole = assembler.finish(into: &output)
            check(isWhole, "an answer that is not the whole")
            checkBody(output)
        }
    }
}
