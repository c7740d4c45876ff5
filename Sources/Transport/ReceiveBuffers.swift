import NIOCore

/// Where the channel of an accepted connection reads into: a small buffer for the first read, and from then on one that
/// all connections of the loop share, since what was read is decrypted at once.
///
/// The channel keeps the first buffer for life, so an idle connection costs little; the shared one is large, so that what
/// waits in the socket takes few reads.
struct ReceiveBuffers: RecvByteBufferAllocator {
    /// Room for the ClientHello of most clients.
    private static let firstCapacity = 512
    /// Bytes of the shared buffer.
    static let sharedCapacity = 64 * 1024

    private let loop: NIOLoopBound<LoopContext>
    private var isFirst = true

    init(loop: LoopContext) {
        self.loop = NIOLoopBound(loop, eventLoop: loop.eventLoop)
    }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        guard !isFirst else { return allocator.buffer(capacity: Self.firstCapacity) }
        return loop.value.takeReceiveBuffer() ?? allocator.buffer(capacity: Self.sharedCapacity)
    }

    /// True says that the next buffer may be larger, and so makes the channel ask for it instead of using the first again.
    mutating func record(actualReadBytes: Int) -> Bool {
        isFirst = false
        return true
    }
}

extension LoopContext {
    /// The shared buffer, empty, unless it is in use.
    fileprivate func takeReceiveBuffer() -> ByteBuffer? {
        var taken = ByteBuffer()
        swap(&taken, &receiveBuffer)
        guard taken.capacity > 0 else { return nil }
        taken.clear()
        return taken
    }

    /// Takes a buffer back that was read into and is done with; any other is let go.
    func giveBackReceiveBuffer(_ buffer: ByteBuffer) {
        if buffer.capacity == ReceiveBuffers.sharedCapacity { receiveBuffer = buffer }
    }
}
