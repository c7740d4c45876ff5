import JSON
import NIOCore

/// The shape in which an error comes: ten of them are known.
package enum ErrorEnvelope: String, Sendable, CaseIterable {
    /// `{"error":{message,type,param,code},"request_id"}`
    case compatible = "E1"
    /// `{"code","message","request_id"}`
    case flat = "E2"
    /// As E1, but framed as an event, with a status of 400 and more.
    case framed = "E3"
    /// An event of the native interface in a stream with status 200; its status stands in a comment.
    case native = "E4"
    /// A chunk with `finish_reason: "error_finish"` and the error as its text.
    case finish = "E5"
    /// The text of E4 as the text of a chunk.
    case wrapped = "E6"
    /// `response.failed`, in a stream of the Responses interface.
    case responses = "E7"
    /// An error event of the Anthropic interface.
    case messages = "E8"
    /// `{"error":"…"}`: the error is a string.
    case text = "E9"
    /// Of the edge: no body, a page or a line of text.
    case edge = "E10"
    /// Of the search plugin: `{"errorType","rid","message":null,"status"}`.
    case plugin

    /// Whether it comes inside a stream with status 200 and not with a status of its own.
    var isOfStreams: Bool {
        switch self {
        case .native, .finish, .wrapped, .responses, .messages: true
        default: false
        }
    }
}

extension SimulatedError {
    /// The error as a response with a status of its own.
    ///
    /// - Parameter status: another status than the error's.
    func answer(
        _ envelope: ErrorEnvelope? = nil, status: Int? = nil, framing: Framing = Framing(), requestID: String
    ) -> Answer {
        let envelope = envelope ?? self.envelope
        var answer = Answer(status: status ?? self.status, requestID: requestID)
        switch envelope {
        case .framed:
            answer.contentType = "text/event-stream;charset=UTF-8"
            if framing.errorStyle == .named {
                answer.body.writeStaticString("event: error")
                answer.body.writeStaticString(framing.lineEnd.text)
            }
            answer.body.writeStaticString(framing.hasSpace ? "data: " : "data:")
            writeCompatible(requestID, into: &answer.body)
            if framing.errorStyle != .open {
                answer.body.writeStaticString(framing.lineEnd.text)
                answer.body.writeStaticString(framing.lineEnd.text)
            }
        case .edge:
            answer.contentType = message.hasPrefix("<") ? "text/html; charset=utf-8" : "text/plain"
            if message.isEmpty { answer.contentType = nil }
            answer.body.writeString(message)
        default:
            writeDocument(envelope, requestID, into: &answer.body)
        }
        return answer
    }

    /// The error's document: what stands in a body, or behind `data:`.
    func writeDocument(_ envelope: ErrorEnvelope, _ requestID: String, into output: inout ByteBuffer) {
        switch envelope {
        case .text:
            output.writeStaticString(#"{"error":"#)
            JSONWriter.writeString(message, into: &output)
            output.writeStaticString("}")
        case .plugin:
            output.writeString(#"{"errorType":"\#(code)","rid":"\#(requestID)","message":null,"status":\#(status)}"#)
        case .flat, .native, .wrapped: writeFlat(requestID, into: &output)
        case .responses:
            output.writeStaticString(
                #"{"type":"response.failed","sequence_number":1,"response":{"id":"resp_1","object":"response","#)
            output.writeStaticString(#""status":"failed","output":[],"error":{"code":"#)
            JSONWriter.writeString(code, into: &output)
            output.writeStaticString(#","message":"#)
            JSONWriter.writeString(message, into: &output)
            output.writeStaticString("}}}")
        case .messages:
            output.writeStaticString(#"{"type":"error","error":{"type":"invalid_request_error","message":"#)
            var inner = ByteBuffer()
            writeFlat(requestID, into: &inner)
            JSONWriter.writeString(String(buffer: inner), into: &output)
            output.writeStaticString("}}")
        case .edge: output.writeString(message)
        case .compatible, .framed, .finish: writeCompatible(requestID, into: &output)
        }
    }

    /// The error as an event of a stream: all shapes but E5 and E6, which are chunks.
    func writeEvent(
        _ envelope: ErrorEnvelope, framing: Framing, requestID: String, into output: inout ByteBuffer
    ) {
        let lineEnd = framing.lineEnd.text
        switch envelope {
        case .native:
            for line in ["id:1", "event:error", ":HTTP_STATUS/\(status)"] {
                output.writeString(line)
                output.writeStaticString(lineEnd)
            }
            output.writeStaticString("data:")
        case .responses:
            output.writeStaticString("event:response.failed")
            output.writeStaticString(lineEnd)
            output.writeStaticString("data:")
        case .messages:
            output.writeStaticString("event: error")
            output.writeStaticString(lineEnd)
            output.writeStaticString("data:")
        case .edge:
            // No frame at all: the edge writes into the body what it has to say.
            output.writeString(message)
            return
        default:
            output.writeStaticString(framing.hasSpace ? "data: " : "data:")
        }
        writeDocument(envelope, requestID, into: &output)
        output.writeStaticString(lineEnd)
        output.writeStaticString(lineEnd)
    }

    private func writeCompatible(_ requestID: String, into output: inout ByteBuffer) {
        output.writeStaticString(#"{"error":{"message":"#)
        JSONWriter.writeString(message, into: &output)
        output.writeStaticString(#","type":"#)
        JSONWriter.writeString(type, into: &output)
        output.writeStaticString(#","param":null,"code":"#)
        JSONWriter.writeString(code, into: &output)
        output.writeString(#"},"request_id":"\#(name == "quota-plan" ? "" : requestID)"}"#)
    }

    private func writeFlat(_ requestID: String, into output: inout ByteBuffer) {
        output.writeString(#"{"request_id":"\#(requestID)","code":"#)
        JSONWriter.writeString(code, into: &output)
        output.writeStaticString(#","message":"#)
        JSONWriter.writeString(message, into: &output)
        output.writeStaticString("}")
    }
}

/// A response that is whole before it is sent.
struct Answer {
    var status = 200
    /// nil leaves the field out.
    var contentType: String? = "application/json"
    var body = ByteBuffer()
    var requestID: String
    /// Further fields.
    var fields: [(name: String, value: String)] = []
    /// Milliseconds until it is sent.
    var delay = 0

    init(status: Int = 200, requestID: String) {
        self.status = status
        self.requestID = requestID
    }
}
