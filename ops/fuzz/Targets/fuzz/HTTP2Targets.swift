import HTTP
import NIOCore

/// An input is a list of frames in short: type, flags, stream and length in one byte each, then so many bytes of
/// payload. So mutations change frames, and not only their lengths. The type 0xFF stands for payload without a frame
/// header.
enum HTTP2Targets {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    private static let settingsAck: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    /// The frames of an input. Their types are known ones or a few above; streams are 0 to 31, but for one far away.
    private static func frames(_ input: [UInt8]) -> [UInt8] {
        var frames: [UInt8] = []
        var rest = input[...]
        while rest.count >= 4 {
            let (type, flags, stream, length) = (
                rest[rest.startIndex], rest[rest.startIndex + 1], rest[rest.startIndex + 2], rest[rest.startIndex + 3]
            )
            let payload = rest.dropFirst(4).prefix(Int(length))
            rest = rest.dropFirst(4 + payload.count)
            if type != 0xFF {
                frames += [0, 0, UInt8(payload.count), type & 0x0F, flags]
                frames += stream & 0x80 == 0 ? [0, 0, 0, stream & 0x1F] : [0x7F, 0xFF, 0xFF, stream]
            }
            frames += payload
        }
        return frames
    }

    /// Frames in short as what a client sends.
    static func server(_ input: [UInt8]) {
        let bytes = preface + settings + settingsAck + frames(input)
        let whole = serve(bytes, .whole, answers: false)
        for cut in [Cut.bytes, .random] {
            let other = serve(bytes, cut, answers: false)
            check(other == whole, "cut \(cut):\n\(other)\nin place of\n\(whole)")
            _ = serve(bytes, cut, answers: true)
        }
    }

    /// - Parameter answers: work the engine after each piece, and answer. Otherwise everything is read first, so that
    ///   it does not matter when the answers come.
    private static func serve(_ bytes: [UInt8], _ cut: Cut, answers: Bool) -> [String] {
        var limits = HTTP1Targets.limits
        limits.concurrentStreams = 4
        let server = HTTP2Server(limits: limits)
        let log = ServerLog(server, answers: answers)
        for piece in cut.pieces(of: bytes) {
            var input = ByteBuffer(bytes: piece)
            do throws(ConnectionFault) {
                try server.receive(&input, now: .uptimeNanoseconds(0))
            } catch {
                log.lines.append("fault \(error.message)")
                break
            }
            if answers { log.run() }
        }
        log.run()
        log.answerAll()
        log.run()
        checkFrames(log.output, skipping: 0)
        server.shutdown()
        server.shutdown()
        log.run()
        return wholeExchanges(log.lines)
    }

    /// Frames in short as what a server answers to three requests.
    static func client(_ input: [UInt8]) {
        let bytes = frames(input)
        let whole = ask(bytes, .whole, works: false)
        for cut in [Cut.bytes, .random] {
            let other = ask(bytes, cut, works: false)
            check(other == whole, "cut \(cut):\n\(other)\nin place of\n\(whole)")
            _ = ask(bytes, cut, works: true)
        }
    }

    private static func ask(_ bytes: [UInt8], _ cut: Cut, works: Bool) -> [String] {
        let client = HTTP2Client(limits: HTTP1Targets.limits)
        let log = ClientLog(client)
        // Before the server's SETTINGS a client takes one request only.
        var opening = ByteBuffer(bytes: settings + settingsAck)
        check((try? client.receive(&opening, now: .uptimeNanoseconds(0))) != nil, "SETTINGS were refused")
        for method in ["GET", "POST", "HEAD"] {
            let body = method == "POST" ? ByteBuffer(string: "body") : ByteBuffer()
            check(client.send(RequestHead(method: method, authority: "a", path: "/"), body: body) != nil, "refused")
        }
        log.run()
        for piece in cut.pieces(of: bytes) {
            var input = ByteBuffer(bytes: piece)
            do throws(ConnectionFault) {
                try client.receive(&input, now: .uptimeNanoseconds(0))
            } catch {
                log.lines.append("fault \(error.message)")
                break
            }
            if works { log.run() }
        }
        log.run()
        client.receiveEnd(clean: true)
        log.run()
        check(client.isFinished && client.openStreams == 0, "an exchange outlives its connection")
        log.checkAllEnded(3)
        checkFrames(log.output, skipping: preface.count)
        return wholeExchanges(log.lines)
    }

    /// Without the bodies that did not come to their end: how much of the last frame was handed out before it was
    /// found wrong depends on how it came.
    private static func wholeExchanges(_ lines: [String]) -> [String] {
        let ended = Set(lines.filter { $0.hasPrefix("end ") }.map { $0.dropFirst(4) })
        return lines.filter { !$0.hasPrefix("body ") || ended.contains($0.split(separator: " ")[1]) }
    }

    /// The output is made of whole frames, and no stream goes on behind its end.
    private static func checkFrames(_ output: ByteBuffer, skipping skipped: Int) {
        var rest = output
        rest.moveReaderIndex(forwardBy: skipped)
        var ended: Set<UInt32> = []
        while let head = rest.readInteger(as: UInt32.self) {
            guard let flags = rest.readInteger(as: UInt8.self), let stream = rest.readInteger(as: UInt32.self),
                rest.readSlice(length: Int(head >> 8)) != nil
            else { fatalError("the output ends within a frame") }
            guard head & 0xFF <= 1 else { continue }
            check(!ended.contains(stream), "DATA or HEADERS behind the end of a stream")
            if flags & 1 != 0 { ended.insert(stream) }
        }
        check(rest.readableBytes == 0, "the output ends within a frame")
    }
}
