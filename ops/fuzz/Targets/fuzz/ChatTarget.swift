import EventStream
import JSON
import NIOCore
import Translation

/// Any bytes as Qwen's stream of a chat completion, for a client that speaks the same dialect.
enum ChatTarget {
    static func stream(_ input: [UInt8]) {
        var choices = Choices(input)
        let (includesUsage, isPartial) = (choices.flag(), choices.chance(20))
        func steps() -> StreamRun.Steps {
            let stream = Box(ChatStream(includesUsage: includesUsage, isPartial: isPartial))
            let hasFailed = Box(false)
            return .init(
                receive: { data, document, output in
                    hasFailed.value ? .proceed : stream.value.receive(data, document: &document, into: &output)
                },
                end: { stream.value.end(into: &$0) },
                // The relay writes the error of this dialect.
                fail: { _ in hasFailed.value = true },
                keepAlive: {
                    if !hasFailed.value { stream.value.writeKeepAliveChunk(identity: chatIdentity, into: &$0) }
                })
        }
        checkEnd(StreamRun.checked(input, steps), input, isPartial)
        checkEnd(StreamRun(input, .random, isSilent: true, steps()), input, isPartial)
    }

    static func checkEnd(_ run: StreamRun, _ input: [UInt8], _ isPartial: Bool) {
        let events = run.events
        let ends = events.count { $0.hasData("[DONE]") }
        check(ends == (run.isWhole ? 1 : 0), "\(ends) ends of a stream, whole: \(run.isWhole)")
        if run.isWhole { check(events.last?.hasData("[DONE]") == true, "something follows the end") }
        if !isPartial, !StreamRun.saysEnd(input) { check(!run.isWhole, "an end that Qwen did not say") }
    }

    /// What is put together is JSON, and its text is what a client puts together of the stream.
    static func assemble(_ input: [UInt8]) {
        var assembler = ChatAssembler(limit: 1 << 16)
        var stream = ChatStream(includesUsage: false)
        var parser = EventStreamParser()
        var document = JSONDocument()
        var streamed = ByteBuffer()
        var rest = ByteBuffer(bytes: input)
        // The stream believes no `[DONE]` in front of the end of a choice; of such an answer nothing is put together.
        var isDone = false
        loop: while let event = try? parser.next(in: &rest) {
            let action = stream.receive(event.data, document: &document, into: &streamed)
            switch assembler.receive(event.data, document: &document) {
            case .proceed: check(action == .proceed, "only the stream says \(action)")
            case .done:
                isDone = action == .done
                break loop
            case .fault:
                check(action == .fault, "only the assembler sees a fault")
                return
            case .malformed:
                check(action == .malformed, "only the assembler refuses")
                return
            case .tooLarge: return
            }
            // Which of two members of one name counts is left open.
            if event.data.readableBytes > 0, !isUnique(document.root, in: document) { return }
            // The stream counts no other choices than these.
            if event.data.readableBytes > 0, !hasUsualIndexes(document) { return }
        }
        var output = ByteBuffer()
        guard assembler.finish(identity: chatIdentity, into: &output) else {
            check(output.readableBytes == 0 && !isDone, "a part of an answer, or none of a whole stream")
            return
        }
        let answer = try? ChatAnswer(output, document: &document)
        check(answer != nil, "the answer cannot be read: \(String(buffer: output))")
        check((try? document.scan(output)) != nil, "the answer is no JSON")
        guard let texts = texts(of: streamed) else { return }
        guard let choices = document.member("choices", of: document.root) else { fatalError("no choices") }
        for choice in document.elements(of: choices) {
            let index = document.member("index", of: choice).flatMap { document.integer($0) } ?? 0
            let content = document.member("message", of: choice).flatMap { document.member("content", of: $0) }
            let text = content.flatMap { document.kind(of: $0) == .string ? body(of: $0, document) : nil } ?? ""
            check(text == texts[index, default: ""], "\(text) in place of \(texts[index, default: ""])")
        }
    }

    private static func hasUsualIndexes(_ document: borrowing JSONDocument) -> Bool {
        guard let choices = document.member("choices", of: document.root) else { return true }
        for choice in document.elements(of: choices) {
            let index = document.member("index", of: choice).flatMap { document.integer($0) } ?? 0
            if !(0..<64).contains(index) { return false }
        }
        return true
    }

    private static func isUnique(_ node: JSONNode, in document: borrowing JSONDocument) -> Bool {
        guard (try? document.checkUniqueKeys(of: node)) != nil else { return false }
        for member in document.members(of: node) where !isUnique(member.value, in: document) { return false }
        for element in document.elements(of: node) where !isUnique(element, in: document) { return false }
        return true
    }

    /// The text of each choice as it is spelled in the events; nil if it is not made of strings alone.
    private static func texts(of output: ByteBuffer) -> [Int: String]? {
        var texts: [Int: String] = [:]
        var parser = EventStreamParser()
        var document = JSONDocument()
        var rest = output
        while let event = try? parser.next(in: &rest) {
            guard (try? document.scan(event.data)) != nil,
                let choices = document.member("choices", of: document.root)
            else { continue }
            for choice in document.elements(of: choices) {
                let index = document.member("index", of: choice).flatMap { document.integer($0) } ?? 0
                guard let delta = document.member("delta", of: choice),
                    let content = document.member("content", of: delta), !document.isNull(content)
                else { continue }
                // What is no string becomes text in an answer, and stays what it is in a stream.
                guard document.kind(of: content) == .string else { return nil }
                texts[index, default: ""] += body(of: content, document)
            }
        }
        return texts
    }

    private static func body(of string: JSONNode, _ document: borrowing JSONDocument) -> String {
        String(String(buffer: document.text(of: string)).dropFirst().dropLast())
    }
}
