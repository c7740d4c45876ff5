package import NIOCore

/// Signs of life while Qwen is silent. What a client puts together is the same with and without them.
extension ChatStream {
    /// A comment, which no client sees: enough for proxies on the way.
    package static let keepAliveComment: StaticString = ": keep-alive\n\n"

    /// Writes a chunk with an empty delta, for clients that wait for events and do not count comments.
    ///
    /// The delta has no content, not even an empty one, which some clients take for the end of the thinking. Before
    /// Qwen's first chunk there is none to go by: then the chunk has the gateway's own identity and the role, which
    /// some clients need with their first chunk and add up if it comes twice, so that Qwen's first one loses its own.
    /// The chunks that follow keep Qwen's id: clients take the first one they see. Once every choice has ended only
    /// the usage is to come, and a comment is written; after the end, nothing.
    ///
    /// - Parameter identity: what Qwen has not said yet is taken from it.
    package mutating func writeKeepAliveChunk(
        identity: @autoclosure () -> ChatIdentity, into output: inout ByteBuffer
    ) {
        if isDone { return }
        if progress.isComplete { return output.writeKeepAliveComment() }
        let own = header
        header.fill(from: identity())
        if progress.hasBegun || hasToldRole {
            writeChunk(choice: progress.firstOpen ?? 0, finishReason: "null", into: &output)
        } else {
            writeChunk(choice: 0, delta: #"{"role":"assistant","content":""}"#, finishReason: "null", into: &output)
            hasToldRole = true
        }
        header = own
    }
}

extension ByteBuffer {
    fileprivate mutating func writeKeepAliveComment() {
        writeStaticString(ChatStream.keepAliveComment)
    }
}
