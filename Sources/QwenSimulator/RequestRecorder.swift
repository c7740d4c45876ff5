package import HTTP
package import NIOCore
import Synchronization

/// One request as it was received. It holds the secrets that the client has sent, and does not print them.
package struct RecordedRequest: Sendable, CustomStringConvertible {
    /// Counted from 1, in the order in which requests were whole.
    package let number: Int
    package let head: RequestHead
    /// The body, up to `RequestRecorder.largestBody`.
    package let body: ByteBuffer
    /// Bytes of the body that was received.
    package let bodySize: Int
    /// Whether the request was whole, and not given up by its client.
    package let isWhole: Bool

    package var text: String { String(buffer: body) }
    package var description: String { "\(head.method) \(head.path) [redacted]" }
}

/// The last requests that came, over all event loops.
final class RequestRecorder: Sendable {
    /// Bytes of a body that are kept.
    static let largestBody = 256 * 1024

    private struct Ring {
        var slots: [RecordedRequest] = []
        /// Requests that were ever recorded.
        var count = 0
    }

    private let limit: Int
    private let ring = Mutex(Ring())

    /// - Parameter limit: how many requests are kept.
    init(limit: Int) {
        self.limit = limit
    }

    func record(_ head: RequestHead, _ body: ByteBuffer, isWhole: Bool) {
        guard limit > 0 else { return }
        var kept = body
        if body.readableBytes > Self.largestBody {
            // A copy: a slice would keep the whole body.
            kept = ByteBuffer(bytes: body.readableBytesView.prefix(Self.largestBody))
        }
        ring.withLock { ring in
            ring.count += 1
            let request = RecordedRequest(
                number: ring.count, head: head, body: kept, bodySize: body.readableBytes, isWhole: isWhole)
            if ring.slots.count < limit {
                ring.slots.append(request)
            } else {
                ring.slots[(ring.count - 1) % limit] = request
            }
        }
    }

    /// What is kept, oldest first.
    func read() -> [RecordedRequest] {
        ring.withLock { ring in
            guard ring.count > ring.slots.count else { return ring.slots }
            let first = ring.count % limit
            return Array(ring.slots[first...] + ring.slots[..<first])
        }
    }

    func reset() {
        ring.withLock { $0 = Ring() }
    }
}
