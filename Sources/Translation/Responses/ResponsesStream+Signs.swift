import JSON
package import NIOCore

/// What the gateway has to say on its own: that it is still there, and that it broke off.
extension ResponsesStream {
    /// Writes an event that has no effect, for clients that give up when none comes; they count no comments.
    ///
    /// While an item is being written it is an empty piece of it. Before the first item it is `response.in_progress`,
    /// said again (it begins the stream if that has not begun). Both are events that every client knows; of the event
    /// `keepalive` that OpenAI sends itself, versions of its SDKs for Node, Java and PHP give up with an error.
    /// `response.in_progress` is not said once there are items: the SDKs take the response in it for all there is.
    /// After the answer's end, when only the usage is to come, it is a comment; after the stream's end nothing.
    package mutating func keepAlive(into output: inout ByteBuffer) {
        if isDone || hasFailed { return }
        if !hasStarted {
            start(into: &output)
        } else if items.isEmpty, ending == nil {
            writeResponse("response.in_progress", .inProgress, into: &output)
        } else if let place = items.lastIndex(where: { $0.status == .inProgress }) {
            writeDelta(ByteBuffer(), of: place, into: &output)
        } else {
            output.writeStaticString(": keep-alive\n\n")
        }
    }

    /// Tells the client that the stream broke: nothing follows. Does nothing after the end.
    ///
    /// `response.failed` is for clients that follow the response, and tells the reason. It does not stop a program
    /// that only reads events: OpenAI's SDKs throw when an event has an `error`, which the `error` event behind it has.
    ///
    /// - Parameters:
    ///   - type: OpenAI's type of the error, as `server_error`.
    ///   - code: OpenAI's code for it.
    package mutating func fail(
        message: String, type: String, code: String?, param: String? = nil, into output: inout ByteBuffer
    ) {
        if isDone || hasFailed { return }
        start(into: &output)
        for place in items.indices where items[place].status == .inProgress {
            items[place].status = .incomplete
        }
        writeResponse("response.failed", .failed(code: code ?? "server_error", message: message), into: &output)
        beginEvent("error", into: &output)
        output.writeStaticString(",\"code\":")
        Self.writeString(code, into: &output)
        output.writeStaticString(",\"message\":")
        JSONWriter.writeString(message, into: &output)
        output.writeStaticString(",\"param\":")
        Self.writeString(param, into: &output)
        output.writeStaticString(",\"error\":")
        ResponsesErrorShape.writeError(message: message, type: type, code: code, param: param, into: &output)
        endEvent(into: &output)
        hasFailed = true
    }

    private static func writeString(_ value: String?, into output: inout ByteBuffer) {
        if let value {
            JSONWriter.writeString(value, into: &output)
        } else {
            output.writeStaticString("null")
        }
    }
}
