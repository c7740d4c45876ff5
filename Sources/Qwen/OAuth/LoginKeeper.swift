import Synchronization
import TLS

/// Holds the one login that may be under way, in this process and, through the lock, in all that share the directory.
///
/// Everything about it is in memory: a restart forgets it, and a copy of the directory carries none of it.
package actor LoginKeeper {
    /// How far the login is.
    package enum State: Sendable, Equatable {
        /// None was started, or the last was cancelled.
        case idle
        /// The code is on its way.
        case starting
        /// The user must confirm.
        case waiting(DevicePrompt)
        /// Another process has a login under way, and shows its code; this one takes over what comes of it.
        case elsewhere
        /// The credential is stored under this name.
        case succeeded(String)
        /// What happened and what to do.
        case failed(String)

        /// Whether a login is under way.
        package var isUnderWay: Bool {
            switch self {
            case .starting, .waiting, .elsewhere: true
            case .idle, .succeeded, .failed: false
            }
        }
    }

    private let requests: OAuthRequests
    private let transport: any OAuthTransport
    private let clock: any OAuthClock
    private let storage: any OAuthCredentialStorage
    private let lock: any RefreshLock
    private let random: @Sendable (Int) throws -> [UInt8]
    private let onChange: @Sendable (State) -> Void

    private nonisolated let published = Mutex(State.idle)
    private var login: Task<Void, Never>?
    private var observers = Observers()

    private static let lockPatience: Int64 = 1000
    private static let retrySavingAfter: [Int64] = [1000, 2000, 4000]

    /// - Parameters:
    ///   - random: secure random bytes, as many as asked for.
    ///   - onChange: told every new state, in order; must not block.
    package init(
        requests: OAuthRequests, transport: any OAuthTransport, clock: any OAuthClock,
        storage: any OAuthCredentialStorage, lock: any RefreshLock,
        random: @escaping @Sendable (Int) throws -> [UInt8] = { try secureRandomBytes($0) },
        onChange: @escaping @Sendable (State) -> Void
    ) {
        self.requests = requests
        self.transport = transport
        self.clock = clock
        self.storage = storage
        self.lock = lock
        self.random = random
        self.onChange = onChange
    }

    /// How far the login is, at once.
    package nonisolated var state: State { published.withLock { $0 } }

    /// Starts a login whose credential will be stored under `name`, unless one is under way.
    ///
    /// - Parameter patience: how long to wait for the code at most; zero returns at once.
    /// - Returns: the state then: of the login that was under way, if there was one.
    @discardableResult
    package func start(as name: String, patience: Duration = .zero) async -> State {
        if login == nil {
            publish(.starting)
            login = Task { await self.run(name) }
        }
        await wait(for: patience) { $0 != .starting }
        return state
    }

    /// Waits until no login is under way.
    package func finished() async -> State {
        await wait(for: nil) { !$0.isUnderWay }
        return state
    }

    /// Ends the login that is under way, if there is one, and waits for its end.
    package func cancel() async {
        login?.cancel()
        await login?.value
    }

    private func publish(_ state: State) {
        published.withLock { $0 = state }
        onChange(state)
        observers.resume(for: state)
    }
}

// MARK: - The login

extension LoginKeeper {
    private func run(_ name: String) async {
        let end = await excluded(name)
        login = nil
        publish(end)
    }

    /// Logs in while no other process does.
    private func excluded(_ name: String) async -> State {
        do throws(OAuthStorageError) {
            try await storage.check(name)
        } catch {
            return .failed("The login was not begun: \(error).")
        }
        let before = await logins()
        let giveUp = clock.now + DeviceAuthorization.longestLifetime
        var outcome = await lock.acquire(.login, until: clock.now + Self.lockPatience)
        let isContended = outcome == .timedOut
        if isContended { publish(.elsewhere) }
        while outcome == .timedOut {
            if Task.isCancelled { return .idle }
            if await logins()[name] != before[name] { return .succeeded(name) }
            guard clock.now < giveUp else { return .failed(Self.otherIsStuck) }
            outcome = await lock.acquire(.login, until: clock.now + Self.lockPatience)
        }
        switch outcome {
        case .acquired(let hold):
            let heartbeat = lock.heartbeat(hold, clock)
            let end = isContended ? await continued(name, hold, since: before) : await logIn(name)
            heartbeat.cancel()
            await lock.release(hold)
            return end
        case .unavailable(let reason): return .failed("The login was not begun: \(reason).")
        case .timedOut: return .failed(Self.otherIsStuck)
        }
    }

    /// What comes after the login of another process: there is nothing left to do, or the user was not there, or the
    /// other has logged in under another name, which does not concern this one.
    private func continued(_ name: String, _ hold: RefreshLockHold, since before: [String: Int64]) async -> State {
        let now = await logins()
        if let login = now[name], login != before[name] { return .succeeded(name) }
        let isOtherName = now.contains { $0.key != name && $0.value != before[$0.key] }
        guard isOtherName || hold.wasStale else { return .failed(Self.otherEndedInVain) }
        publish(.starting)
        return await logIn(name)
    }

    private static let otherIsStuck =
        "Another process has had a login under way for an hour. End that process, and log in again."
    private static let otherEndedInVain =
        "The login that another process had under way ended without a credential. \(OAuthAdvice.loginAgain)"

    private func logIn(_ name: String) async -> State {
        do throws(LoginFailure) {
            guard let credential = try await drive() else { return .idle }
            // Whoever cancels the login now comes too late: its code is spent, and its tokens would be lost.
            let saving = Task { () async -> LoginFailure? in
                do throws(LoginFailure) {
                    try await self.save(credential, as: name)
                    return nil
                } catch {
                    return error
                }
            }
            if let failure = await saving.value { throw failure }
            return .succeeded(name)
        } catch {
            return .failed(error.explanation)
        }
    }

    /// Does what the state machine says; nil if the task was cancelled.
    private func drive() async throws(LoginFailure) -> OAuthCredential? {
        var login = try newLogin()
        var action = login.begin()
        while true {
            switch action {
            case .send(let request):
                do throws(OAuthTransportError) {
                    let answer = try await transport.send(request)
                    action = login.answered(answer, now: clock.now)
                } catch {
                    if Task.isCancelled { return nil }
                    action = login.transportFailed(error, now: clock.now)
                }
            case .wait(let until):
                if let prompt = login.prompt, state != .waiting(prompt) { publish(.waiting(prompt)) }
                do { try await clock.sleep(until: until) } catch { return nil }
                // A clock that was set back during the sleep must not make it last longer.
                action = login.timePassed(now: max(clock.now, until))
            case .succeed(let credential): return credential
            case .fail(let failure): throw failure
            case .ignore: throw LoginFailure(.notStarted, "The login lost its way. \(OAuthAdvice.loginAgain)")
            }
        }
    }

    private func newLogin() throws(LoginFailure) -> DeviceLogin {
        do {
            return DeviceLogin(
                requests: requests, pkce: try PKCE(random: random(PKCE.randomBytes)),
                requestID: UUIDv4.text(random: try random(16)))
        } catch {
            throw LoginFailure(.notStarted, "The login was not begun: \(error).")
        }
    }

    /// Under the credential's own lock: a refresh of its predecessor that ends later must not replace it. A lock that
    /// cannot be had is no reason to lose the tokens.
    private func save(_ credential: OAuthCredential, as name: String) async throws(LoginFailure) {
        let outcome = await lock.acquire(.credential(name), until: clock.now + 15_000)
        var attempt = 0
        var failure: OAuthStorageError?
        repeat {
            do throws(OAuthStorageError) {
                try await storage.save(credential, as: name)
                failure = nil
            } catch {
                failure = error
                guard attempt < Self.retrySavingAfter.count else { break }
                do { try await clock.sleep(until: clock.now + Self.retrySavingAfter[attempt]) } catch { break }
                attempt += 1
            }
        } while failure != nil
        if case .acquired(let hold) = outcome { await lock.release(hold) }
        if let failure {
            throw LoginFailure(
                .notSaved,
                "Qwen confirmed the login, but its credential could not be saved: \(failure). "
                    + "Mend that, and log in again.")
        }
    }

    private func logins() async -> [String: Int64] {
        (try? await storage.logins()) ?? [:]
    }
}

// MARK: - Waiting for a state

extension LoginKeeper {
    /// Who waits for a state, and for which.
    private struct Observers {
        var list: [Int: (isMet: (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = [:]
        var lastID = 0

        mutating func resume(for state: State) {
            for (id, observer) in list where observer.isMet(state) { resume(id) }
        }

        mutating func resume(_ id: Int) {
            list.removeValue(forKey: id)?.continuation.resume()
        }
    }

    /// Returns when the condition is met, the time is over (nil: never) or the task is cancelled.
    private func wait(for patience: Duration?, until isMet: @escaping (State) -> Bool) async {
        if isMet(state) || patience.map({ $0 <= .zero }) == true || Task.isCancelled { return }
        observers.lastID += 1
        let id = observers.lastID
        var timer: Task<Void, Never>?
        if let patience {
            let deadline = clock.now + patience.wholeMilliseconds
            timer = Task {
                do { try await self.clock.sleep(until: deadline) } catch { return }
                self.observers.resume(id)
            }
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { observers.list[id] = (isMet, $0) }
        } onCancel: {
            Task { await self.stopObserving(id) }
        }
        timer?.cancel()
    }

    private func stopObserving(_ id: Int) {
        observers.resume(id)
    }
}
