import EventStream
import HTTP
import NIOCore
import Qwen
import Telemetry
import Transport

/// One of the calls to Qwen that an exchange makes, of which it makes several: it reads what Qwen answers into events,
/// or into one document, and hands them to its owner.
final class PartCall: QwenCallHandler {
    private enum Form {
        case none
        case events
        case document(ByteBuffer)
    }

    /// Which of the exchange's calls it is.
    let index: Int
    private weak var owner: (any PartCallOwner)?
    private(set) var call: QwenCall?
    private var form = Form.none
    private var parser = EventStreamParser()
    /// Qwen says that the answer is cut short.
    private(set) var isPartial = false

    init(_ index: Int, owner: any PartCallOwner) {
        self.index = index
        self.owner = owner
    }

    /// - Parameter size: of the request's body in bytes.
    func start(_ exchange: GatewayExchange, size: Int) {
        let service = exchange.service
        let call = QwenCall(
            service.dispatcher, for: exchange, need: owner?.need ?? .chat, bodySize: size, handler: self)
        self.call = call
        if exchange.server.hasResponded { call.commit() }
        call.start()
    }

    /// The answer is whole.
    func complete() {
        call?.complete()
        call = nil
    }

    func cancel() {
        call?.cancel()
        call = nil
        owner = nil
    }

    // MARK: What Qwen answers

    func request(for lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer) {
        owner?.request(for: self, lease) ?? (lease.provider.chatRequest(isStreaming: false), ByteBuffer())
    }

    func answerBegan(_ head: ResponseHead) {
        isPartial = head.fields.isValue("true", of: "x-dashscope-partialresponse")
        parser = EventStreamParser()
        let type = head.fields.firstIndex(of: "content-type")
        let isEventStream = type.map { head.fields.hasPrefix("text/event-stream", at: $0) } ?? false
        form = isEventStream ? .events : .document(ByteBuffer())
        owner?.answerBegan(self, head)
    }

    func answerReceived(_ bytes: ByteBuffer) {
        guard let owner else { return }
        let count = bytes.readableBytes
        // A stream is passed on.
        if !owner.exchange.server.hasResponded { owner.exchange.hold(count) }
        switch form {
        case .none: break
        case .events:
            var bytes = bytes
            do {
                while let event = try parser.next(in: &bytes) {
                    guard owner.received(event, self) else { return }
                }
            } catch {
                return owner.failed(self, .fault(QwenFault(kind: .server, message: "An event is too large.")))
            }
            owner.consume(count, self)
        case .document(var body):
            form = .none
            guard body.readableBytes + count <= owner.largestAnswer else {
                return owner.failed(self, .fault(QwenFault(kind: .server, message: "The answer is too large.")))
            }
            var bytes = bytes
            body.writeBuffer(&bytes)
            form = .document(body)
            call?.consume(count)
        }
    }

    func answerEnded() {
        switch form {
        case .none: break
        case .events:
            switch parser.finish() {
            case .clean: owner?.eventsEnded(self)
            case .incomplete(let last): owner?.eventsCutOff(last, self)
            }
        case .document(let body): owner?.received(body, self)
        }
    }

    func callFailed(_ failure: QwenCallFailure) {
        call = nil
        owner?.failed(self, failure)
    }
}

/// An exchange that makes several calls. All of it happens on the exchange's event loop.
protocol PartCallOwner: AnyObject {
    var exchange: GatewayExchange { get }
    /// What its calls ask for.
    var need: QwenProvider.Capability { get }
    func request(for part: PartCall, _ lease: CredentialLease) -> (head: RequestHead, body: ByteBuffer)
    /// A call's answer begins; it may be the second, in place of one that was rejected.
    func answerBegan(_ part: PartCall, _ head: ResponseHead)
    /// An event of a call's answer.
    ///
    /// - Returns: whether more may follow.
    func received(_ event: ServerSentEvent, _ part: PartCall) -> Bool
    /// The events of a call's answer have ended cleanly.
    func eventsEnded(_ part: PartCall)
    /// The events of a call's answer have ended within one: an error may come without its empty line, anything else is
    /// a truncation.
    ///
    /// - Parameter last: what there was of it, if it had data.
    func eventsCutOff(_ last: ServerSentEvent?, _ part: PartCall)
    /// A call's answer, where that is one document.
    func received(_ document: ByteBuffer, _ part: PartCall)
    /// Gives a call room for further bytes of events, as soon as the client has taken what came of these.
    func consume(_ bytes: Int, _ part: PartCall)
    func failed(_ part: PartCall, _ failure: QwenCallFailure)
    /// The most bytes of a document.
    var largestAnswer: Int { get }
}

/// Starts calls one after the other, so many at once, and knows which are under way.
struct PartCalls {
    /// Enough to be quick, and few enough to leave others their share.
    static let mostAtOnce = 8

    private var next = 0
    private let count: Int
    private(set) var running: [Int: PartCall] = [:]

    init(count: Int) {
        self.count = count
    }

    /// Starts as many as may run.
    mutating func startNext(_ exchange: GatewayExchange, owner: any PartCallOwner) -> [PartCall] {
        var started: [PartCall] = []
        while next < count, running.count < Self.mostAtOnce {
            let part = PartCall(next, owner: owner)
            running[next] = part
            next += 1
            started.append(part)
        }
        return started
    }

    /// A call is over.
    mutating func remove(_ part: PartCall) {
        running[part.index] = nil
    }

    /// Gives all up.
    mutating func cancelAll() {
        for part in running.values { part.cancel() }
        running.removeAll()
        next = count
    }
}
