package import EventStream
package import HTTP
package import JSON
package import NIOCore

extension QwenFault {
    /// Reads the body of a whole answer, with the fields of its head.
    ///
    /// - Parameters:
    ///   - status: the HTTP status. With 200 the body tells.
    ///   - fields: for `content-type`, `retry-after` and `x-request-id`.
    ///   - unixTime: seconds since 1970-01-01T00:00:00Z; a Retry-After that names a date counts from there.
    package init(body: ByteBuffer, status: Int, fields: HeaderFields, unixTime: Int64) {
        let isHTML =
            fields.firstIndex(of: "content-type").map { fields.hasPrefix("text/html", at: $0) } ?? false
        self.init(FaultEnvelope(body: body, isHTML: isHTML), status: status)
        requestID = requestID ?? fields["x-request-id"].flatMap { FaultText.capped($0, to: Self.longestCode) }
        retryAfter = RetryAfter.delay(fields, unixTime: unixTime)
    }

    /// Reads an error out of a scanned JSON body or event of which it is known that it is one.
    ///
    /// - Parameter status: the HTTP status it came with, or that of a comment in front of the event.
    package init(_ document: borrowing JSONDocument, status: Int) {
        self.init(FaultEnvelope(document), status: status)
    }

    /// Classifies by status, code and message.
    package init(status: Int, code: String?, message: String?) {
        var envelope = FaultEnvelope()
        if let message { envelope = FaultEnvelope(text: message) }
        if let code { envelope.codes.insert(code, at: 0) }
        if code != nil || message != nil { envelope.form = .json }
        self.init(envelope, status: status)
    }

    /// - Parameter status: that of HTTP or of an event; below 400 it tells nothing.
    init(_ envelope: FaultEnvelope, status: Int) {
        let status =
            envelope.statusInMessage ?? ((400...599).contains(status) ? status : nil) ?? envelope.status
        self.init(
            kind: FaultTable.kind(of: envelope, status: status), status: status, code: envelope.codes.first,
            message: envelope.message, requestID: envelope.requestID)
    }
}

// MARK: - Streams

extension QwenFault {
    /// The error that an event of a stream is; nil if it is an ordinary one, or no JSON that names itself an error.
    ///
    /// - Parameter document: scratch. It holds the event afterwards, or nothing if that is no JSON.
    package init?(_ event: ServerSentEvent, document: inout JSONDocument) {
        let isError = event.isNamed("error") || (event.status ?? 200) >= 400
        do {
            try document.scan(event.data)
        } catch {
            document.removeAll()
            guard isError else { return nil }
            self.init(FaultEnvelope(event: event), status: event.status ?? 200)
            return
        }
        self.init(document, eventIsError: isError, status: event.status)
    }

    /// The error that a scanned event of a stream is; nil if it is an ordinary one.
    ///
    /// - Parameters:
    ///   - eventIsError: the event's name is `error`.
    ///   - status: that of a comment `:HTTP_STATUS/429` in front of the event.
    package init?(_ document: borrowing JSONDocument, eventIsError: Bool, status: Int?) {
        if eventIsError || (status ?? 200) >= 400 || Self.isError(document) {
            self.init(document, status: status ?? 200)
            return
        }
        guard let choices = document.member("choices", of: document.root) else { return nil }
        for choice in document.elements(of: choices) {
            if let wrapped = WrappedFault.envelope(in: choice, of: document) {
                self.init(wrapped, status: 200)
                return
            }
            // Model serving reports some failures as the text of a last chunk.
            if let reason = document.member("finish_reason", of: choice), document.stringEquals(reason, "error_finish")
            {
                self.init(document, status: 200)
                return
            }
        }
        return nil
    }

    /// Whether the text of a chunk is no answer but an error event that somebody on the way has taken for one.
    package static func isWrapped(in text: String) -> Bool { WrappedFault.envelope(text) != nil }

    /// OpenAI's object, a flat error, or a Responses object that failed. Other events than errors of the Responses
    /// and Messages dialects have neither a code nor a message of text beside their type.
    private static func isError(_ document: borrowing JSONDocument) -> Bool {
        let root = document.root
        if let error = document.member("error", of: root), !document.isNull(error) { return true }
        if document.member("choices", of: root) != nil { return false }
        if let type = document.member("type", of: root),
            document.stringEquals(type, "error") || document.stringEquals(type, "response.failed")
        {
            return true
        }
        guard let code = document.member("code", of: root), !document.isNull(code),
            let message = document.member("message", of: root)
        else { return false }
        return document.kind(of: message) == .string || document.isNull(message)
    }
}
