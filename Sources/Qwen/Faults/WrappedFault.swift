import EventStream
import JSON
import NIOCore

/// An error event that someone on the way has taken for text and put into a chunk's `delta.content`.
///
/// A model may well write about event streams, so nothing is taken for an error but the whole of it: a text that is one
/// event and no more, is named `error`, has a status comment of 400 or above, and data with `code`, `message` and
/// `request_id`.
enum WrappedFault {
    /// The longest text that is looked into, in bytes.
    private static let longest = 8 * 1024

    /// The error that the choice's text is, or nil. Costs a look at the first bytes of an ordinary one.
    @inline(__always)
    static func envelope(in choice: JSONNode, of document: borrowing JSONDocument) -> FaultEnvelope? {
        guard let content = FaultEnvelope.content(of: choice, in: document), mayBegin(document.text(of: content))
        else { return nil }
        return document.string(content).flatMap(envelope)
    }

    /// Behind the quotation mark: `id:`, `event:` or `:HTTP_STATUS`.
    @inline(__always)
    private static func mayBegin(_ text: ByteBuffer) -> Bool {
        let bytes = text.readableBytesView
        guard bytes.count >= 64, bytes.count <= longest else { return false }
        let start = bytes.dropFirst()
        return start.starts(with: "id:".utf8) || start.starts(with: "event:".utf8) || start.starts(with: ":HTTP".utf8)
    }

    @inline(never)
    static func envelope(_ text: String) -> FaultEnvelope? {
        var parser = EventStreamParser()
        var bytes = ByteBuffer(string: text)
        var events: [ServerSentEvent] = []
        while let event = try? parser.next(in: &bytes) {
            events.append(event)
            guard events.count == 1 else { return nil }
        }
        if case .incomplete(let last?) = parser.finish() { events.append(last) }
        guard events.count == 1, let event = events.first, event.isNamed("error"),
            (400...599).contains(event.status ?? 0)
        else { return nil }
        var document = JSONDocument()
        guard (try? document.scan(event.data)) != nil else { return nil }
        for name: StaticString in ["code", "message", "request_id"] {
            guard let node = document.member(name, of: document.root), document.kind(of: node) == .string else {
                return nil
            }
        }
        return FaultEnvelope(event: event)
    }
}
