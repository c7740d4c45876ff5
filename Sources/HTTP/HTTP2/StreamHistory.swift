/// What became of the client's streams, as far back as it matters to tell a late frame from a forbidden one.
///
/// RFC 9113 §5.1 asks for STREAM_CLOSED on a stream that its peer has ended, PROTOCOL_ERROR on an identifier that was
/// passed over, and silence about frames that were under way when their stream was reset or refused.
struct StreamHistory {
    enum State: UInt8 {
        /// Not used so far.
        case idle
        /// Passed over: a higher identifier was used first.
        case skipped
        /// Reset, refused or ignored by us before the peer had ended it: its frames mean nothing.
        case ignored
        /// Ended by its peer.
        case ended
    }

    /// How many identifiers are remembered, a power of two. Older ones count as ended.
    private static let depth: Int32 = 256
    private var highest: Int32 = -1
    /// A ring with a place for each of the last odd identifiers; empty before the first.
    private var states: [State] = []

    /// Takes note of a new stream, `id` being odd and higher than all before. Unless its end is reported it counts as
    /// ignored once it is gone.
    mutating func opened(_ id: Int32) {
        if states.isEmpty { states = Array(repeating: .skipped, count: Int(Self.depth)) }
        var passed = max(highest + 2, id - 2 * (Self.depth - 1))
        while passed < id {
            states[Self.place(passed)] = .skipped
            passed += 2
        }
        states[Self.place(id)] = .ignored
        highest = id
    }

    /// The peer ended its side of the stream, by END_STREAM or RST_STREAM.
    mutating func ended(_ id: Int32) {
        guard id <= highest, remembers(id) else { return }
        states[Self.place(id)] = .ended
    }

    func state(of id: Int32) -> State {
        if id > highest { return .idle }
        return remembers(id) ? states[Self.place(id)] : .ended
    }

    private func remembers(_ id: Int32) -> Bool { highest - id < 2 * Self.depth }

    private static func place(_ id: Int32) -> Int { Int(id >> 1 & (depth - 1)) }
}
