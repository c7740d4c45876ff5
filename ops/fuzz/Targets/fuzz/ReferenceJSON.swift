/// RFC 8259 as its grammar reads, for the scanner to be compared with: one function a rule, nothing quick.
struct ReferenceJSON {
    private let text: [UInt8]
    private var offset = 0
    private let mostDepth: Int

    /// Whether the text is JSON whose containers are nested no deeper than `depth`.
    static func accepts(_ text: [UInt8], depth: Int) -> Bool {
        // Outside of strings every byte is ASCII, so it does not matter that strings are not looked at one by one.
        guard String(validating: text, as: UTF8.self) != nil else { return false }
        var reader = ReferenceJSON(text: text, mostDepth: depth)
        reader.skipSpace()
        guard reader.value(0) else { return false }
        reader.skipSpace()
        return reader.offset == text.count
    }

    private init(text: [UInt8], mostDepth: Int) {
        self.text = text
        self.mostDepth = mostDepth
    }

    private var next: Character? { offset < text.count ? Character(UnicodeScalar(text[offset])) : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard next == character else { return false }
        offset += 1
        return true
    }

    private mutating func take(_ word: String) -> Bool {
        guard text[offset...].starts(with: word.utf8) else { return false }
        offset += word.utf8.count
        return true
    }

    private mutating func skipSpace() {
        while offset < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[offset]) { offset += 1 }
    }

    private mutating func value(_ depth: Int) -> Bool {
        switch next {
        case "{": return list(depth + 1, "{", "}") { $0.string() && $0.colon() && $0.value(depth + 1) }
        case "[": return list(depth + 1, "[", "]") { $0.value(depth + 1) }
        case "\"": return string()
        case "t": return take("true")
        case "f": return take("false")
        case "n": return take("null")
        default: return number()
        }
    }

    private mutating func list(
        _ depth: Int, _ first: Character, _ last: Character, _ element: (inout ReferenceJSON) -> Bool
    ) -> Bool {
        guard depth <= mostDepth, take(first) else { return false }
        skipSpace()
        if take(last) { return true }
        while true {
            skipSpace()
            guard element(&self) else { return false }
            skipSpace()
            if take(last) { return true }
            guard take(",") else { return false }
        }
    }

    private mutating func colon() -> Bool {
        skipSpace()
        guard take(":") else { return false }
        skipSpace()
        return true
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while offset < text.count {
            let byte = text[offset]
            offset += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case 0..<0x20: return false
            case UInt8(ascii: "\\"):
                guard let letter = next else { return false }
                offset += 1
                if letter == "u" {
                    let digits = text[offset...].prefix(4)
                    guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }) else {
                        return false
                    }
                    offset += 4
                } else if !"\"\\/bfnrt".contains(letter) {
                    return false
                }
            default: break
            }
        }
        return false
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0") {
            guard digits() else { return false }
        }
        if take("."), !digits() { return false }
        if next == "e" || next == "E" {
            offset += 1
            if !take("+") { _ = take("-") }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = offset
        while let digit = next, ("0"..."9").contains(digit) { offset += 1 }
        return offset > start
    }
}
