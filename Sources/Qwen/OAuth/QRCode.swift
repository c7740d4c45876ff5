/// A QR code (ISO/IEC 18004) of a text, such as the URL of a login.
///
/// Bytes mode, error correction L or M, versions 1 to 13: the largest that fits a terminal of 80 columns with its quiet
/// zone, good for 425 bytes.
package struct QRCode: Sendable, Equatable {
    /// How much of the symbol may be unreadable: about 7 % or 15 %.
    package enum Correction: Int, Sendable {
        case low, medium
    }

    /// 1...13.
    package let version: Int
    package let correction: Correction
    /// Which of the eight patterns lies over the data, 0...7.
    package let mask: Int
    /// Modules along a side.
    package var size: Int { grid.size }

    private let grid: QRGrid

    /// Nil if the text is too long.
    ///
    /// - Parameters:
    ///   - correction: nil takes the better one where that makes the symbol no larger.
    ///   - mask: nil takes the one with the fewest confusing patterns.
    package init?(_ text: String, correction: Correction? = nil, mask: Int? = nil) {
        let bytes = Array(text.utf8)
        guard let smallest = QRVersion.smallest(for: bytes.count, correction ?? .low) else { return nil }
        let isBetterFree =
            correction == nil && QRVersion.smallest(for: bytes.count, .medium)?.number == smallest.number
        let correction = isBetterFree ? .medium : correction ?? .low
        var grid = QRGrid(smallest)
        grid.place(smallest.codewords(for: bytes, correction))
        let masked = (mask.map { [$0] } ?? Array(0..<8)).map { mask in
            var candidate = grid
            candidate.apply(mask: mask, correction)
            return (mask: mask, grid: candidate)
        }
        // The lowest number of those with the same penalty.
        guard let best = masked.min(by: { $0.grid.penalty < $1.grid.penalty }) else { return nil }
        self.version = smallest.number
        self.correction = correction
        self.mask = best.mask
        self.grid = best.grid
    }

    /// Whether the module is dark; outside of the symbol none is.
    package func isDark(row: Int, column: Int) -> Bool {
        (0..<size).contains(row) && (0..<size).contains(column) && grid[row, column]
    }
}
