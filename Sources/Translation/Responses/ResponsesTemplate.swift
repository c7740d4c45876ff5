import JSON
import NIOCore

/// Writes the response object: what stays the same from one event to the next is put together once.
struct ResponsesTemplate: Sendable {
    private var head = ByteBuffer()
    private let echo: ByteBuffer

    init(_ identity: ResponsesIdentity, _ echo: ResponsesEcho) {
        self.echo = echo.members
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", .string(identity.responseID))
        writer.member("object", .raw("\"response\""))
        writer.member("created_at", .integer(identity.created))
        writer.member("model", .string(identity.model))
        head = writer.buffer
    }

    /// Appends the object, which stands on one line.
    ///
    /// - Returns: where its items lie, as offsets from the object's beginning.
    @discardableResult
    func write(
        _ status: ResponsesStatus, _ items: [ResponsesItem], _ usage: TokenUsage?, into output: inout ByteBuffer
    ) -> [Range<Int>] {
        let start = output.writerIndex
        output.writeImmutableBuffer(head)
        switch status {
        case .inProgress:
            output.writeStaticString(",\"status\":\"in_progress\",\"error\":null,\"incomplete_details\":null")
        case .completed:
            output.writeStaticString(",\"status\":\"completed\",\"error\":null,\"incomplete_details\":null")
        case .incomplete(let reason):
            output.writeStaticString(
                ",\"status\":\"incomplete\",\"error\":null,\"incomplete_details\":{\"reason\":\"")
            output.writeStaticString(reason)
            output.writeStaticString("\"}")
        case .failed(let code, let message):
            output.writeStaticString(",\"status\":\"failed\",\"error\":{\"code\":")
            JSONWriter.writeString(code, into: &output)
            output.writeStaticString(",\"message\":")
            JSONWriter.writeString(message, into: &output)
            output.writeStaticString("},\"incomplete_details\":null")
        }
        output.writeStaticString(",\"output\":[")
        var ranges: [Range<Int>] = []
        for item in items {
            if item.index > 0 { output.writeStaticString(",") }
            let first = output.writerIndex
            item.write(into: &output)
            ranges.append(first - start..<output.writerIndex - start)
        }
        output.writeStaticString("],\"usage\":")
        if let usage {
            usage.writeResponses(into: &output)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString(",")
        output.writeImmutableBuffer(echo)
        output.writeStaticString("}")
        return ranges
    }

    /// The object in storage of its own, and the items in it.
    func response(
        _ status: ResponsesStatus, _ items: [ResponsesItem], _ usage: TokenUsage?
    ) -> (body: ByteBuffer, items: [StoredItem]) {
        var body = ByteBuffer()
        let ranges = write(status, items, usage, into: &body)
        var stored: [StoredItem] = []
        for (item, range) in zip(items, ranges) {
            guard let text = body.getSlice(at: range.lowerBound, length: range.count) else { continue }
            stored.append(StoredItem(id: item.id, text: text))
        }
        return (body, stored)
    }
}
