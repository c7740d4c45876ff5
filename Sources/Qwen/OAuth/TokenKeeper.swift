import Synchronization

/// Keeps the tokens of one Qwen login usable: hands out the access token, refreshes it ahead of its end, once for all
/// callers of this process and once for all processes that share the storage.
///
/// Qwen rotates refresh tokens: one that was used is worth nothing. So a refresh happens under a lock, from what the
/// storage holds then, and its tokens are saved before anyone uses them.
package actor TokenKeeper {
    /// What has changed. Does not print the tokens that it carries.
    package enum Event: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
        /// A credential is in use that was not before: refreshed here, by another process, or by a new login.
        case refreshed(OAuthCredential)
        /// Qwen refuses the credential for good; why, and how to log in again.
        case dead(String)
        /// A refresh or a save has failed and will be tried again.
        case failing(String)

        package var description: String {
            switch self {
            case .refreshed: "refreshed"
            case .dead(let explanation): "dead: \(explanation)"
            case .failing(let explanation): "failing: \(explanation)"
            }
        }
        package var customMirror: Mirror { Mirror(self, children: []) }
    }

    /// How the keeper goes about it.
    package struct Settings: Sendable {
        /// `TOKEN_REFRESH_BUFFER`: how long before its end a token is replaced.
        package var refreshBuffer = Duration.seconds(300)
        /// How long to wait for another process's refresh; longer than a dead process's lock takes to go stale.
        package var lockPatience = Duration.seconds(20)
        /// How often a dead credential is looked for in the storage: another process may have logged in.
        package var revivalInterval = Duration.seconds(30)

        package init() {}
    }

    /// What callers get without waiting.
    enum Standing: Sendable {
        case live(OAuthCredential)
        case dead(String)
    }

    package nonisolated let name: String
    let settings: Settings
    let schedule: RefreshSchedule
    let requests: OAuthRequests
    let transport: any OAuthTransport
    nonisolated let clock: any OAuthClock
    let storage: any OAuthCredentialStorage
    let lock: any RefreshLock
    let jitter: @Sendable () -> Double
    private let onEvent: @Sendable (Event) -> Void

    private nonisolated let shared: Mutex<Standing>
    /// The newest credential known, alive or dead.
    var credential: OAuthCredential
    /// When it came; nil for the one that the keeper was made with.
    private var obtained: Int64?
    /// Refreshes in a row that failed, and when the next may be tried.
    private var failures = 0
    private var pause: (until: Int64, failure: TokenFailure)?
    /// A credential that came from Qwen and is not in the storage yet, with the one it replaces there.
    var unsaved: (credential: OAuthCredential, predecessor: OAuthCredential)?

    /// The access token that Qwen gave last in a refresh of this process.
    nonisolated let granted = Mutex<String?>(nil)

    private var flight: Task<Void, Never>?
    private var timer: Task<Void, Never>?
    private var saving: Task<Void, Never>?
    private var isStarted = false
    private(set) var isClosed = false
    /// Qwen is being asked: the refresh must not be given up.
    var isAsking = false
    private var waiters: [Int: CheckedContinuation<Result<OAuthCredential, TokenFailure>, Never>] = [:]
    private var lastWaiter = 0

    /// - Parameters:
    ///   - name: what the storage calls the credential.
    ///   - credential: as it was loaded.
    ///   - jitter: random numbers in 0..<1.
    ///   - onEvent: told every event, in order; must not block.
    package init(
        name: String, credential: OAuthCredential, settings: Settings = Settings(), requests: OAuthRequests,
        transport: any OAuthTransport, clock: any OAuthClock, storage: any OAuthCredentialStorage,
        lock: any RefreshLock, jitter: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) },
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.name = name
        self.credential = credential
        self.settings = settings
        self.requests = requests
        self.transport = transport
        self.clock = clock
        self.storage = storage
        self.lock = lock
        self.jitter = jitter
        self.onEvent = onEvent
        schedule = RefreshSchedule(buffer: settings.refreshBuffer.wholeMilliseconds)
        shared = Mutex(.live(credential))
    }

    /// Begins to refresh in the background. Callers are served without as well.
    package func start() {
        guard !isStarted, !isClosed else { return }
        isStarted = true
        arm()
    }

    /// Refreshes no more. A refresh whose request is under way is finished: its tokens would be lost.
    package func close() async {
        isClosed = true
        timer?.cancel()
        if !isAsking { flight?.cancel() }
        await flight?.value
        saving?.cancel()
        await saving?.value
        if unsaved != nil { _ = await saveUnsaved() }
    }

    /// Puts the credential of a new login, which is stored already, in place of what there was.
    package func replace(with credential: OAuthCredential) {
        unsaved = nil
        adopt(credential)
    }
}

// MARK: - Callers

extension TokenKeeper {
    /// Nil while the credential lives, and why it does not.
    package nonisolated var deathExplanation: String? {
        if case .dead(let explanation) = standing { explanation } else { nil }
    }

    /// Whether Qwen gave a credential to this process in its last refresh. One that was found in the storage may be of
    /// any age.
    package nonisolated func isGranted(_ credential: OAuthCredential) -> Bool {
        granted.withLock { $0 } == credential.accessToken
    }

    /// The newest credential; nil once it is dead. Its access token may have expired.
    package nonisolated var latest: OAuthCredential? {
        if case .live(let credential) = standing { credential } else { nil }
    }

    nonisolated var standing: Standing { shared.withLock { $0 } }

    /// A credential whose access token has not expired: at once, and on the caller's thread, if there is one.
    ///
    /// - Parameter patience: how long to wait for a refresh at most. A credential that is dead, or whose last refresh
    ///   has failed just now, lets nobody wait.
    package nonisolated func current(patience: Duration) async throws(TokenFailure) -> OAuthCredential {
        switch standing {
        case .live(let credential) where clock.now < credential.expiry: return credential
        case .live: return try await renewed(after: nil, patience: patience)
        case .dead(let explanation): throw TokenFailure(.dead, explanation)
        }
    }

    /// A credential in place of one whose access token Qwen has refused: the current one if it is another already, or
    /// that of a refresh which all callers share.
    package nonisolated func refreshed(
        after rejected: String, patience: Duration
    ) async throws(TokenFailure) -> OAuthCredential {
        switch standing {
        case .live(let credential) where credential.accessToken != rejected && clock.now < credential.expiry:
            return credential
        case .live: return try await renewed(after: rejected, patience: patience)
        case .dead(let explanation): throw TokenFailure(.dead, explanation)
        }
    }

    private func renewed(after rejected: String?, patience: Duration) async throws(TokenFailure) -> OAuthCredential {
        let deadline = clock.now + patience.wholeMilliseconds
        // The refresh that was under way may give what the caller was refused with: then one more is made.
        for _ in 0..<2 {
            if case .dead(let explanation) = standing { throw TokenFailure(.dead, explanation) }
            if credential.accessToken != rejected, clock.now < credential.expiry { return credential }
            if isClosed { throw TokenFailure(.closed, "The gateway is stopping.") }
            if flight == nil, let pause, clock.now < pause.until { throw pause.failure }
            takeOff()
            let result = try await landing(until: deadline)
            if result.accessToken != rejected { return result }
        }
        throw TokenFailure(.failing, "Qwen refuses the access token that it has just given. \(OAuthAdvice.tryLater)")
    }

    /// Waits for the refresh that is under way.
    private func landing(until deadline: Int64) async throws(TokenFailure) -> OAuthCredential {
        let impatience = TokenFailure(
            .outOfPatience, "The refresh of Qwen's token takes longer than the request can wait. Try again.")
        guard clock.now < deadline else { throw impatience }
        lastWaiter += 1
        let id = lastWaiter
        let timer = Task {
            do { try await self.clock.sleep(until: deadline) } catch { return }
            self.resume(id, .failure(impatience))
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiters[id] = $0 }
        } onCancel: {
            Task { await self.resume(id, .failure(TokenFailure(.cancelled, "The request was cancelled."))) }
        }
        timer.cancel()
        return try result.get()
    }

    private func resume(_ id: Int, _ result: Result<OAuthCredential, TokenFailure>) {
        waiters.removeValue(forKey: id)?.resume(returning: result)
    }
}

// MARK: - State

extension TokenKeeper {
    /// Starts a refresh unless one is under way.
    private func takeOff() {
        guard flight == nil, !isClosed else { return }
        let base = credential
        flight = Task {
            let landing = await refresh(base)
            flight = nil
            landed(landing, base)
        }
    }

    private func landed(_ landing: Landing, _ base: OAuthCredential) {
        let result: Result<OAuthCredential, TokenFailure>
        if credential != base {
            // Somebody logged in meanwhile.
            result = .success(credential)
        } else {
            switch landing {
            case .current(let new):
                adopt(new)
                result = .success(new)
            case .dead(let explanation):
                die(explanation)
                result = .failure(TokenFailure(.dead, explanation))
            case .failed(let failure):
                failures += 1
                pause = (clock.now + RefreshSchedule.backoff(failures: failures, jitter: jitter()), failure)
                onEvent(.failing(failure.explanation))
                result = .failure(failure)
            }
        }
        for id in waiters.keys { resume(id, result) }
        if unsaved != nil { keepSaving() }
        arm()
    }

    private func adopt(_ new: OAuthCredential) {
        credential = new
        obtained = clock.now
        failures = 0
        pause = nil
        shared.withLock { $0 = .live(new) }
        onEvent(.refreshed(new))
        arm()
    }

    private func die(_ explanation: String) {
        shared.withLock { $0 = .dead(explanation) }
        onEvent(.dead(explanation))
    }

    /// Says that a credential is in use which a crash would lose.
    func warnOfUnsaved(_ error: OAuthStorageError) {
        onEvent(
            .failing(
                "The refreshed credential “\(name)” could not be saved: \(error). It is in use, saving is tried again, "
                    + "and it would be lost if the gateway stopped now."))
    }

    private func keepSaving() {
        guard saving == nil, !isClosed else { return }
        saving = Task {
            var failures = 0
            while unsaved != nil {
                failures += 1
                let until = clock.now + RefreshSchedule.backoff(failures: failures, jitter: jitter())
                do { try await clock.sleep(until: until) } catch { break }
                switch await saveUnsaved() {
                case .current(let other)?: adopt(other)
                case .dead(let explanation)?:
                    die(explanation)
                    arm()
                case .failed?, nil: break
                }
            }
            saving = nil
        }
    }

    // MARK: The timer

    private func arm() {
        timer?.cancel()
        timer = nil
        guard isStarted, !isClosed else { return }
        let due =
            if deathExplanation != nil {
                clock.now + settings.revivalInterval.wholeMilliseconds
            } else if let pause {
                pause.until
            } else {
                schedule.due(credential, obtained: obtained, jitter: jitter())
            }
        timer = Task { [weak self, clock] in
            do { try await clock.sleep(until: due) } catch { return }
            await self?.timerFired()
        }
    }

    private func timerFired() async {
        guard !Task.isCancelled else { return }
        guard deathExplanation != nil else { return takeOff() }
        let dead = credential
        if case .other(let found) = await look(besides: dead), credential == dead, clock.now < found.expiry {
            adopt(found)
        } else {
            arm()
        }
    }
}
