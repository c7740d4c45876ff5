import NIOCore
import Synchronization

/// What became of the chat completion requests, over all event loops.
package final class Counters: Sendable {
    /// A reading of the counters.
    package struct Reading: Sendable, Equatable {
        package var started = 0
        package var completed = 0
        package var cancelled = 0
        package var active: Int { started - completed - cancelled }
    }

    private let reading = Mutex(Reading())

    func started() { reading.withLock { $0.started += 1 } }

    func ended(completed: Bool) {
        reading.withLock { if completed { $0.completed += 1 } else { $0.cancelled += 1 } }
    }

    package func read() -> Reading { reading.withLock { $0 } }

    func json() -> ByteBuffer {
        let now = read()
        return ByteBuffer(
            string: #"{"active":\#(now.active),"started":\#(now.started),"completed":\#(now.completed),"#
                + #""cancelled":\#(now.cancelled)}"#)
    }
}
