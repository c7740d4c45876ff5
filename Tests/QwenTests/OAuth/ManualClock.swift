import Synchronization

@testable import Qwen

/// A clock that stands still until a test moves it.
final class ManualClock: OAuthClock {
    private struct State {
        var now: Int64
        var sleepers: [Int: (deadline: Int64, continuation: CheckedContinuation<Bool, Never>)] = [:]
        var cancelled: Set<Int> = []
        var lastID = 0
        var watchers: [(isMet: @Sendable ([Int64]) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state: Mutex<State>

    init(now: Int64 = 1_000_000) {
        state = Mutex(State(now: now))
    }

    var now: Int64 { state.withLock { $0.now } }

    func sleep(until deadline: Int64) async throws(CancellationError) {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let result: Bool? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return false }
                    if state.now >= deadline { return true }
                    state.sleepers[id] = (deadline, continuation)
                    return nil
                }
                if let result { continuation.resume(returning: result) } else { tellWatchers() }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                let sleeper = state.sleepers.removeValue(forKey: id)
                if sleeper == nil { state.cancelled.insert(id) }
                return sleeper
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }

    func advance(by milliseconds: Int64) { advance(to: now + milliseconds) }

    /// Moves the clock, never backwards, and wakes who waited for it.
    func advance(to time: Int64) {
        let due = state.withLock { state in
            state.now = max(state.now, time)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume(returning: true) }
    }

    /// Waits until somebody sleeps until then.
    func sleeper(at deadline: Int64) async {
        await watch { $0.contains(deadline) }
    }

    /// Waits until so many sleep until then.
    func sleepers(_ count: Int, at deadline: Int64) async {
        await watch { deadlines in deadlines.count { $0 == deadline } >= count }
    }

    /// Waits until so many sleep, and moves the clock to where the first wakes.
    func step(sleepers: Int) async {
        await watch { $0.count >= sleepers }
        let first = state.withLock { $0.sleepers.values.map(\.deadline).min() }
        if let first { advance(to: first) }
    }

    private func watch(_ isMet: @escaping @Sendable ([Int64]) -> Bool) async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.watchers.append((isMet, continuation)) }
            tellWatchers()
        }
    }

    private func tellWatchers() {
        let met = state.withLock { state in
            let deadlines = state.sleepers.values.map(\.deadline)
            let met = state.watchers.filter { $0.isMet(deadlines) }
            state.watchers.removeAll { $0.isMet(deadlines) }
            return met.map(\.continuation)
        }
        for continuation in met { continuation.resume() }
    }
}

/// Holds back whoever passes, until it is opened.
actor Gate {
    private var isOpen = false
    private var arrivals = 0
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    func pass() async {
        arrivals += 1
        for watcher in watchers where watcher.count <= arrivals { watcher.continuation.resume() }
        watchers.removeAll { $0.count <= arrivals }
        if !isOpen { await withCheckedContinuation { held.append($0) } }
    }

    func open() {
        isOpen = true
        for continuation in held { continuation.resume() }
        held = []
    }

    /// Waits until so many have come.
    func arrived(_ count: Int = 1) async {
        if arrivals < count { await withCheckedContinuation { watchers.append((count, $0)) } }
    }
}
