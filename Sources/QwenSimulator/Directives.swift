/// What a client asks of the simulator, in the words of its last user message: `chunks=100 size=10 delay=20`.
///
/// Words that are no directive are ignored, so that an ordinary question gets an ordinary answer.
package struct Directives: Sendable, Equatable {
    /// How an answer goes wrong, after so many chunks of text.
    package enum Failure: Sendable, Equatable {
        /// `fail=cut@K`: the TCP connection is closed.
        case cut(after: Int)
        /// `fail=reset@K`: the stream is reset; on HTTP/1.1 the connection closes.
        case reset(after: Int)
        /// `fail=end@K`: the response ends as if it were whole, without the rest.
        case end(after: Int)
        /// `fail=stall@K`: silence.
        case stall(after: Int)
        /// `fail=error@K`: an error in the form of an event.
        case error(after: Int)
    }

    /// `chunks=N`: how many pieces of text.
    package var chunks: Int?
    /// `size=B`: bytes of text in each.
    package var size = 10
    /// `text=…`: the text of each piece, all alike.
    package var text: String?
    /// `delay=MS`: milliseconds between two pieces.
    package var delay = 0
    /// `first=MS`: milliseconds before the first byte of the answer.
    package var first = 0
    /// `status=N`: answer with an error of this status.
    package var status: Int?
    package var failure: Failure?

    package init(_ message: String = "") {
        for word in message.split(whereSeparator: \.isWhitespace) {
            guard let equals = word.firstIndex(of: "=") else { continue }
            let value = word[word.index(after: equals)...]
            switch word[..<equals] {
            case "chunks": chunks = Self.number(value, upTo: 1_000_000)
            case "size": size = Self.number(value, upTo: 1_000_000) ?? size
            case "text": text = String(value)
            case "delay": delay = Self.number(value, upTo: 3_600_000) ?? delay
            case "first": first = Self.number(value, upTo: 3_600_000) ?? first
            case "status": status = Self.number(value, upTo: 599).flatMap { $0 >= 200 ? $0 : nil }
            case "fail": failure = Self.failure(value)
            default: break
            }
        }
    }

    private static func number(_ text: Substring, upTo limit: Int) -> Int? {
        guard let number = Int(text), number >= 0 else { return nil }
        return min(number, limit)
    }

    private static func failure(_ text: Substring) -> Failure? {
        let parts = text.split(separator: "@", maxSplits: 1)
        guard parts.count == 2, let after = number(parts[1], upTo: 1_000_000) else { return nil }
        switch parts[0] {
        case "cut": return .cut(after: after)
        case "reset": return .reset(after: after)
        case "end": return .end(after: after)
        case "stall": return .stall(after: after)
        case "error": return .error(after: after)
        default: return nil
        }
    }
}
