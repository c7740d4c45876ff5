/// How the frames of a stream are put into bytes, and the bytes into writes.
package struct Framing: Sendable, Equatable {
    package enum LineEnd: String, Sendable, CaseIterable {
        case lf, crlf, cr

        var text: StaticString {
            switch self {
            case .lf: "\n"
            case .crlf: "\r\n"
            case .cr: "\r"
            }
        }
    }

    package enum Gzip: String, Sendable, CaseIterable {
        case off
        /// If the request accepts it.
        case asked
        /// Whatever the request accepts.
        case always
    }

    /// `data: ` or `data:`.
    package var hasSpace = true
    package var lineEnd = LineEnd.lf
    /// A comment comes before every so manieth frame; 0 for none.
    package var heartbeat = 0
    /// The lines of Qwen's native interface come before the data: `id:`, `event:result`, `:HTTP_STATUS/200`.
    package var isNative = false
    /// The stream leaves in writes of so many bytes, drawn anew for each; nil writes frames whole.
    package var split: ClosedRange<Int>?
    /// Milliseconds between two such writes.
    package var gap = 0
    /// Frames that leave in one write, where a delay would set them apart.
    package var batch = 1
    package var gzip = Gzip.off
    /// Whether an error that is framed as an event has an `event` line and a blank line at its end.
    package var errorStyle = ErrorStyle.bare

    /// Variants of an SSE-framed body of a 4xx response.
    package enum ErrorStyle: String, Sendable, CaseIterable {
        /// A data line and a blank line.
        case bare
        /// `event: error` before it.
        case named
        /// No end of the line.
        case open
    }

    package init() {}
}
