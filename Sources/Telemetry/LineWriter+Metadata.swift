internal import Logging

/// The fields that a `Logger` carries: their names and structure are known only at run time.
extension LineWriter {
    /// Names that each line uses itself. Metadata of such a name gets an underscore before it.
    private static let reserved: Set<String> = ["time", "level", "msg", "error"]

    /// Writes metadata in the order of its names.
    mutating func fields(_ metadata: Logger.Metadata) {
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writeName(dynamic: Self.reserved.contains(name) ? "_" + name : name)
            if case .string(let text) = value { writeText(text) } else { writeJSON(value) }
        }
    }

    /// Anything but plain text is written as JSON in the text format too.
    private mutating func writeJSON(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text):
            writeQuoted(text)
        case .stringConvertible(let number as any BinaryInteger):
            writeUnescaped(String(number))
        case .stringConvertible(let flag as Bool):
            writeUnescaped(flag ? "true" : "false")
        case .stringConvertible(let value):
            writeQuoted(value.description)
        case .array(let values):
            var separator = "["
            for value in values {
                writeUnescaped(separator)
                writeJSON(value)
                separator = ","
            }
            writeUnescaped(values.isEmpty ? "[]" : "]")
        case .dictionary(let values):
            var separator = "{"
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                writeUnescaped(separator)
                writeQuoted(name)
                writeUnescaped(":")
                writeJSON(value)
                separator = ","
            }
            writeUnescaped(values.isEmpty ? "{}" : "}")
        }
    }
}
