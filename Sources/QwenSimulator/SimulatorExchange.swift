import HTTP
import JSON
import NIOCore
import Transport

/// One request to the simulator.
final class SimulatorExchange: ExchangeHandler {
    private let service: SimulatorService
    private let exchange: ServerExchange
    private var body = ByteBuffer()
    private var script: ChatScript?
    /// The next piece of text.
    private var next = 0
    private var isOver = false
    private var timer: Scheduled<Void>?
    private let answers: Bool

    /// - Parameter answers: false for an exchange that was answered already.
    init(_ service: SimulatorService, _ exchange: ServerExchange, answers: Bool) {
        self.service = service
        self.exchange = exchange
        self.answers = answers
    }

    func bodyReceived(_ bytes: ByteBuffer) {
        var bytes = bytes
        exchange.consume(bytes.readableBytes)
        if answers { body.writeBuffer(&bytes) }
    }

    func requestFailed(_ fault: RequestFault) {
        isOver = true
        service.respond(exchange, status: fault.status, ByteBuffer(string: fault.message))
    }

    func requestEnded() {
        guard answers else { return }
        service.counters.started()
        var document = JSONDocument()
        guard (try? document.scan(body)) != nil, document.kind(of: document.root) == .object else {
            return refuse(400)
        }
        let root = document.root
        let directives = Directives(Self.lastUserMessage(document))
        let streams = document.member("stream", of: root).flatMap { document.bool($0) } ?? false
        let options = document.member("stream_options", of: root)
        let includesUsage =
            options.flatMap { document.member("include_usage", of: $0) }.flatMap { document.bool($0) } ?? false
        let script = ChatScript(
            model: document.member("model", of: root).flatMap { document.string($0) } ?? "",
            includesUsage: includesUsage, directives: directives, id: service.nextID(), created: service.now())
        self.script = script
        after(directives.first) { [self] in
            if let status = directives.status { return refuse(status) }
            streams ? startStream() : answerWhole(script)
        }
    }

    private static func lastUserMessage(_ document: borrowing JSONDocument) -> String {
        guard let messages = document.member("messages", of: document.root) else { return "" }
        var text = ""
        for message in document.elements(of: messages) {
            guard let role = document.member("role", of: message), document.stringEquals(role, "user"),
                let content = document.member("content", of: message)
            else { continue }
            text =
                document.string(content)
                ?? document.elements(of: content).compactMap { part in
                    document.member("text", of: part).flatMap { document.string($0) }
                }.joined(separator: " ")
        }
        return text
    }

    private func refuse(_ status: Int) {
        isOver = true
        service.respond(exchange, status: status, ChatScript.error(status: status, requestID: service.nextID()))
    }

    // MARK: Whole answers

    private func answerWhole(_ script: ChatScript) {
        after(script.directives.delay * script.count) { [self] in
            var answer = script.answer()
            switch script.directives.failure {
            case nil:
                isOver = true
                service.respond(exchange, status: 200, answer)
            case .stall?: break
            case .error?: refuse(429)
            case let failure?:
                // Half of the document, then the end in the manner that was asked for.
                var head = service.head(status: 200, contentType: "application/json")
                head.contentLength = answer.readableBytes
                exchange.respond(head, end: false)
                answer.moveWriterIndex(to: answer.writerIndex - answer.readableBytes / 2)
                exchange.write { $0.writeBuffer(&answer) }
                isOver = true
                if case .cut = failure { exchange.breakConnection() } else { exchange.abort() }
            }
        }
    }

    // MARK: Streams

    private func startStream() {
        guard let script else { return }
        exchange.respond(service.head(status: 200, contentType: "text/event-stream;charset=UTF-8"), end: false)
        exchange.write { script.writeOpening(into: &$0) }
        advance()
    }

    /// Writes the pieces that are due: one, where there is a delay; else as many as the client takes.
    private func advance() {
        guard let script, !isOver else { return }
        var written = 0
        repeat {
            if fails(script) { return }
            guard next < script.count else {
                isOver = true
                exchange.write { script.writeClosing(into: &$0) }
                return exchange.end()
            }
            exchange.write { script.writePiece(next, into: &$0) }
            next += 1
            written += 1
        } while script.directives.delay == 0 && written < 100
        if script.directives.delay > 0 { after(script.directives.delay) { [self] in advance() } }
    }

    /// Goes wrong, if the time for it has come.
    private func fails(_ script: ChatScript) -> Bool {
        switch script.directives.failure {
        case .cut(next)?:
            isOver = true
            exchange.breakConnection()
        case .reset(next)?:
            isOver = true
            exchange.abort()
        case .end(next)?:
            isOver = true
            exchange.end()
        case .stall(next)?:
            isOver = true
        case .error(next)?:
            isOver = true
            exchange.write { ChatScript.writeErrorEvent(into: &$0) }
            exchange.end()
        default: return false
        }
        return true
    }

    func responseDrained() {
        if let script, exchange.hasResponded, script.directives.delay == 0 { advance() }
    }

    func exchangeEnded(_ end: ExchangeEnd) {
        timer?.cancel()
        isOver = true
        if answers && script != nil || answers && exchange.hasResponded {
            service.counters.ended(completed: end == .completed)
        }
    }

    /// Runs `body` on the loop, in so many milliseconds.
    private func after(_ milliseconds: Int, _ body: @escaping () -> Void) {
        guard milliseconds > 0 else { return body() }
        let loop = exchange.loop
        timer = loop.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { [self] in
            guard !isOver else { return }
            loop.updateTime()
            body()
        }
    }
}
