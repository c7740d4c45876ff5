internal import NIOCore

/// Counts the records of an established session that cost their receiver more than their sender.
///
/// Records without data are key updates, tickets, warnings and refused renegotiations. A key update costs a derivation,
/// and an honest peer sends one in hundreds of gigabytes (RFC 8446 §5.5). OpenSSL itself ends a session after 32 empty
/// records or 5 warnings in a row. A record of a few bytes costs as much as one of some hundred: honest peers send such
/// records, window updates for instance, though never so many.
struct RecordWatch {
    /// Records without data in a second.
    static let controlRecordsPerSecond = 100
    /// Records without data after the last with some.
    static let controlRecordsInARow = 1000
    /// Records with fewer bytes than `tinySize` in a second.
    static let tinyRecordsPerSecond = 10_000
    static let tinySize = 16

    /// What a peer overdid.
    enum Excess: Equatable {
        case controlRecords
        case tinyRecords
    }

    private var second: NIODeadline?
    private var controlRecords = 0
    private var tinyRecords = 0
    private var controlRecordsInARow = 0

    /// A record without data came.
    mutating func controlRecord(now: NIODeadline) -> Excess? {
        begin(now)
        controlRecords += 1
        controlRecordsInARow += 1
        let isTooMuch =
            controlRecords > Self.controlRecordsPerSecond || controlRecordsInARow > Self.controlRecordsInARow
        return isTooMuch ? .controlRecords : nil
    }

    /// A record with so many bytes came.
    @inline(__always)
    mutating func dataRecord(bytes: Int, now: NIODeadline) -> Excess? {
        controlRecordsInARow = 0
        guard bytes < Self.tinySize else { return nil }
        begin(now)
        tinyRecords += 1
        return tinyRecords > Self.tinyRecordsPerSecond ? .tinyRecords : nil
    }

    private mutating func begin(_ now: NIODeadline) {
        if let second, now - second < .seconds(1) { return }
        second = now
        controlRecords = 0
        tinyRecords = 0
    }
}

/// Looks at the length that a client's first handshake message gives itself: OpenSSL makes room for all of it at once,
/// and takes up to 128 KiB.
struct ClientHelloGuard {
    /// Honest ones have some hundred bytes to a few KiB: what makes them large are tickets and key shares.
    static let maximumSize = 32 << 10

    private enum Place {
        /// So many bytes of a record's header have been seen; the record's length so far.
        case header(Int, length: Int)
        /// So many bytes of a handshake record are left.
        case content(Int)
        /// All has been seen that was wanted.
        case done
    }

    private static let begin = Place.header(0, length: 0)
    private static let handshake: UInt8 = 22

    private var place = Self.begin
    /// How many bytes of the message's header have been seen, and its length so far.
    private var seen = 0
    private var length = 0

    /// Takes what came next; false when the message is too large.
    mutating func admits(_ bytes: ByteBuffer) -> Bool {
        if case .done = place { return true }
        for byte in bytes.readableBytesView {
            switch place {
            case .done: return true
            case .header(0, _):
                // Anything else OpenSSL refuses as the first record, and knows a name for it.
                place = byte == Self.handshake ? .header(1, length: 0) : .done
            case .header(let count, let length):
                // Type and version, then two bytes of length (RFC 8446 §5.1).
                let length = count < 3 ? 0 : length << 8 | Int(byte)
                place = count < 4 ? .header(count + 1, length: length) : .content(length)
                if case .content(0) = place { place = Self.begin }
            case .content(let left):
                place = left > 1 ? .content(left - 1) : Self.begin
                // The message's type, then three bytes of length (RFC 8446 §4).
                if seen > 0 { length = length << 8 | Int(byte) }
                seen += 1
                if seen == 4 {
                    place = .done
                    return length <= Self.maximumSize
                }
            }
        }
        return true
    }
}
