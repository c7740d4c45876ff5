/// One pass over a JSON text that checks all of it (RFC 8259, strictly) and writes its nodes to a tape.
///
/// There is no recursion: the open containers are found on the tape. When the tape is full the scanner returns, and
/// goes on where it was when it is run again with a longer one.
struct JSONScanner {
    private let limits: JSONLimits
    private var offset = 0
    private(set) var count = 0
    private var depth = 0
    /// The innermost open container, and whether it is an object. Meaningless at depth 0.
    private var container = 0
    private var isInObject = false

    init(limits: JSONLimits) {
        self.limits = limits
    }

    /// Returns true when the text is done, false when the tape is full.
    ///
    /// `text` and the nodes of `tape` written so far must be those of the run before.
    mutating func run(
        _ text: UnsafeRawBufferPointer, _ tape: UnsafeMutableBufferPointer<JSONTape.Node>
    ) throws(JSONError) -> Bool {
        guard let base = text.baseAddress, unsafe !text.isEmpty else { throw JSONError(.emptyInput, at: 0) }
        let end = text.count
        if offset == 0 {
            try unsafe skipBlankStart(base, end)
        }
        // One turn writes two nodes at most: a value, and the key of the next one.
        let room = min(tape.count, limits.nodes + 2)
        guard let nodes = tape.baseAddress, room >= 2 else { return false }

        // The state lives in registers while the loop runs.
        var (offset, count, depth) = (self.offset, self.count, self.depth)
        var (container, isInObject) = (self.container, self.isInObject)

        nextValue: while true {
            if count &+ 2 > room {
                if room == limits.nodes + 2 { throw JSONError(.tooManyNodes, at: offset) }
                (self.offset, self.count, self.depth) = (offset, count, depth)
                (self.container, self.isInObject) = (container, isInObject)
                return false
            }
            guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            let start = offset
            let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            switch byte {
            case UInt8(ascii: "\""):
                let isEscaped = try unsafe Self.skipString(base, &offset, end)
                unsafe nodes[count] = .init(
                    .string, start: start, end: offset, next: count &+ 1, isEscaped: isEscaped)
                count &+= 1

            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth &+= 1
                guard depth <= limits.depth else { throw JSONError(.tooDeep, at: offset) }
                isInObject = byte == UInt8(ascii: "{")
                unsafe nodes[count] = .init(isInObject ? .object : .array, start: start, end: 0, next: container)
                container = count
                count &+= 1
                offset &+= 1
                unsafe Self.skipWhiteSpace(base, &offset, end)
                guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
                // The bytes of the closing brackets are two above those of the opening ones.
                if unsafe base.load(fromByteOffset: offset, as: UInt8.self) != byte &+ 2 {
                    if isInObject { try unsafe Self.scanKey(base, &offset, end, nodes, &count) }
                    continue nextValue
                }
                offset &+= 1
                unsafe close(nodes, offset, count, &depth, &container, &isInObject)

            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try unsafe Self.skipNumber(base, &offset, end)
                unsafe nodes[count] = .init(.number, start: start, end: offset, next: count &+ 1)
                count &+= 1

            case UInt8(ascii: "n"):
                try unsafe Self.skipLiteral("null", base, &offset, end)
                unsafe nodes[count] = .init(.null, start: start, end: offset, next: count &+ 1)
                count &+= 1

            case UInt8(ascii: "t"):
                try unsafe Self.skipLiteral("true", base, &offset, end)
                unsafe nodes[count] = .init(.true, start: start, end: offset, next: count &+ 1)
                count &+= 1

            case UInt8(ascii: "f"):
                try unsafe Self.skipLiteral("false", base, &offset, end)
                unsafe nodes[count] = .init(.false, start: start, end: offset, next: count &+ 1)
                count &+= 1

            default:
                throw JSONError(.expectedValue, at: offset)
            }

            // A value has ended: close what ends with it, up to the next value.
            while depth > 0 {
                unsafe Self.skipWhiteSpace(base, &offset, end)
                guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
                let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
                if byte == UInt8(ascii: ",") {
                    offset &+= 1
                    unsafe Self.skipWhiteSpace(base, &offset, end)
                    if isInObject { try unsafe Self.scanKey(base, &offset, end, nodes, &count) }
                    continue nextValue
                }
                guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw JSONError(.expectedCommaOrEnd, at: offset)
                }
                offset &+= 1
                unsafe close(nodes, offset, count, &depth, &container, &isInObject)
            }
            unsafe Self.skipWhiteSpace(base, &offset, end)
            guard offset == end else { throw JSONError(.trailingBytes, at: offset) }
            guard count <= limits.nodes else { throw JSONError(.tooManyNodes, at: offset) }
            self.count = count
            return true
        }
    }

    private mutating func skipBlankStart(_ base: UnsafeRawPointer, _ end: Int) throws(JSONError) {
        if end >= 3, unsafe base.load(as: UInt8.self) == 0xEF,
            unsafe base.load(fromByteOffset: 1, as: UInt8.self) == 0xBB,
            unsafe base.load(fromByteOffset: 2, as: UInt8.self) == 0xBF
        {
            throw JSONError(.byteOrderMark, at: 0)
        }
        unsafe Self.skipWhiteSpace(base, &offset, end)
        if offset == end { throw JSONError(.emptyInput, at: 0) }
    }

    /// Completes the innermost container, whose last byte is before `offset`, and steps out of it.
    @inline(__always)
    private func close(
        _ nodes: UnsafeMutablePointer<JSONTape.Node>, _ offset: Int, _ count: Int,
        _ depth: inout Int, _ container: inout Int, _ isInObject: inout Bool
    ) {
        let outer = unsafe Int(nodes[container].next)
        unsafe nodes[container].end = UInt32(truncatingIfNeeded: offset)
        unsafe nodes[container].next = UInt32(truncatingIfNeeded: count)
        container = outer
        depth &-= 1
        isInObject = unsafe nodes[outer].isObject
    }

    /// Writes the node of a key and moves to the value behind its colon.
    @inline(__always)
    private static func scanKey(
        _ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int,
        _ nodes: UnsafeMutablePointer<JSONTape.Node>, _ count: inout Int
    ) throws(JSONError) {
        guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
        let start = offset
        guard unsafe base.load(fromByteOffset: offset, as: UInt8.self) == UInt8(ascii: "\"") else {
            throw JSONError(.expectedKey, at: offset)
        }
        let isEscaped = try unsafe skipString(base, &offset, end)
        unsafe nodes[count] = .init(
            .string, start: start, end: offset, next: count &+ 1, isKey: true, isEscaped: isEscaped)
        count &+= 1
        unsafe skipWhiteSpace(base, &offset, end)
        guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
        guard unsafe base.load(fromByteOffset: offset, as: UInt8.self) == UInt8(ascii: ":") else {
            throw JSONError(.expectedColon, at: offset)
        }
        offset &+= 1
        unsafe skipWhiteSpace(base, &offset, end)
    }
}

// MARK: - Tokens

extension JSONScanner {
    @inline(__always)
    private static func skipWhiteSpace(_ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int) {
        while offset < end {
            let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            offset &+= 1
        }
    }

    /// Skips the string whose opening quotation mark is at `offset`; tells whether it holds a backslash.
    @inline(__always)
    private static func skipString(
        _ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int
    ) throws(JSONError) -> Bool {
        let stop = unsafe JSONText.endOfPlainText(base, from: offset &+ 1, to: end)
        if stop < end, unsafe base.load(fromByteOffset: stop, as: UInt8.self) == UInt8(ascii: "\"") {
            offset = stop &+ 1
            return false
        }
        offset = stop
        try unsafe skipEscapedString(base, &offset, end)
        return true
    }

    /// Goes on with a string at a byte that is not plain text.
    @inline(never)
    private static func skipEscapedString(
        _ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int
    ) throws(JSONError) {
        while offset < end {
            switch unsafe base.load(fromByteOffset: offset, as: UInt8.self) {
            case UInt8(ascii: "\""):
                offset &+= 1
                return
            case UInt8(ascii: "\\"):
                try unsafe skipEscape(base, &offset, end)
            case 0..<0x20:
                throw JSONError(.controlCharacter, at: offset)
            default:
                throw JSONError(.invalidUTF8, at: offset)
            }
            offset = unsafe JSONText.endOfPlainText(base, from: offset, to: end)
        }
        throw JSONError(.unexpectedEnd, at: end)
    }

    /// Skips the escape sequence at `offset` (RFC 8259 §7). Surrogates need not come in pairs.
    @inline(__always)
    private static func skipEscape(_ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int) throws(JSONError) {
        guard offset &+ 1 < end else { throw JSONError(.unexpectedEnd, at: end) }
        switch unsafe base.load(fromByteOffset: offset &+ 1, as: UInt8.self) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            offset &+= 2
        case UInt8(ascii: "u"):
            for next in (offset &+ 2)..<(offset &+ 6) {
                guard next < end else { throw JSONError(.unexpectedEnd, at: end) }
                switch unsafe base.load(fromByteOffset: next, as: UInt8.self) {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
                    UInt8(ascii: "a")...UInt8(ascii: "f"):
                    break
                default: throw JSONError(.invalidEscape, at: offset)
                }
            }
            offset &+= 6
        default:
            throw JSONError(.invalidEscape, at: offset)
        }
    }

    /// Skips a number (RFC 8259 §6) of any length.
    @inline(__always)
    private static func skipNumber(_ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int) throws(JSONError) {
        if unsafe base.load(fromByteOffset: offset, as: UInt8.self) == UInt8(ascii: "-") { offset &+= 1 }
        let start = offset
        try unsafe skipDigits(base, &offset, end)
        if offset &- start > 1, unsafe base.load(fromByteOffset: start, as: UInt8.self) == UInt8(ascii: "0") {
            throw JSONError(.invalidNumber, at: start)
        }
        guard offset < end else { return }
        var byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        if byte == UInt8(ascii: ".") {
            offset &+= 1
            try unsafe skipDigits(base, &offset, end)
            guard offset < end else { return }
            byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        }
        if byte | 0x20 == UInt8(ascii: "e") {
            offset &+= 1
            guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { offset &+= 1 }
            try unsafe skipDigits(base, &offset, end)
        }
    }

    /// Skips one digit or more.
    @inline(__always)
    private static func skipDigits(_ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int) throws(JSONError) {
        let start = offset
        while offset < end, unsafe base.load(fromByteOffset: offset, as: UInt8.self) &- UInt8(ascii: "0") <= 9 {
            offset &+= 1
        }
        if offset == start { throw JSONError(offset == end ? .unexpectedEnd : .invalidNumber, at: offset) }
    }

    @inline(__always)
    private static func skipLiteral(
        _ literal: StaticString, _ base: UnsafeRawPointer, _ offset: inout Int, _ end: Int
    ) throws(JSONError) {
        let start = offset
        for index in 0..<literal.utf8CodeUnitCount {
            guard offset < end else { throw JSONError(.unexpectedEnd, at: end) }
            guard unsafe base.load(fromByteOffset: offset, as: UInt8.self) == literal.utf8Start[index] else {
                throw JSONError(.expectedValue, at: start)
            }
            offset &+= 1
        }
    }
}
