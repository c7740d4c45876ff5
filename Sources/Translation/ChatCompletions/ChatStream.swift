import EventStream
package import JSON
package import NIOCore

/// The events of one streamed chat completion, from Qwen to the client: each is checked, then passed on as it is.
///
/// A stream is whole when Qwen says `[DONE]`, or when it ends cleanly after every choice had its `finish_reason` and
/// the usage that was asked for came: then nothing is missing but the marker. Any other end is a truncation.
package struct ChatStream: Sendable {
    /// What to do after an event.
    package enum Action: Equatable {
        /// The event was passed on, or there was nothing in it.
        case proceed
        /// `[DONE]` was passed on: the stream is whole.
        case done
        /// The event is an error of Qwen's: `document` holds it. Nothing was passed on.
        case fault
        /// The event is no JSON object: Qwen, or something before it, is broken. Nothing was passed on.
        case malformed
    }

    private let includesUsage: Bool
    private var sawUsage = false
    /// Choices by index, up to 64: those that began, and those that have ended.
    private var begun: UInt64 = 0
    private var finished: UInt64 = 0
    package private(set) var isDone = false

    package init(includesUsage: Bool) {
        self.includesUsage = includesUsage
    }

    /// Takes one event's data and appends what the client is to get.
    package mutating func receive(
        _ data: ByteBuffer, document: inout JSONDocument, into output: inout ByteBuffer
    ) -> Action {
        if data.readableBytes == 0 || isDone { return .proceed }
        if Self.isDoneMarker(data) {
            isDone = true
            Self.writeDone(into: &output)
            return .done
        }
        do {
            try document.scan(data)
        } catch {
            return .malformed
        }
        guard document.kind(of: document.root) == .object else { return .malformed }
        guard let choices = document.member("choices", of: document.root), !isError(document) else { return .fault }
        for choice in document.elements(of: choices) {
            let index = document.member("index", of: choice).flatMap { document.integer($0) } ?? 0
            let bit: UInt64 = (0..<64).contains(index) ? 1 << UInt64(index) : 0
            begun |= bit
            guard let reason = document.member("finish_reason", of: choice), !document.isNull(reason) else { continue }
            // Model serving reports some failures as the last chunk's text.
            if document.stringEquals(reason, "error_finish") { return .fault }
            finished |= bit
        }
        if let usage = document.member("usage", of: document.root), !document.isNull(usage) { sawUsage = true }
        EventStreamWriter.writeEvent(data: data, into: &output)
        return .proceed
    }

    /// Qwen ended the response cleanly without `[DONE]`: appends the marker if nothing else is missing.
    ///
    /// - Returns: whether the stream is whole.
    package mutating func end(into output: inout ByteBuffer) -> Bool {
        if isDone { return true }
        guard begun != 0, begun == finished, sawUsage || !includesUsage else { return false }
        isDone = true
        Self.writeDone(into: &output)
        return true
    }

    private func isError(_ document: borrowing JSONDocument) -> Bool {
        guard let error = document.member("error", of: document.root) else { return false }
        return !document.isNull(error)
    }

    private static func isDoneMarker(_ data: ByteBuffer) -> Bool {
        guard data.readableBytes <= 16 else { return false }
        return data.readableBytesView.trimmed.elementsEqual("[DONE]".utf8)
    }

    private static func writeDone(into output: inout ByteBuffer) {
        output.writeStaticString("data: [DONE]\n\n")
    }
}

extension ByteBufferView {
    /// Without spaces at either end.
    fileprivate var trimmed: ByteBufferView {
        var slice = self
        while slice.first == 0x20 { slice = slice.dropFirst() }
        while slice.last == 0x20 { slice = slice.dropLast() }
        return slice
    }
}
