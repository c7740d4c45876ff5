package import NIOCore

/// What the connections of one event loop share: scratch buffers, the clock, the list of connections that have
/// something to send, and the sweep that enforces their deadlines.
///
/// Confined to its event loop. Scratch buffers make an idle connection cheap: none of them owns a buffer.
package final class LoopContext {
    package let eventLoop: any EventLoop
    /// Zero-based, one for each event loop of the process.
    package let index: Int
    /// The time of the event that is being handled.
    package private(set) var now: NIODeadline

    /// Ciphertext of the connection that is being read; see `ReceiveBuffers`.
    var receiveBuffer = ByteBuffer()
    /// Decrypted input of the connection that is being read.
    var plaintextIn = ByteBuffer()
    /// Frames of the connection that is being flushed.
    var plaintextOut = ByteBuffer()
    /// Records of the connection that is being flushed.
    var ciphertext = ByteBuffer()

    private var unflushed: [any Flushable] = []
    private var flushing: [any Flushable] = []
    private var flushIsScheduled = false

    private var swept: [any Sweepable] = []
    private var sweepPosition = 0
    private var sweepTask: Scheduled<Void>?
    private var isShutDown = false
    private var lastActions: [() -> Void] = []
    private var tickers: [(NIODeadline) -> Void] = []
    private var lagObservers: [(TimeAmount) -> Void] = []

    /// Each connection is looked at once in five ticks: deadlines are kept to within a second.
    private static let tick = TimeAmount.milliseconds(200)
    private static let ticksPerSweep = 5
    /// Ticks since the last connection was gone: without one the loop sleeps, after what is left has been done.
    private var quietTicks = 0

    /// - Parameter eventLoop: the loop that this context belongs to; must be the current one.
    package init(eventLoop: any EventLoop, index: Int) {
        self.eventLoop = eventLoop
        self.index = index
        self.now = .now()
    }

    /// Ends the sweep. To be called before the event loop is shut down.
    package func shutdown() {
        isShutDown = true
        for action in lastActions { action() }
        lastActions.removeAll()
        sweepTask?.cancel()
        tickers.removeAll()
        lagObservers.removeAll()
    }

    /// Reads the clock. Every entry from outside (a read, a timer) begins with it.
    @discardableResult
    package func updateTime() -> NIODeadline {
        now = .now()
        return now
    }

    /// Calls `body` five times a second on the loop, while there are connections and for some seconds after.
    package func onTick(_ body: @escaping (NIODeadline) -> Void) {
        tickers.append(body)
    }

    /// Calls `body` with how late the loop comes to each tick: how long what was before it has held it up.
    package func onLag(_ body: @escaping (TimeAmount) -> Void) {
        lagObservers.append(body)
    }

    /// Calls `body` when the loop is shut down.
    package func onShutdown(_ body: @escaping () -> Void) {
        lastActions.append(body)
    }

    // MARK: Flushing

    /// Has `connection` write what it holds at the end of this pass of the loop, once, whatever else happens to it.
    func scheduleFlush(_ connection: any Flushable) {
        guard !connection.isFlushScheduled else { return }
        connection.isFlushScheduled = true
        unflushed.append(connection)
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        eventLoop.assumeIsolated().execute { [self] in flushAll() }
    }

    private func flushAll() {
        flushIsScheduled = false
        swap(&unflushed, &flushing)
        for connection in flushing {
            connection.isFlushScheduled = false
            connection.flush()
        }
        flushing.removeAll(keepingCapacity: true)
    }

    // MARK: Deadlines

    func register(_ connection: any Sweepable) {
        connection.sweepIndex = swept.count
        swept.append(connection)
        quietTicks = 0
        if sweepTask == nil, !isShutDown { scheduleSweep() }
    }

    func unregister(_ connection: any Sweepable) {
        let index = connection.sweepIndex
        guard swept.indices.contains(index), swept[index] === connection else { return }
        let last = swept.removeLast()
        if last !== connection {
            swept[index] = last
            last.sweepIndex = index
        }
        connection.sweepIndex = -1
    }

    private func scheduleSweep() {
        let due = NIODeadline.now() + Self.tick
        sweepTask = eventLoop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
            guard let self else { return }
            sweepTask = nil
            let lag = NIODeadline.now() - due
            for observer in lagObservers { observer(lag) }
            quietTicks = swept.isEmpty ? quietTicks + 1 : 0
            if quietTicks < 10 * Self.ticksPerSweep { scheduleSweep() }
            sweep()
        }
    }

    private func sweep() {
        updateTime()
        for ticker in tickers { ticker(now) }
        let share = swept.count / Self.ticksPerSweep + 1
        for _ in 0..<min(share, swept.count) {
            if sweepPosition >= swept.count { sweepPosition = 0 }
            guard sweepPosition < swept.count else { return }
            swept[sweepPosition].checkDeadlines(now)
            sweepPosition += 1
        }
    }
}

/// Something that collects output during a pass of the loop and writes it at the end.
protocol Flushable: AnyObject {
    var isFlushScheduled: Bool { get set }
    func flush()
}

/// Something with deadlines, looked at once a second.
protocol Sweepable: AnyObject {
    var sweepIndex: Int { get set }
    func checkDeadlines(_ now: NIODeadline)
}

extension LoopContext {
    /// Makes one context for each event loop of `group`.
    package static func makeAll(_ group: any EventLoopGroup) async throws -> [NIOLoopBound<LoopContext>] {
        var contexts: [NIOLoopBound<LoopContext>] = []
        for (index, eventLoop) in group.makeIterator().enumerated() {
            contexts.append(
                try await eventLoop.submit {
                    NIOLoopBound(LoopContext(eventLoop: eventLoop, index: index), eventLoop: eventLoop)
                }.get())
        }
        return contexts
    }
}
