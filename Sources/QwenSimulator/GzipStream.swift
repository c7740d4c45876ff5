import NIOCore

/// Wraps bytes as gzip (RFC 1952) without compressing them: each piece is a stored block (RFC 1951 §3.2.4).
///
/// A client that can inflate gets every piece as soon as it arrives, and nobody needs a compressor.
struct GzipStream {
    private var checksum = CRC32()
    private var count: UInt32 = 0
    private var hasBegun = false

    /// Appends `bytes` to `output`, behind the header if this is the beginning.
    mutating func write(_ bytes: ByteBuffer, into output: inout ByteBuffer) {
        begin(into: &output)
        var bytes = bytes
        checksum.update(bytes.readableBytesView)
        count &+= UInt32(truncatingIfNeeded: bytes.readableBytes)
        while let block = bytes.readSlice(length: min(bytes.readableBytes, 65_535)), block.readableBytes > 0 {
            Self.writeBlock(isLast: false, block, into: &output)
        }
    }

    /// Ends the stream: an empty last block, the checksum and the length.
    mutating func finish(into output: inout ByteBuffer) {
        begin(into: &output)
        Self.writeBlock(isLast: true, ByteBuffer(), into: &output)
        output.writeInteger(checksum.value, endianness: .little)
        output.writeInteger(count, endianness: .little)
    }

    private mutating func begin(into output: inout ByteBuffer) {
        guard !hasBegun else { return }
        hasBegun = true
        // No name, no time, unknown system.
        output.writeBytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF])
    }

    private static func writeBlock(isLast: Bool, _ block: ByteBuffer, into output: inout ByteBuffer) {
        let length = UInt16(truncatingIfNeeded: block.readableBytes)
        output.writeInteger(UInt8(isLast ? 1 : 0))
        output.writeInteger(length, endianness: .little)
        output.writeInteger(~length, endianness: .little)
        output.writeImmutableBuffer(block)
    }
}

/// The checksum of gzip (RFC 1952 §8).
struct CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }

    private var state: UInt32 = .max

    var value: UInt32 { ~state }

    mutating func update(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = Self.table[Int((state ^ UInt32(byte)) & 0xFF)] ^ (state >> 8) }
    }
}
