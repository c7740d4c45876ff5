import EventStream
import JSON
import NIOCore

extension FaultEnvelope {
    /// Of a page or a text no more bytes than these are looked at.
    private static let longestText = 16 * 1024
    /// An error is among the first events of a body or it is none.
    private static let mostEvents = 64

    /// Reads a whole body: JSON with or without a byte order mark, events, a web page, a sentence, or nothing.
    ///
    /// - Parameter isHTML: the content type says so.
    init(body: ByteBuffer, isHTML: Bool = false) {
        self.init(content: body, isHTML: isHTML, mayHoldEvents: true)
    }

    /// Reads one event's data, and the status that a comment in front of it has given.
    init(event: ServerSentEvent) {
        self.init(content: event.data, isHTML: false, mayHoldEvents: false)
        if let given = event.status, (400...599).contains(given) { status = given }
    }

    private init(content: ByteBuffer, isHTML: Bool, mayHoldEvents: Bool) {
        self.init()
        var content = content
        if content.readableBytesView.starts(with: [0xEF, 0xBB, 0xBF]) { content.moveReaderIndex(forwardBy: 3) }
        let blanks = content.readableBytesView.prefix { $0 <= 0x20 }.count
        content.moveReaderIndex(forwardBy: blanks)
        guard content.readableBytes > 0 else { return }
        var document = JSONDocument()
        if (try? document.scan(content)) != nil {
            self.init(document)
            return
        }
        if mayHoldEvents, let event = Self.event(in: content) {
            self = event
            return
        }
        let text = String(decoding: content.readableBytesView.prefix(Self.longestText), as: UTF8.self)
        if isHTML || Self.isHTML(text) {
            form = .html
        } else {
            self.init(text: Self.onOneLine(text))
        }
    }

    /// The error among the events of a body: the first event that is one, or else the first that is anything.
    private static func event(in body: ByteBuffer) -> FaultEnvelope? {
        guard looksLikeEvents(body) else { return nil }
        var parser = EventStreamParser()
        var rest = body
        var first: FaultEnvelope?
        for _ in 0..<mostEvents {
            var next = try? parser.next(in: &rest)
            if next == nil, case .incomplete(let last?) = parser.finish() { next = last }
            guard let event = next else { break }
            let envelope = FaultEnvelope(event: event)
            if event.isNamed("error") || envelope.status != nil || !envelope.codes.isEmpty { return envelope }
            first = first ?? envelope
        }
        return first
    }

    /// Whether the first line is a field of an event or a comment.
    private static func looksLikeEvents(_ body: ByteBuffer) -> Bool {
        let start = body.readableBytesView.prefix(8)
        return ["data:", "event:", "id:", ":", "retry:"].contains { start.starts(with: $0.utf8) }
    }

    private static func isHTML(_ text: String) -> Bool {
        let start = text.prefix(64).lowercased()
        return ["<!doctype", "<html", "<head", "<body", "<title", "<script", "<!--", "<?xml"].contains {
            start.hasPrefix($0)
        }
    }

    private static func onOneLine(_ text: String) -> String {
        text.split(whereSeparator: { $0.isWhitespace || $0.isNewline }).joined(separator: " ")
    }
}
