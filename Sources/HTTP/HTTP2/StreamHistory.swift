/// What became of the client's streams, as far back as it matters to tell a late frame from a forbidden one.
///
/// RFC 9113 §5.1 asks for STREAM_CLOSED on a stream that has ended, PROTOCOL_ERROR on an identifier that was passed
/// over, and silence about frames that were under way when we reset their stream.
struct StreamHistory {
    enum State {
        case idle, closed, resetByUs, skipped
    }

    private static let depth = 256
    private var highest: Int32 = 0
    /// The identifiers opened last, and those that we reset last; the oldest are overwritten.
    private var openedIDs = RecentIDs(depth: depth)
    private var resetIDs = RecentIDs(depth: depth)

    mutating func opened(_ id: Int32) {
        highest = max(highest, id)
        openedIDs.append(id)
    }

    mutating func resetByUs(_ id: Int32) {
        resetIDs.append(id)
    }

    func state(of id: Int32) -> State {
        if id > highest { return .idle }
        if resetIDs.contains(id) { return .resetByUs }
        return openedIDs.contains(id) ? .closed : .skipped
    }
}

/// A ring of stream identifiers. It grows with use: an idle connection holds next to nothing.
struct RecentIDs {
    private let depth: Int
    private var ids: [Int32] = []
    private var next = 0

    init(depth: Int) {
        self.depth = depth
    }

    mutating func append(_ id: Int32) {
        if ids.count < depth {
            ids.append(id)
        } else {
            ids[next] = id
            next = (next + 1) % depth
        }
    }

    func contains(_ id: Int32) -> Bool {
        ids.contains(id)
    }
}
