import EventStream
import NIOCore

/// Any bytes as an event stream.
enum EventStreamTarget {
    private struct Outcome: Equatable {
        var events: [ServerSentEvent] = []
        var end: EventStreamParser.End?
        var error: EventStreamError?
    }

    static func parse(_ input: [UInt8]) {
        for limit in [1 << 20, 40] {
            let whole = outcome(input, .whole, limit)
            for cut in [Cut.bytes, .random] {
                check(outcome(input, cut, limit) == whole, "it matters where the bytes are cut (\(cut), \(limit))")
            }
            var written = ByteBuffer()
            for event in whole.events {
                check(!event.data.readableBytesView.contains(UInt8(ascii: "\r")), "a line end in data")
                EventStreamWriter.writeEvent(data: event.data, into: &written)
            }
            let again = outcome(Array(written.readableBytesView), .whole, 1 << 20)
            check(again.events.map(\.data) == whole.events.map(\.data), "what is written reads otherwise")
            check(again.end == .clean, "what is written ends within an event")
        }
    }

    private static func outcome(_ input: [UInt8], _ cut: Cut, _ limit: Int) -> Outcome {
        var parser = EventStreamParser(limit: limit)
        var outcome = Outcome()
        do throws(EventStreamError) {
            for piece in cut.pieces(of: input) {
                var chunk = ByteBuffer(bytes: piece)
                while let event = try parser.next(in: &chunk) { outcome.events.append(event) }
                check(chunk.readableBytes == 0, "bytes left over")
            }
        } catch {
            outcome.error = error
        }
        let end = parser.finish()
        if outcome.error == nil { outcome.end = end }
        return outcome
    }
}
