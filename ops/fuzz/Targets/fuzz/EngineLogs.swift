import HTTP
import NIOCore

/// Works a server engine as a connection does, writes down what happens, and checks the order of the events.
///
/// Consecutive body events are written as one, so that it does not matter how the input was cut.
final class ServerLog {
    private enum Stage {
        case body, whole, faulted
    }

    let server: any ServerEngine
    var lines: [String] = []
    var output = ByteBuffer()
    /// Whether a request or a fault is answered as soon as it is whole.
    var answers: Bool
    private var stages: [StreamID: Stage] = [:]
    private(set) var unanswered: [StreamID] = []

    init(_ server: any ServerEngine, answers: Bool) {
        self.server = server
        self.answers = answers
    }

    /// Works through events and output until there are none.
    func run() {
        repeat { readEvents() } while server.writeOutput(into: &output, limit: 4096)
        readEvents()
    }

    func readEvents() {
        while let event = server.nextEvent() { note(event) }
    }

    func answerAll() {
        for id in unanswered { answer(id) }
        unanswered = []
    }

    private func note(_ event: ServerEvent) {
        switch event {
        case .head(let id, let head, let hasBody):
            check(stages.updateValue(.body, forKey: id) == nil, "a second head")
            check(head.path == "*" || RequestValidation.isOriginForm(head.path), "the path \(head.path)")
            check(
                RequestValidation.isAuthority(head.authority) || (head.authority.isEmpty && head.version == .http1_0),
                "the authority \(head.authority)")
            checkFields(head.fields)
            lines.append("head \(id.rawValue) \(head.method) \(head.authority) \(head.path) \(hasBody)")
        case .body(let id, let bytes):
            check(stages[id] == .body && bytes.readableBytes > 0, "a body out of its place")
            server.consume(id, bytes.readableBytes)
            lines.appendBody(id, bytes)
        case .end(let id):
            check(stages.updateValue(.whole, forKey: id) == .body, "an end out of its place")
            lines.append("end \(id.rawValue)")
            isReady(id)
        case .fault(let id, let fault):
            let earlier = stages.updateValue(.faulted, forKey: id)
            check(earlier == nil || earlier == .body, "a fault out of its place")
            check([400, 408, 413, 414, 417, 431, 501, 505].contains(fault.status), "the status \(fault.status)")
            lines.append("fault \(id.rawValue) \(fault.status)")
            isReady(id)
        case .drained(let id):
            check(stages[id] != nil, "an exchange that is over")
        case .reset(let id), .closed(let id):
            check(stages.removeValue(forKey: id) != nil, "the end of an exchange that is over")
            server.release(id)
            lines.append("over \(id.rawValue)")
        }
    }

    private func isReady(_ id: StreamID) {
        if answers { answer(id) } else { unanswered.append(id) }
    }

    private func answer(_ id: StreamID) {
        server.respond(id, ResponseHead(status: 200, contentLength: 2), end: false)
        server.write(id) { $0.writeStaticString("ok") }
        server.end(id)
    }
}

/// The same for a client engine.
final class ClientLog {
    let client: any ClientEngine
    var lines: [String] = []
    var output = ByteBuffer()
    private var heads: Set<StreamID> = []
    private var ended: Set<StreamID> = []

    init(_ client: any ClientEngine) {
        self.client = client
    }

    func run() {
        repeat { readEvents() } while client.writeOutput(into: &output, limit: 4096)
        readEvents()
    }

    func readEvents() {
        while let event = client.nextEvent() { note(event) }
    }

    func checkAllEnded(_ count: Int) {
        check(ended.count == count, "\(ended.count) of \(count) exchanges have ended")
    }

    private func note(_ event: ClientEvent) {
        switch event {
        case .head(let id, let head):
            check(heads.insert(id).inserted && !ended.contains(id), "a head out of its place")
            check((200...999).contains(head.status), "the status \(head.status)")
            checkFields(head.fields)
            lines.append("head \(id.rawValue) \(head.status)")
        case .body(let id, let bytes):
            check(heads.contains(id) && !ended.contains(id) && bytes.readableBytes > 0, "a body out of its place")
            client.consume(id, bytes.readableBytes)
            lines.appendBody(id, bytes)
        case .end(let id):
            check(heads.contains(id) && ended.insert(id).inserted, "an end out of its place")
            lines.append("end \(id.rawValue)")
        case .failed(let id, let failure):
            check(ended.insert(id).inserted, "a failure behind the end")
            lines.append("failed \(id.rawValue) \(failure.reason) \(failure.isUnprocessed)")
        case .drained: break
        }
    }
}

extension [String] {
    mutating func appendBody(_ id: StreamID, _ bytes: ByteBuffer) {
        let prefix = "body \(id.rawValue) "
        let text = bytes.readableBytesView.map { String($0, radix: 16) + "." }.joined()
        if let last, last.hasPrefix(prefix) {
            self[count - 1] = last + text
        } else {
            append(prefix + text)
        }
    }
}

/// What is forwarded can end no line early.
private func checkFields(_ fields: HeaderFields) {
    for index in 0..<fields.count {
        check(!fields.name(at: index).isEmpty, "a field without a name")
        check(
            fields.name(at: index).utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x3A }, "a name with more in it")
        check(!fields.valueBytes(at: index).contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D }, "a value of two lines")
    }
}
