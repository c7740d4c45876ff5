/// The nine bytes that precede every frame's payload (RFC 9113 §4.1).
struct FrameHeader {
    /// The payload's length in bytes.
    fileprivate(set) var length = 0
    fileprivate(set) var type: UInt8 = 0
    fileprivate(set) var flags: UInt8 = 0
    fileprivate(set) var stream: Int32 = 0
}

/// Finds the frames in what a peer sends, however it is cut.
///
/// nghttp2 1.52 says nothing to its application of frames that it passes over: those of unknown types, and DATA on
/// streams that are gone. Who must count and judge every frame has to find them.
struct FrameScanner {
    private static let headerLength = 9

    private(set) var header = FrameHeader()
    private var headerBytes = 0
    private var streamBits: UInt32 = 0
    private var payloadLeft: Int

    /// - Parameter preface: bytes that come before the first frame; they are passed over like a payload.
    init(preface: Int) {
        payloadLeft = preface
        isInPreface = preface > 0
    }

    private(set) var isInPreface: Bool

    /// True from the last byte of a frame's header to the last byte of its payload, both included.
    var isInFrame: Bool { isInPreface || headerBytes == Self.headerLength }
    /// True once the frame's payload has been passed.
    var isFrameWhole: Bool { isInFrame && payloadLeft == 0 }

    /// Reads header bytes from `offset` on; returns where it stopped.
    mutating func readHeader(_ bytes: UnsafeRawBufferPointer, from offset: Int) -> Int {
        var offset = offset
        if headerBytes == 0, bytes.count - offset >= Self.headerLength {
            unsafe readWholeHeader(bytes, at: offset)
            return offset + Self.headerLength
        }
        while headerBytes < Self.headerLength, offset < bytes.count {
            let byte = unsafe bytes[offset]
            switch headerBytes {
            case 0...2: header.length = header.length << 8 | Int(byte)
            case 3: header.type = byte
            case 4: header.flags = byte
            default: streamBits = streamBits << 8 | UInt32(byte)
            }
            headerBytes += 1
            offset += 1
        }
        if headerBytes == Self.headerLength {
            header.stream = Int32(truncatingIfNeeded: streamBits & 0x7FFF_FFFF)
            payloadLeft = header.length
        }
        return offset
    }

    /// Reads a header that has come in one piece, as nearly all do.
    private mutating func readWholeHeader(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        let lengthAndType = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        let stream = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 5, as: UInt32.self))
        header.length = Int(lengthAndType >> 8)
        header.type = UInt8(truncatingIfNeeded: lengthAndType)
        header.flags = unsafe bytes[offset + 4]
        header.stream = Int32(truncatingIfNeeded: stream & 0x7FFF_FFFF)
        headerBytes = Self.headerLength
        payloadLeft = header.length
    }

    /// Passes over payload bytes from `offset` on, `end` being where the input ends; returns where it stopped.
    mutating func skipPayload(from offset: Int, to end: Int) -> Int {
        let count = min(payloadLeft, end - offset)
        payloadLeft -= count
        return offset + count
    }

    /// Makes ready for the next frame.
    mutating func finishFrame() {
        isInPreface = false
        headerBytes = 0
        header.length = 0
    }
}
