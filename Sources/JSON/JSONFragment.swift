package import NIOCore

/// A value to be written into a JSON text.
package enum JSONFragment: Sendable {
    /// Characters; they are escaped as they are written.
    case string(String)
    case integer(Int)
    /// Written as null if it is not finite.
    case double(Double)
    case bool(Bool)
    case null
    /// JSON text, taken as it is.
    case raw(StaticString)
    /// JSON text, taken as it is: the caller has scanned it or made it with `JSONWriter`.
    case bytes(ByteBuffer)

    func write(into output: inout ByteBuffer) {
        switch self {
        case .string(let value): JSONWriter.writeString(value, into: &output)
        case .integer(let value): JSONWriter.writeInteger(value, into: &output)
        case .double(let value): JSONWriter.writeDouble(value, into: &output)
        case .bool(let value): output.writeStaticString(value ? "true" : "false")
        case .null: output.writeStaticString("null")
        case .raw(let text): output.writeStaticString(text)
        case .bytes(let text): output.writeImmutableBuffer(text)
        }
    }
}
