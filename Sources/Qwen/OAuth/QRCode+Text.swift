extension QRCode {
    /// How a symbol is drawn with characters.
    package enum TextStyle: Sendable {
        /// Black on white by escape sequences (ECMA-48 SGR, 256 colours): looks the same in every colour scheme.
        case coloured
        /// Without escapes, for terminals that write light on dark.
        case lightOnDark
        /// Without escapes, for terminals that write dark on light, and for paper.
        case darkOnLight
    }

    /// Modules of light around a symbol (ISO/IEC 18004 §6.3.8).
    private static let quietZone = 4

    /// The symbol and its quiet zone in half blocks: two rows of modules a line, a column a module, each line ending in
    /// a newline.
    package func text(_ style: TextStyle) -> String {
        let range = -Self.quietZone..<size + Self.quietZone
        var text = ""
        // The sides are odd: the last line has a row of light below the quiet zone.
        for row in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
            if style == .coloured { text += "\u{1B}[38;5;16;48;5;231m" }
            for column in range {
                let isInverted = style == .lightOnDark
                let upper = isDark(row: row, column: column) != isInverted
                let lower = isDark(row: row + 1, column: column) != isInverted
                text += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ")
            }
            if style == .coloured { text += "\u{1B}[0m" }
            text += "\n"
        }
        return text
    }
}
