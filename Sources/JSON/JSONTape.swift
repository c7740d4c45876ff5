/// A scanned text as a flat list of nodes in the order of the text: a container is followed by what it holds, a key
/// by its value.
///
/// The storage is kept between scans. It is filled with empty nodes up to its size, so that the scanner writes into
/// it through a pointer; the first `count` of them are the tape.
struct JSONTape: Sendable {
    /// One value or key.
    struct Node: Sendable {
        /// The offsets in the text of its first byte and of the byte after its last.
        var start: UInt32
        var end: UInt32
        /// The index of the node after this one and all that it holds. While the scanner is inside a container, the
        /// index of the container around that one: the tape is its own stack.
        var next: UInt32
        private var tag: UInt32

        private static let keyFlag: UInt32 = 0x100
        private static let escapedFlag: UInt32 = 0x200

        @inline(__always)
        init(_ kind: JSONKind, start: Int, end: Int, next: Int, isKey: Bool = false, isEscaped: Bool = false) {
            self.start = UInt32(truncatingIfNeeded: start)
            self.end = UInt32(truncatingIfNeeded: end)
            self.next = UInt32(truncatingIfNeeded: next)
            tag = UInt32(kind.rawValue) | (isKey ? Self.keyFlag : 0) | (isEscaped ? Self.escapedFlag : 0)
        }

        var kind: JSONKind { JSONKind(rawValue: UInt8(truncatingIfNeeded: tag)) ?? .null }
        var isString: Bool { tag & 0xFF == UInt32(JSONKind.string.rawValue) }
        var isObject: Bool { tag == UInt32(JSONKind.object.rawValue) }
        var isKey: Bool { tag & Self.keyFlag != 0 }
        /// Whether a string holds a backslash.
        var isEscaped: Bool { tag & Self.escapedFlag != 0 }
        var range: Range<Int> { Int(start)..<Int(end) }
    }

    private static let emptyNode = Node(.null, start: 0, end: 0, next: 0)
    private static let smallestStorage = 64
    /// Storage above this many nodes (256 KiB) is given back by `removeAll()`.
    private static let largestKeptStorage = 16_384

    private var storage: [Node] = []
    private(set) var count = 0

    /// The node at `index`, which must be one of this tape.
    subscript(index: Int) -> Node {
        precondition(index < count, "a node of another document")
        return storage[index]
    }

    mutating func removeAll() {
        count = 0
        if storage.count > Self.largestKeptStorage { storage = [] }
    }

    /// Replaces the tape by that of `text`. After an error it is empty.
    mutating func scan(_ text: RawSpan, limits: JSONLimits) throws(JSONError) {
        count = 0
        guard text.byteCount <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
        var scanner = JSONScanner(limits: limits)
        while try !run(&scanner, text) {
            let missing = max(storage.count, Self.smallestStorage)
            storage.append(contentsOf: repeatElement(Self.emptyNode, count: missing))
        }
        count = scanner.count
    }

    /// Runs the scanner until the text is done (true) or the storage is full (false).
    private mutating func run(_ scanner: inout JSONScanner, _ text: RawSpan) throws(JSONError) -> Bool {
        try unsafe text.withUnsafeBytes { (text) throws(JSONError) in
            try unsafe storage.withUnsafeMutableBufferPointer { (tape) throws(JSONError) in
                try unsafe scanner.run(text, tape)
            }
        }
    }
}
