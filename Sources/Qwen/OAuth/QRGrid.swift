/// The modules of a QR code, and which of them are patterns of the symbol rather than data (ISO/IEC 18004 §6.3).
struct QRGrid: Sendable, Equatable {
    let size: Int
    private var modules: [Bool]
    private var isPattern: [Bool]

    /// A symbol with its patterns and version, and neither data nor format.
    init(_ version: QRVersion) {
        size = version.size
        modules = [Bool](repeating: false, count: size * size)
        isPattern = modules
        for index in 0..<size {
            draw(6, index, isDark: index % 2 == 0)
            draw(index, 6, isDark: index % 2 == 0)
        }
        for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] { drawFinder(row, column) }
        let centres = version.alignments
        for row in centres {
            // The finders take three of the four corners.
            for column in centres where (row, column) == (size - 7, size - 7) || !isCorner(row, column) {
                drawAlignment(row, column)
            }
        }
        drawFormat(0)
        if version.number >= 7 { drawVersion(version.number) }
    }

    subscript(row: Int, column: Int) -> Bool { modules[row * size + column] }

    private mutating func draw(_ row: Int, _ column: Int, isDark: Bool) {
        modules[row * size + column] = isDark
        isPattern[row * size + column] = true
    }

    private func isCorner(_ row: Int, _ column: Int) -> Bool {
        (row == 6 || row == size - 7) && (column == 6 || column == size - 7)
    }

    /// A finder and the light line around it.
    private mutating func drawFinder(_ row: Int, _ column: Int) {
        for down in -4...4 {
            for right in -4...4 where (0..<size).contains(row + down) && (0..<size).contains(column + right) {
                let distance = max(abs(down), abs(right))
                draw(row + down, column + right, isDark: distance != 2 && distance != 4)
            }
        }
    }

    private mutating func drawAlignment(_ row: Int, _ column: Int) {
        for down in -2...2 {
            for right in -2...2 { draw(row + down, column + right, isDark: max(abs(down), abs(right)) != 1) }
        }
    }

    /// The 15 bits of error correction and mask, twice (§7.9).
    private mutating func drawFormat(_ bits: Int) {
        for bit in 0..<15 {
            let isDark = bits >> bit & 1 == 1
            switch bit {
            case 0..<6: draw(bit, 8, isDark: isDark)
            case 6, 7: draw(bit + 1, 8, isDark: isDark)
            case 8: draw(8, 7, isDark: isDark)
            default: draw(8, 14 - bit, isDark: isDark)
            }
            if bit < 8 {
                draw(8, size - 1 - bit, isDark: isDark)
            } else {
                draw(size - 15 + bit, 8, isDark: isDark)
            }
        }
        draw(size - 8, 8, isDark: true)
    }

    /// The 18 bits of the version, twice (§7.10).
    private mutating func drawVersion(_ number: Int) {
        let bits = number << 12 | Self.remainder(of: number << 12, by: 0x1F25, width: 12)
        for bit in 0..<18 {
            let isDark = bits >> bit & 1 == 1
            draw(bit / 3, size - 11 + bit % 3, isDark: isDark)
            draw(size - 11 + bit % 3, bit / 3, isDark: isDark)
        }
    }

    /// Of a division of polynomials over GF(2) by one of degree `width`.
    private static func remainder(of dividend: Int, by divisor: Int, width: Int) -> Int {
        var rest = dividend
        while rest >> width != 0 {
            rest ^= divisor << (Int.bitWidth - 1 - rest.leadingZeroBitCount - width)
        }
        return rest
    }

    /// Lays the bytes out in pairs of columns, from the lower right, up and down in turn (§7.7.3).
    mutating func place(_ codewords: [UInt8]) {
        var bit = 0
        var isUpward = true
        var right = size - 1
        while right > 0 {
            // The vertical timing pattern takes a column of its own.
            if right == 6 { right -= 1 }
            for step in 0..<size {
                let row = isUpward ? size - 1 - step : step
                for column in [right, right - 1] where !isPattern[row * size + column] && bit < 8 * codewords.count {
                    modules[row * size + column] = codewords[bit / 8] >> (7 - bit % 8) & 1 == 1
                    bit += 1
                }
            }
            isUpward.toggle()
            right -= 2
        }
    }

    /// Turns the data over where the mask says so, and writes which mask it is (§7.8.2).
    mutating func apply(mask: Int, _ correction: QRCode.Correction) {
        for row in 0..<size {
            for column in 0..<size where !isPattern[row * size + column] && Self.isTurned(mask, row, column) {
                modules[row * size + column].toggle()
            }
        }
        let data = (correction == .low ? 0b01 : 0b00) << 3 | mask
        drawFormat((data << 10 | Self.remainder(of: data << 10, by: 0x537, width: 10)) ^ 0x5412)
    }

    private static func isTurned(_ mask: Int, _ row: Int, _ column: Int) -> Bool {
        switch mask {
        case 0: (row + column) % 2 == 0
        case 1: row % 2 == 0
        case 2: column % 3 == 0
        case 3: (row + column) % 3 == 0
        case 4: (row / 2 + column / 3) % 2 == 0
        case 5: row * column % 2 + row * column % 3 == 0
        case 6: (row * column % 2 + row * column % 3) % 2 == 0
        default: ((row + column) % 2 + row * column % 3) % 2 == 0
        }
    }
}

// MARK: - Penalty

extension QRGrid {
    /// How confusing the symbol is to a reader: the less the better (§7.8.3).
    var penalty: Int {
        var total = balancePenalty
        for index in 0..<size {
            total += linePenalty { self[index, $0] } + linePenalty { self[$0, index] }
        }
        for row in 0..<size - 1 {
            for column in 0..<size - 1 {
                let isDark = self[row, column]
                if isDark == self[row, column + 1], isDark == self[row + 1, column],
                    isDark == self[row + 1, column + 1]
                {
                    total += 3
                }
            }
        }
        return total
    }

    /// Runs of five and more alike, and what looks like the middle of a finder beside four light modules.
    private func linePenalty(_ isDark: (Int) -> Bool) -> Int {
        var total = 0
        var run = 0
        // The last eleven modules, the newest lowest.
        var window = 0
        for index in 0..<size {
            run = index > 0 && isDark(index) == isDark(index - 1) ? run + 1 : 1
            if run == 5 { total += 3 } else if run > 5 { total += 1 }
            window = (window << 1 | (isDark(index) ? 1 : 0)) & 0x7FF
            if index >= 10, window == 0b101_1101_0000 || window == 0b000_0101_1101 { total += 40 }
        }
        return total
    }

    /// Ten for each twentieth that the share of dark modules is away from a half.
    private var balancePenalty: Int {
        let dark = modules.count { $0 }
        return abs(20 * dark - 10 * modules.count) / modules.count * 10
    }
}
