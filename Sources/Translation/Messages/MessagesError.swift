import JSON
package import NIOCore

/// Errors in Anthropic's shape: `{"type":"error","error":{"type":…,"message":…},"request_id":…}`.
package enum MessagesError {
    /// The name of an error by its status. A name that Anthropic gives a status of its own (529) goes to the one that
    /// means the same here (503).
    package static func type(status: Int) -> StaticString {
        switch status {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 503, 529: "overloaded_error"
        case 408, 504: "timeout_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }

    /// Appends an error's body.
    ///
    /// - Parameters:
    ///   - code: the gateway's or OpenAI's code, where it says more than the status. The shape has no place for it, but
    ///     clients look for Anthropic's words about a prompt that is too long.
    ///   - requestID: what the header `request-id` says.
    package static func write(
        status: Int, message: String, code: String? = nil, requestID: String?, into output: inout ByteBuffer
    ) {
        output.writeStaticString(#"{"type":"error","error":{"type":""#)
        output.writeStaticString(type(status: status))
        output.writeStaticString(#"","message":""#)
        if code == "context_length_exceeded" { output.writeStaticString("prompt is too long: ") }
        JSONWriter.writeStringBody(message, into: &output)
        output.writeStaticString(#""},"request_id":"#)
        if let requestID {
            JSONWriter.writeString(requestID, into: &output)
        } else {
            output.writeStaticString("null")
        }
        output.writeStaticString("}")
    }
}
