import HTTP
import NIOCore

enum HTTP1Targets {
    /// Any bytes as what a client sends.
    static func server(_ input: [UInt8]) {
        let whole = serve(input, .whole)
        for cut in [Cut.bytes, .random] {
            let other = serve(input, cut)
            check(other == whole, "cut \(cut):\n\(other)\nin place of\n\(whole)")
        }
    }

    private static func serve(_ input: [UInt8], _ cut: Cut) -> [String] {
        let server = HTTP1Server(limits: limits, scheme: "https")
        let log = ServerLog(server, answers: true)
        for piece in cut.pieces(of: input) {
            var bytes = ByteBuffer(bytes: piece)
            check((try? server.receive(&bytes, now: .uptimeNanoseconds(0))) != nil, "HTTP/1.1 never throws")
            log.run()
        }
        log.lines.append("finished \(server.isFinished), in a head \(server.isReceivingHead)")
        // It is only said while the body has not come.
        let output = shown(log.output.readableBytesView).split(
            separator: shown("HTTP/1.1 100 Continue\r\n\r\n".utf8).dropFirst().dropLast())
        log.lines.append("output " + output.joined())
        return log.lines
    }

    /// Low enough for short inputs to pass them.
    static var limits: HTTPLimits {
        var limits = HTTPLimits()
        limits.headerListSize = 1024
        limits.headerCount = 10
        limits.targetLength = 128
        return limits
    }

    /// Any bytes as what a server answers; a connection that goes on gets the same request again.
    static func client(_ input: [UInt8]) {
        var choices = Choices(input)
        let method = ["GET", "HEAD", "POST"][choices.below(3)]
        let whole = ask(input, .whole, method)
        for cut in [Cut.bytes, .random] {
            let other = ask(input, cut, method)
            check(other == whole, "cut \(cut):\n\(other)\nin place of\n\(whole)")
        }
    }

    private static func ask(_ input: [UInt8], _ cut: Cut, _ method: String) -> [String] {
        let client = HTTP1Client(limits: limits)
        let log = ClientLog(client)
        check(client.send(RequestHead(method: method, authority: "a", path: "/"), body: ByteBuffer()) != nil, "refused")
        log.run()
        for piece in cut.pieces(of: input) {
            var bytes = ByteBuffer(bytes: piece)
            _ = try? client.receive(&bytes, now: .uptimeNanoseconds(0))
            log.run()
        }
        log.lines.append("finished \(client.isFinished), open \(client.openStreams)")
        client.receiveEnd(clean: true)
        log.run()
        check(client.isFinished && client.openStreams == 0, "an exchange outlives its connection")
        log.checkAllEnded(1)
        return log.lines
    }
}
