package import NIOCore

/// One event of a stream (WHATWG HTML §9.2.6), as slices of the bytes that it came in.
package struct ServerSentEvent: Sendable, Equatable {
    /// The data lines, joined by LF. It holds no CR, and no LF but those.
    package var data: ByteBuffer
    /// The `event` field: what kind of event this is, if it says so.
    package var name: ByteBuffer?
    /// The `id` field. Unlike lastEventId of the standard it does not carry over to the next event.
    package var id: ByteBuffer?
    /// The number of a comment `:HTTP_STATUS/429`, by which Qwen gives the status of an error inside a stream.
    package var status: Int?
    /// False for an event at the end of the input that lacks its blank line, so that some of it may be missing.
    package var isComplete: Bool

    package init(
        data: ByteBuffer, name: ByteBuffer? = nil, id: ByteBuffer? = nil, status: Int? = nil, isComplete: Bool = true
    ) {
        self.data = data
        self.name = name
        self.id = id
        self.status = status
        self.isComplete = isComplete
    }

    /// Whether the `event` field is `expected`.
    package func isNamed(_ expected: StaticString) -> Bool {
        name.map { Self.equals($0, expected) } ?? false
    }

    /// Whether the data is `expected`, as with the `[DONE]` that ends a stream.
    package func hasData(_ expected: StaticString) -> Bool {
        Self.equals(data, expected)
    }

    private static func equals(_ bytes: ByteBuffer, _ expected: StaticString) -> Bool {
        guard bytes.readableBytes == expected.utf8CodeUnitCount else { return false }
        return expected.withUTF8Buffer { expected in
            unsafe bytes.withUnsafeReadableBytes { unsafe $0.elementsEqual(expected) }
        }
    }
}
