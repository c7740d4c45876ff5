import Glibc
import HTTP
import NIOCore

/// Stops accepting while the system has no descriptor or memory for a connection, and tries again a moment later.
///
/// The kernel goes on saying that connections wait, so a listener that stays registered would spin. They wait in the
/// kernel's queue; connections that are open go on. NIO's `AcceptBackoffHandler` holds back the next read only, and a
/// failed accept leaves the one before it pending.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    /// Short for a client that waits, and long for a loop that has other things to do.
    private static let pause = TimeAmount.milliseconds(250)

    private let server: ServerLoop
    private var resumption: Scheduled<Void>?

    init(_ server: ServerLoop) {
        self.server = server
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let code = (error as? IOError)?.errnoCode, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code) else {
            return context.fireErrorCaught(error)
        }
        guard resumption == nil else { return }
        server.service.connectionRefused(.noDescriptors, from: nil)
        let options = context.channel.syncOptions
        try? options?.setOption(.autoRead, value: false)
        resumption = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [weak self] in
            self?.resumption = nil
            try? options?.setOption(.autoRead, value: true)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        resumption?.cancel()
        resumption = nil
        context.fireChannelInactive()
    }
}
