/// The media types that a client takes, with their weights (RFC 9110 §12.5.1).
package struct AcceptedMedia: Sendable {
    private struct Range: Sendable {
        /// In lower case; `*` is any.
        var type: String
        var subtype: String
        /// In thousandths.
        var weight: Int

        /// How closely the range fits the type: 3 names it, 2 and 1 are `type/*` and `*/*`, nil does not fit.
        func closeness(to type: String, _ subtype: String) -> Int? {
            switch (self.type, self.subtype) {
            case (type, subtype): 3
            case (type, "*"): 2
            case ("*", "*"): 1
            default: nil
            }
        }
    }

    /// Nil where the client has said nothing that can be read of what it takes: it takes anything then.
    private let ranges: [Range]?

    /// Reads all Accept fields. Parameters other than `q` do not count, and what is malformed is passed over.
    package init(_ fields: HeaderFields) {
        var ranges: [Range]?
        for index in 0..<fields.count where fields.isNamed(index, "accept") {
            let value = fields.value(at: index)
            for element in Self.split(value[...], at: ",") {
                guard let range = Self.range(element) else { continue }
                ranges = (ranges ?? []) + [range]
            }
        }
        self.ranges = ranges
    }

    /// The weight of a type, 0...1000: that of the range that fits it most closely; 0 where none does.
    ///
    /// - Parameters:
    ///   - type: in lower case, as `subtype`.
    package func weight(of type: String, _ subtype: String) -> Int {
        guard let ranges else { return 1000 }
        var best: (closeness: Int, weight: Int) = (0, 0)
        for range in ranges {
            guard let closeness = range.closeness(to: type, subtype) else { continue }
            if closeness > best.closeness || closeness == best.closeness && range.weight > best.weight {
                best = (closeness, range.weight)
            }
        }
        return best.weight
    }

    private static func range(_ element: Substring) -> Range? {
        let parts = split(element, at: ";")
        let names = parts.first.map { split($0, at: "/") } ?? []
        guard names.count == 2, let type = names.first, let subtype = names.last, !type.isEmpty, !subtype.isEmpty
        else { return nil }
        var weight = 1000
        for parameter in parts.dropFirst() where parameter.lowercased().hasPrefix("q=") {
            guard let value = thousandths(parameter.dropFirst(2)) else { return nil }
            weight = value
        }
        return Range(type: type.lowercased(), subtype: subtype.lowercased(), weight: weight)
    }

    /// A qvalue (§12.4.2): 0 to 1 with three digits at most after the point.
    private static func thousandths(_ text: Substring) -> Int? {
        let digits = text.utf8
        guard let first = digits.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else { return nil }
        var value = first == UInt8(ascii: "1") ? 1000 : 0
        let rest = digits.dropFirst()
        guard rest.isEmpty || rest.first == UInt8(ascii: ".") && rest.count <= 4 else { return nil }
        var unit = 100
        for digit in rest.dropFirst() {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value += Int(digit - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return value <= 1000 ? value : nil
    }

    /// The parts of a list, without blanks around them; a separator within quotation marks is none (§5.6.4).
    private static func split(_ text: Substring, at separator: Unicode.Scalar) -> [Substring] {
        var parts: [Substring] = []
        var isQuoted = false
        var isEscaped = false
        var start = text.startIndex
        for index in text.unicodeScalars.indices {
            let scalar = text.unicodeScalars[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                isQuoted.toggle()
            } else if scalar == separator, !isQuoted {
                parts.append(trimmed(text[start..<index]))
                start = text.unicodeScalars.index(after: index)
            }
        }
        parts.append(trimmed(text[start...]))
        return parts
    }

    private static func trimmed(_ text: Substring) -> Substring {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
        var scalars = text.unicodeScalars[...]
        while let first = scalars.first, isBlank(first) { scalars.removeFirst() }
        while let last = scalars.last, isBlank(last) { scalars.removeLast() }
        return Substring(scalars)
    }
}
