/// A request's place in a distributed trace (W3C Trace Context), as its caller has named it.
///
/// The gateway reports no spans: it passes the context on unchanged, as §3.3 has it for such a party, and logs the trace
/// so that its lines are found from a trace.
package struct TraceContext: Sendable, Equatable {
    /// `traceparent`, as it came.
    package let parent: String
    /// `tracestate`, as it came; nil without one, or with one longer than anybody has to pass on (§3.3.1.5).
    package let state: String?

    /// The 32 hexadecimal digits that name the trace.
    package var traceID: String { String(parent.dropFirst(3).prefix(32)) }

    private static let stateLimit = 512

    /// - Returns: nil for a `traceparent` that breaks the rules, with which §3.3 has its receiver go on as without any.
    package init?(parent: String, state: String?) {
        let fields = parent.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard fields.count >= 4, fields[0].count == 2, fields[1].count == 32, fields[2].count == 16,
            fields[3].count == 2, fields[0..<4].allSatisfy({ $0.allSatisfy(Self.isHexDigit) })
        else { return nil }
        let isVersion0 = fields[0].allSatisfy { $0 == UInt8(ascii: "0") }
        let isForbidden = fields[0].allSatisfy { $0 == UInt8(ascii: "f") }
        // A later version may append fields; version 00 must not.
        guard !isForbidden, fields.count == 4 || !isVersion0, parent.utf8.count <= 128 else { return nil }
        guard !fields[1...2].contains(where: { $0.allSatisfy { $0 == UInt8(ascii: "0") } }) else { return nil }
        self.parent = parent
        self.state = state.flatMap { $0.utf8.count <= Self.stateLimit ? $0 : nil }
    }

    /// Lower case only.
    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
