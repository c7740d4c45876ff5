import JSON
package import NIOCore

/// Errors as this dialect tells them: OpenAI's error object, all of whose members are there.
package enum ResponsesErrorShape {
    /// Appends the body of an error response.
    package static func write(
        message: String, type: String, code: String?, param: String?, into output: inout ByteBuffer
    ) {
        output.writeStaticString("{\"error\":")
        writeError(message: message, type: type, code: code, param: param, into: &output)
        output.writeStaticString("}")
    }

    static func writeError(
        message: String, type: String, code: String?, param: String?, into output: inout ByteBuffer
    ) {
        var writer = JSONWriter(output)
        output = ByteBuffer()
        writer.beginObject()
        writer.member("message", .string(message))
        writer.member("type", .string(type))
        writer.member("param", param.map { .string($0) } ?? .null)
        writer.member("code", code.map { .string($0) } ?? .null)
        writer.endObject()
        output = writer.buffer
    }
}
