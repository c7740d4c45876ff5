import JSON
import NIOCore

/// What a response repeats of its request.
package struct ResponsesEcho: Sendable {
    /// Members of the response object, without line ends, so that they fit on one line of an event.
    let members: ByteBuffer
    /// The response is to be kept.
    let isStored: Bool

    init(_ options: ResponsesOptions, in document: borrowing JSONDocument) {
        isStored = options.isStored
        var echo = Writer()
        echo.writer.member("background", .bool(false))
        echo.write("instructions", options.instructions, or: "null", in: document)
        echo.writer.member("max_output_tokens", options.maxOutputTokens.map { .integer($0) } ?? .null)
        echo.writer.member("max_tool_calls", options.maxToolCalls.map { .integer($0) } ?? .null)
        echo.write("metadata", options.metadata, or: "{}", in: document)
        echo.writer.member("parallel_tool_calls", .bool(options.parallelToolCalls))
        echo.write("previous_response_id", options.previousResponseID, or: "null", in: document)
        echo.copy("prompt_cache_key", in: document)
        echo.writer.key("reasoning")
        echo.writer.beginObject()
        echo.write("effort", options.effort, or: "null", in: document)
        echo.write("summary", options.summary, or: "null", in: document)
        echo.writer.endObject()
        echo.copy("safety_identifier", in: document)
        echo.writer.member("service_tier", .raw("\"default\""))
        echo.writer.member("store", .bool(options.isStored))
        echo.write("temperature", options.temperature, or: "null", in: document)
        echo.writeText(options.text, in: document)
        echo.copy("tool_choice", or: "\"auto\"", in: document)
        echo.copy("tools", or: "[]", in: document)
        echo.writer.member("top_logprobs", .integer(options.topLogprobs ?? 0))
        echo.write("top_p", options.topP, or: "null", in: document)
        echo.copy("truncation", or: "\"disabled\"", in: document)
        echo.copy("user", in: document)
        members = echo.writer.buffer.withoutLineEnds
    }

    private struct Writer {
        var writer = JSONWriter()

        mutating func write(
            _ name: String, _ node: JSONNode?, or missing: StaticString, in document: borrowing JSONDocument
        ) {
            writer.member(name, node.map { .bytes(document.text(of: $0)) } ?? .raw(missing))
        }

        /// Repeats a member of the request.
        mutating func copy(_ name: String, or missing: StaticString = "null", in document: borrowing JSONDocument) {
            let node = document.member(named: name, of: document.root)
            write(name, node.flatMap { document.isNull($0) ? nil : $0 }, or: missing, in: document)
        }

        mutating func writeText(_ text: JSONNode?, in document: borrowing JSONDocument) {
            writer.key("text")
            writer.beginObject()
            let format = text.flatMap { ResponsesReader.given("format", of: $0, in: document) }
            write("format", format, or: #"{"type":"text"}"#, in: document)
            if let verbosity = text.flatMap({ ResponsesReader.given("verbosity", of: $0, in: document) }) {
                write("verbosity", verbosity, or: "null", in: document)
            }
            writer.endObject()
        }
    }
}

extension ByteBuffer {
    /// JSON text with a space for each CR and LF: they can stand between values only, never in a string.
    var withoutLineEnds: ByteBuffer {
        let isLineEnd: (UInt8) -> Bool = { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        guard readableBytesView.contains(where: isLineEnd) else { return self }
        var result = ByteBuffer()
        result.reserveCapacity(readableBytes)
        var isFirst = true
        for piece in readableBytesView.split(omittingEmptySubsequences: true, whereSeparator: isLineEnd) {
            if !isFirst { result.writeInteger(UInt8(ascii: " ")) }
            isFirst = false
            result.writeBytes(piece)
        }
        return result
    }
}
