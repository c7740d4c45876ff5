/// A size of QR codes: how many bytes it holds, and in which blocks (ISO/IEC 18004 tables 1, 7 and 9).
struct QRVersion: Sendable {
    /// 1...13.
    let number: Int

    /// Modules along a side.
    var size: Int { 17 + 4 * number }

    /// Bytes of data and error correction together.
    private static let totals = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346, 404, 466, 532]
    /// Bytes of error correction in each block.
    private static let correctionBytes = [
        [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26],
        [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22],
    ]
    private static let blocks = [
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4],
        [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9],
    ]

    /// The rows, and columns, of the alignment patterns' centres (annex E).
    var alignments: [Int] {
        switch number {
        case 1: []
        case 2...6: [6, size - 7]
        default: [6, (size - 1) / 2, size - 7]
        }
    }

    /// Bytes of data, the length included.
    func dataBytes(_ correction: QRCode.Correction) -> Int {
        Self.totals[number - 1]
            - Self.blocks[correction.rawValue][number - 1] * Self.correctionBytes[correction.rawValue][number - 1]
    }

    /// The smallest version that holds so many bytes of text, if any does.
    static func smallest(for count: Int, _ correction: QRCode.Correction) -> QRVersion? {
        (1...totals.count).lazy.map(QRVersion.init).first { version in
            4 + version.lengthBits + 8 * count <= 8 * version.dataBytes(correction)
        }
    }

    private var lengthBits: Int { number < 10 ? 8 : 16 }

    /// The symbol's bytes in the order of their placement, for a text that fits (§7.4 to §7.6).
    func codewords(for text: [UInt8], _ correction: QRCode.Correction) -> [UInt8] {
        let data = padded(text, to: dataBytes(correction))
        let count = Self.blocks[correction.rawValue][number - 1]
        let correctionCount = Self.correctionBytes[correction.rawValue][number - 1]
        // The later blocks are one byte longer where the data does not divide.
        let short = data.count / count
        let shortBlocks = count - data.count % count
        var blocks: [ArraySlice<UInt8>] = []
        var start = 0
        for index in 0..<count {
            let end = start + short + (index < shortBlocks ? 0 : 1)
            blocks.append(data[start..<end])
            start = end
        }
        let code = ReedSolomon(count: correctionCount)
        let corrections = blocks.map { code.remainder(of: $0) }
        return interleaved(blocks) + interleaved(corrections.map { $0[...] })
    }

    private func interleaved(_ blocks: [ArraySlice<UInt8>]) -> [UInt8] {
        let longest = blocks.map(\.count).max() ?? 0
        return (0..<longest).flatMap { offset in
            blocks.compactMap { $0.dropFirst(offset).first }
        }
    }

    /// Mode, length, text, end and padding (§7.4.5, §7.4.9, §7.4.10).
    private func padded(_ text: [UInt8], to count: Int) -> [UInt8] {
        var bits: [Bool] = []
        func append(_ value: Int, _ width: Int) {
            for bit in (0..<width).reversed() { bits.append(value >> bit & 1 == 1) }
        }
        append(0b0100, 4)
        append(text.count, lengthBits)
        for byte in text { append(Int(byte), 8) }
        append(0, min(4, 8 * count - bits.count))
        append(0, (8 - bits.count % 8) % 8)
        var bytes = stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<start + 8].reduce(UInt8(0)) { $0 << 1 | ($1 ? 1 : 0) }
        }
        let padding = count - bytes.count
        bytes += (0..<padding).map { $0 % 2 == 0 ? 0xEC : 0x11 }
        return bytes
    }
}

/// The error correction code of one block (§7.5.2 and annex A), over GF(256) modulo x⁸ + x⁴ + x³ + x² + 1.
struct ReedSolomon {
    /// The generator's coefficients below the leading 1, the highest first.
    private let generator: [UInt8]

    /// - Parameter count: bytes of error correction.
    init(count: Int) {
        // (x - 1)(x - 2)(x - 4)…, multiplied out.
        var product: [UInt8] = [1]
        var root: UInt8 = 1
        for _ in 0..<count {
            var next = product + [0]
            for (index, coefficient) in product.enumerated() { next[index + 1] ^= Self.multiply(coefficient, root) }
            product = next
            root = Self.multiply(root, 2)
        }
        generator = Array(product.dropFirst())
    }

    func remainder(of data: some Sequence<UInt8>) -> [UInt8] {
        var remainder = [UInt8](repeating: 0, count: generator.count)
        for byte in data {
            let factor = byte ^ remainder.removeFirst()
            remainder.append(0)
            for (index, coefficient) in generator.enumerated() {
                remainder[index] ^= Self.multiply(coefficient, factor)
            }
        }
        return remainder
    }

    static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var product: UInt8 = 0
        for bit in (0..<8).reversed() {
            product = product << 1 ^ (product & 0x80 != 0 ? 0x1D : 0)
            if right >> bit & 1 == 1 { product ^= left }
        }
        return product
    }
}
