import HTTP
import NIOCore
import NIOPosix
import Qwen
import Synchronization
import TLS
import Telemetry
import Transport
import Vault

// What logins and refreshes need of the world: network, time, files and locks.

/// Carries requests to the authorization server on the gateway's own TLS client.
struct FetchingOAuthTransport: OAuthTransport {
    let fetcher: UpstreamFetcher
    private static let timeout = TimeAmount.seconds(30)

    func send(_ request: OAuthRequest) async throws(OAuthTransportError) -> OAuthAnswer {
        let origin = Origin(host: request.url.host, port: request.url.port)
        do throws(UpstreamError) {
            let response = try await fetcher.fetch(
                request.head, body: request.body, from: origin, timeout: Self.timeout)
            return OAuthAnswer(
                status: response.status, contentType: response.fields["content-type"], body: response.body)
        } catch {
            throw OAuthTransportError(error.description)
        }
    }
}

/// The system's time.
struct SystemOAuthClock: OAuthClock {
    var now: Int64 { WallTime.now().milliseconds }

    func sleep(until deadline: Int64) async throws(CancellationError) {
        do {
            try await Task.sleep(for: .milliseconds(max(deadline - now, 0)))
        } catch {
            throw CancellationError()
        }
    }
}

/// Runs what blocks on the disk, or for the tenth of a second that deriving a key takes, outside the event loops.
enum BlockingWork {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOSingletons.posixBlockingThreadPool.runIfActive(body)
    }

    /// For what cannot fail; nil only when the process is about to end.
    static func value<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result? {
        try? await NIOSingletons.posixBlockingThreadPool.runIfActive(body)
    }
}

/// Tokens in the credential store.
struct StoredOAuthCredentials: OAuthCredentialStorage {
    let store: CredentialStore
    /// Keeps tokens out of the log.
    let redactor: SecretRedactor

    func load(_ name: String) async throws(OAuthStorageError) -> OAuthCredential? {
        let stored = try await blocking { () throws(CredentialStoreError) in try store.load(name) }
        guard case .oauth(let credential)? = stored?.credential else { return nil }
        redactor.register(credential.secrets)
        return credential
    }

    func logins() async throws(OAuthStorageError) -> [String: Int64] {
        try await blocking { () throws(CredentialStoreError) in
            var logins: [String: Int64] = [:]
            for entry in try store.list() {
                guard let stored = try? entry.content.get(), case .oauth = stored.credential else { continue }
                logins[entry.name] = stored.added
            }
            return logins
        }
    }

    func check(_ name: String) async throws(OAuthStorageError) {
        try await blocking { () throws(CredentialStoreError) in try store.checkLogin(name) }
    }

    func save(_ credential: OAuthCredential, as name: String) async throws(OAuthStorageError) {
        redactor.register(credential.secrets)
        let now = WallTime.now().milliseconds
        try await blocking { () throws(CredentialStoreError) in
            try store.addLogin(credential, as: name, now: now)
        }
    }

    func save(
        _ credential: OAuthCredential, as name: String, replacing predecessors: [OAuthCredential]
    ) async throws(OAuthStorageError) -> OAuthCredential? {
        redactor.register(credential.secrets)
        let stored = try await blocking { () throws(CredentialStoreError) in
            try store.replaceLogin(name, with: credential, replacing: predecessors)
        }
        if let stored { redactor.register(stored.secrets) }
        return stored
    }

    /// Nothing is written: the credential's own file says all that is known of it. A process that starts later asks
    /// Qwen once more, and hears the same.
    func markDead(
        _ name: String, ifStill credential: OAuthCredential, explanation: String
    ) async throws(OAuthStorageError) {}

    private func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws(CredentialStoreError) -> Result
    ) async throws(OAuthStorageError) -> Result {
        do {
            return try await BlockingWork.run(body)
        } catch {
            throw OAuthStorageError("\(error)")
        }
    }
}

extension OAuthCredential {
    /// What must not be logged.
    var secrets: [String] { [accessToken] + [refreshToken].compactMap { $0 } }
}

/// Locks of QWEN_DIR, which all processes honour that share it.
final class DirectoryLocks: RefreshLock {
    private let store: CredentialStore
    private let held = Mutex<[String: HeldFileLock]>([:])

    init(store: CredentialStore) {
        self.store = store
    }

    func acquire(_ name: RefreshLockName, until deadline: Int64) async -> RefreshLockOutcome {
        let lock = lock(for: name)
        var backoff = LockBackoff()
        while !Task.isCancelled {
            let now = WallTime.now().milliseconds
            do {
                let taken = try await BlockingWork.run { [store] in
                    try store.makeDirectory()
                    return try lock.tryAcquire(now: now)
                }
                if let taken {
                    held.withLock { $0[taken.token] = taken }
                    return .acquired(RefreshLockHold(name: name, id: taken.token, wasStale: taken.wasStale))
                }
            } catch {
                return .unavailable("\(error)")
            }
            guard now < deadline else { return .timedOut }
            let wait = backoff.attemptFailed() ?? 2000
            try? await Task.sleep(for: .milliseconds(min(wait, max(deadline - now, 0))))
        }
        return .timedOut
    }

    func touch(_ hold: RefreshLockHold) async -> Bool {
        guard let lock = held.withLock({ $0[hold.id] }) else { return false }
        let now = WallTime.now().milliseconds
        return (try? await BlockingWork.run { try lock.touch(now: now) }) ?? false
    }

    func release(_ hold: RefreshLockHold) async {
        guard let lock = held.withLock({ $0.removeValue(forKey: hold.id) }) else { return }
        _ = await BlockingWork.value { lock.release() }
    }

    private func lock(for name: RefreshLockName) -> FileLock {
        switch name {
        case .login: FileLock(path: "\(store.directory)/login.lock")
        case .credential(let name): store.refreshLock(for: name)
        }
    }
}
