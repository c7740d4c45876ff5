internal import Glibc
package import HTTP
package import NIOCore

/// Asks one question in plain HTTP/1.1 and waits for the answer, without an event loop: for a program that asks and
/// ends, such as a health check that runs every half minute.
package enum PlainProbe {
    /// Why there was no answer, in words for the operator.
    package struct Failure: Error, Sendable, Equatable {
        package let reason: String
    }

    /// The most bytes that are read of the answer.
    private static let answerLimit = 64 * 1024

    /// Sends a request and returns the head of its answer. Blocks.
    ///
    /// - Parameters:
    ///   - host: an address or a name; the first address that it resolves to is asked.
    ///   - timeout: for all of it, beside resolving a name.
    package static func ask(
        _ request: RequestHead, of host: String, port: Int, timeout: TimeAmount
    ) throws(Failure) -> ResponseHead {
        let deadline = NIODeadline.now() + timeout
        let address: SocketAddress
        do {
            address = try .makeAddressResolvingHost(host, port: port)
        } catch {
            throw Failure(reason: "\(host) can not be resolved")
        }
        let descriptor = try connected(to: address, deadline)
        defer { close(descriptor) }
        let engine = HTTP1Client(limits: HTTPLimits())
        _ = engine.send(request, body: ByteBuffer())
        var output = ByteBuffer()
        _ = engine.writeOutput(into: &output, limit: .max)
        try send(output, to: descriptor, deadline)
        var left = answerLimit
        while left > 0 {
            var input = try receive(from: descriptor, deadline)
            left -= input.readableBytes
            let isOver = input.readableBytes == 0
            do throws(ConnectionFault) {
                try engine.receive(&input, now: .now())
            } catch {
                throw Failure(reason: "it answers, but not in HTTP: \(error.message)")
            }
            while let event = engine.nextEvent() {
                if case .head(_, let head) = event { return head }
            }
            if isOver { throw Failure(reason: "it closed the connection without an answer") }
        }
        throw Failure(reason: "its answer has no end to its head")
    }

    private static func connected(to address: SocketAddress, _ deadline: NIODeadline) throws(Failure) -> Int32 {
        let isIPv6 = address.protocol == .inet6
        let descriptor = socket(
            isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        do throws(Failure) {
            // On Linux it bounds the connecting as well (socket(7)).
            try setTimeout(SO_SNDTIMEO, of: descriptor, deadline)
        } catch {
            close(descriptor)
            throw error
        }
        guard unsafe address.withSockAddr({ unsafe connect(descriptor, $0, socklen_t($1)) }) == 0 else {
            defer { close(descriptor) }
            throw failure("connect")
        }
        return descriptor
    }

    private static func send(_ bytes: ByteBuffer, to descriptor: Int32, _ deadline: NIODeadline) throws(Failure) {
        var rest = bytes.readableBytesView
        while !rest.isEmpty {
            try setTimeout(SO_SNDTIMEO, of: descriptor, deadline)
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// What has come, or nothing at the end of the connection.
    private static func receive(from descriptor: Int32, _ deadline: NIODeadline) throws(Failure) -> ByteBuffer {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            try setTimeout(SO_RCVTIMEO, of: descriptor, deadline)
            let count = unsafe recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("recv") }
            return ByteBuffer(bytes: chunk[..<count])
        }
    }

    /// Gives the next call on the socket what is left of the time.
    private static func setTimeout(_ option: Int32, of descriptor: Int32, _ deadline: NIODeadline) throws(Failure) {
        let left = (deadline - .now()).nanoseconds
        guard left > 0 else { throw Failure(reason: "it did not answer in time") }
        // Zero would mean no limit.
        let microseconds = max(left / 1000, 1)
        var time = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        guard unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size)) == 0
        else { throw failure("setsockopt") }
    }

    /// What the system says of the call that failed.
    private static func failure(_ call: String) -> Failure {
        let code = errno
        switch code {
        case EAGAIN, EINPROGRESS: return Failure(reason: "it did not answer in time")
        case ECONNREFUSED: return Failure(reason: "nothing listens there")
        default: return Failure(reason: "\(IOError(errnoCode: code, reason: call))")
        }
    }
}
