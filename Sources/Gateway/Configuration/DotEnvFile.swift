/// A `.env` file: lines of `NAME=value`, empty lines, and comments that begin with `#`.
///
/// A value may stand in a pair of single or double quotes, which are taken off; there is no expansion and there are
/// no escapes. What other readers of such files would take differently (a comment behind a value, `export`, a name set
/// twice) is refused rather than guessed.
struct DotEnvFile {
    private(set) var variables: [String: String] = [:]
    /// The line that sets each variable, counted from 1.
    private(set) var lines: [String: Int] = [:]
    /// The lines that cannot be used. A fault repeats nothing of its line, which may be a misplaced secret.
    private(set) var faults: [(line: Int, fault: ValueFault)] = []

    init(_ text: String) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            do throws(ValueFault) {
                try take(line, number: index + 1)
            } catch {
                faults.append((index + 1, error))
            }
        }
    }

    private mutating func take(_ line: Substring, number: Int) throws(ValueFault) {
        guard let equals = line.firstIndex(of: "=") else { throw ValueFault("is not of the form NAME=value") }
        let name = String(line[..<equals].trimmed)
        guard Self.isName(name) else { throw ValueFault("does not begin with the name of a variable") }
        let value = try Self.value(line[equals...].dropFirst().trimmed)
        if let first = lines[name] { throw ValueFault("sets the variable of line \(first) a second time") }
        variables[name] = value
        lines[name] = number
    }

    private static func value(_ text: Substring) throws(ValueFault) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            guard !text.contains(" #") else {
                throw ValueFault("has a comment behind its value; give it a line of its own")
            }
            return String(text)
        }
        guard text.count >= 2, text.last == quote else { throw ValueFault("has a quote without its counterpart") }
        let value = text.dropFirst().dropLast()
        guard !value.contains(quote) else { throw ValueFault("has a quote inside of quotes") }
        return String(value)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !first.isASCIIDigit else { return false }
        return name.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "_") }
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    var trimmed: SubSequence {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? endIndex
        return self[start..<end]
    }
}
