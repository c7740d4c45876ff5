import HTTP
import NIOCore
import TLS

/// How a client's connection ends.
extension ServerConnection {
    /// Begins the graceful end: see `ServerEngine.shutdown`.
    func shutdown() {
        guard let engine else {
            if case .tls = phase { return }  // A handshake in progress may finish; its engine starts to drain at once.
            return close()
        }
        engine.shutdown()
        scheduleFlush()
    }

    /// After a fault in the TLS session: its alert goes out, then the connection closes.
    func fail() {
        if records.readableBytes > 0 {
            write(records)
            context?.flush()
            records = ByteBuffer()
        }
        close()
    }

    /// Closes the connection, with close_notify, after what was written.
    func close() {
        if case .closing = phase { return }
        if case .tls(let session) = phase {
            var output = records
            records = ByteBuffer()
            // Without close_notify a client can tell that a response which ends with the connection was broken off.
            if !hasBrokenOff { session.close(into: &output) }
            if output.readableBytes > 0 {
                write(output)
                context?.flush()
            }
        }
        endExchanges(.clientLeft)
        phase = .closing
        guard let context else { return }
        if context.channel.isWritable, (try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 == 0 {
            if hasAnsweredEarly { linger(context) } else { context.close(promise: nil) }
        } else {
            // Bytes wait in the socket's queue: let them go, within the time that a stalled write may take.
            closesWhenSent = true
        }
    }

    /// Closes the connection at once; its exchanges are broken off.
    func abandon() {
        endExchanges(.shutDown)
        context?.close(promise: nil)
    }

    // MARK: Lingering

    /// Bytes and time for which a client may go on sending what nobody reads, so that it gets to read its answer:
    /// closing at once would make the kernel reset the connection and throw the answer away (RFC 9112 §9.6).
    private static let lingerBytes = 1024 * 1024
    static let lingerTime = TimeAmount.seconds(1)
    func linger(_ context: ChannelHandlerContext) {
        lingersSince = loop.now
        context.close(mode: .output, promise: nil)
        if isReadPaused { try? channel?.syncOptions?.setOption(.autoRead, value: true) }
    }

    func discard(_ count: Int) {
        discarded += count
        if lingersSince != nil, discarded > Self.lingerBytes { context?.close(promise: nil) }
    }

    func endExchanges(_ end: ExchangeEnd) {
        while let exchange = exchanges.all.first {
            close(exchange.id, exchange.hasEnded && end == .clientLeft ? .aborted : end)
        }
    }

    func finish() {
        guard context != nil else { return }
        context = nil
        phase = .closing
        loop.unregister(self)
        endExchanges(.clientLeft)
        engine = nil
        _ = outputHold.set(0, in: server.memory)
        place.leave()
        server.closed(self)
    }
}
