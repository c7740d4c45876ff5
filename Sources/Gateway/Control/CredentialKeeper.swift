import Logging
import NIOCore
import Qwen
import Telemetry
import Translation
import Transport
import Vault

/// The control plane's view of the credentials: it loads them, keeps tokens fresh, logs in, and tells the event loops
/// what they may send.
///
/// One for the process. It follows the store: what another process, or a command, adds, changes or removes is in use
/// within `Settings.watchInterval`.
actor CredentialKeeper {
    /// What it is made of.
    struct Settings: Sendable {
        /// QWEN_API_KEY and where it is accepted; nil where that is not set.
        var environmentKey: APIKeyCredential?
        /// Nil without QWEN_CREDENTIALS_SECRET: nothing is kept, and nobody can log in.
        var store: CredentialStore?
        var oauth: OAuthRequests
        /// TOKEN_REFRESH_BUFFER.
        var refreshBuffer: Duration
        var userAgent: String
        var watchInterval = Duration.seconds(1)
    }

    /// One credential in use.
    private struct Member {
        let pooled: PooledCredential
        var credential: Credential
        var keeper: TokenKeeper?
        /// When its key or login was stored: what tells a login from a refresh.
        var added: Int64 = 0
        /// Follows the keeper's events, in their order.
        var events: Task<Void, Never>?
    }

    /// The name of the credential of QWEN_API_KEY. No stored one can have it.
    static let environmentName = "QWEN_API_KEY"

    private let settings: Settings
    private let transport: any OAuthTransport
    private let clock: any OAuthClock
    private let loops: [NIOLoopBound<QwenDispatcher>]
    private let logger: Logger
    private let redactor: SecretRedactor
    private let locks: DirectoryLocks?
    private let login: LoginKeeper?
    private let models: ModelDirectory

    private var members: [String: Member] = [:]
    private var view = StoreView()
    /// Keepers that are finishing what they are at, after their credentials were removed.
    private var closings: [ObjectIdentifier: Task<Void, Never>] = [:]
    /// Plain files that could not be sealed, and why, so that it is not said every second.
    private var plaintextProblems: [String: String] = [:]
    private var watch: Task<Void, Never>?
    /// Awaits the end of the login that is under way.
    private var loginWatch: Task<Void, Never>?
    /// What was last said of the store, so that it is not said every second.
    private var storeProblem: String?

    init(
        _ settings: Settings, transport: any OAuthTransport, clock: any OAuthClock = SystemOAuthClock(),
        models: ModelDirectory, loops: [NIOLoopBound<QwenDispatcher>], logger: Logger, redactor: SecretRedactor,
        onLogin: @escaping @Sendable (LoginKeeper.State) -> Void
    ) {
        self.settings = settings
        self.transport = transport
        self.clock = clock
        self.models = models
        self.loops = loops
        self.logger = logger
        self.redactor = redactor
        if let store = settings.store {
            let locks = DirectoryLocks(store: store)
            self.locks = locks
            login = LoginKeeper(
                requests: settings.oauth, transport: transport, clock: clock,
                storage: StoredOAuthCredentials(store: store, redactor: redactor), lock: locks, onChange: onLogin)
        } else {
            locks = nil
            login = nil
        }
    }

    // MARK: The course of things

    /// Loads what there is and begins to follow the store. Where there is no credential at all, a login begins.
    ///
    /// - Throws: if QWEN_DIR is not to be used, or there are credentials, and not one of them can be used: with a wrong
    ///   secret, say. A login would not help, for its tokens could not be stored in place of what can not be opened.
    func start() async throws(StartupError) {
        if let key = settings.environmentKey { add(Self.environmentName, .apiKey(key)) }
        if let store = settings.store {
            await sealPlaintext(store)
            await follow(store)
            if members.isEmpty, !view.unreadable.isEmpty {
                throw StartupError(
                    "none of the credentials in QWEN_DIR can be used: "
                        + view.unreadable.map(\.reason).joined(separator: "; "),
                    exitCode: .configuration)
            }
            if members.isEmpty, let storeProblem { throw StartupError(storeProblem, exitCode: .configuration) }
            watch = Task { await self.watchStore(store) }
        }
        if members.isEmpty { await startLogin(patience: .zero) }
    }

    /// Ends the login and the refreshes that are under way, without losing a token.
    func stop() async {
        watch?.cancel()
        await watch?.value
        loginWatch?.cancel()
        await login?.cancel()
        // All at once: each may be in the middle of a refresh.
        for member in members.values { close(member) }
        for closing in closings.values { await closing.value }
    }

    private func watchStore(_ store: CredentialStore) async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: settings.watchInterval) } catch { return }
            await sealPlaintext(store)
            await follow(store)
        }
    }

    /// Seals what another program has left in the directory in plain text.
    private func sealPlaintext(_ store: CredentialStore) async {
        let now = clock.now
        let all = await BlockingWork.value { store.sealPlaintextFiles(now: now) } ?? []
        plaintextProblems = plaintextProblems.filter { path, _ in all.contains { $0.path == path } }
        for found in all {
            switch found.outcome {
            case .sealed(let name):
                logger.notice(
                    "sealed a plain credential file and removed it",
                    metadata: ["file": "\(found.path)", "credential": "\(name)"])
            case .superseded(let name):
                logger.notice(
                    "removed a plain credential file: a newer credential of its name is stored",
                    metadata: ["file": "\(found.path)", "credential": "\(name)"])
            case .failed(let error):
                guard plaintextProblems.updateValue(error.reason, forKey: found.path) != error.reason else { continue }
                logger.error("a plain credential file could not be sealed", metadata: ["reason": "\(error)"])
            }
        }
    }

    // MARK: The store

    /// Takes over what has changed in the store since it was last looked at.
    private func follow(_ store: CredentialStore) async {
        let found: [String: VaultSignature]
        do {
            found = try await BlockingWork.run { try store.signatures() }
            storeProblem = nil
        } catch {
            return complain("\(error)")
        }
        for name in members.keys where name != Self.environmentName && found[name] == nil { remove(name) }
        for name in view.look(found, now: .now()) {
            if let signature = found[name] { await load(name, signature, store) }
        }
    }

    private func load(_ name: String, _ signature: VaultSignature, _ store: CredentialStore) async {
        let stored: StoredCredential?
        do {
            stored = try await BlockingWork.run { try store.load(name) }
        } catch {
            return failed(name, signature, "\(error)")
        }
        view.succeeded(name, signature)
        guard let stored else { return }
        if let member = members[name], member.keeper != nil, member.added != stored.added {
            // Somebody has logged in anew: nothing that was wrong before counts.
            members[name]?.added = stored.added
            member.pooled.revive()
        }
        let credential = stored.credential
        guard credential != members[name]?.credential else { return }
        // Written by this process's own keeper, or newer than what it has.
        if case .oauth(let tokens) = credential, let keeper = members[name]?.keeper {
            redactor.register(tokens.secrets)
            return await keeper.replace(with: tokens)
        }
        remove(name)
        if let problem = add(name, credential, added: stored.added) { failed(name, signature, problem) }
    }

    /// Says that a credential of the store cannot be used; it is tried again in a while.
    private func failed(_ name: String, _ signature: VaultSignature, _ reason: String) {
        guard view.failed(name, signature, reason: reason, now: .now()) else { return }
        logger.error("a credential could not be loaded", metadata: ["credential": "\(name)", "reason": "\(reason)"])
    }

    private func complain(_ problem: String) {
        guard storeProblem != problem else { return }
        storeProblem = problem
        logger.error("the credentials can not be read", metadata: ["reason": "\(problem)"])
    }

    // MARK: Members

    /// - Returns: why it cannot be used, if it cannot.
    @discardableResult
    private func add(_ name: String, _ credential: Credential, added: Int64 = 0) -> String? {
        switch credential {
        case .apiKey(let key):
            redactor.register([key.key], isLasting: true)
            guard let access = QwenAccess(key, userAgent: settings.userAgent) else {
                return "\"\(name)\" has a base URL that no request can be sent to. Remove it and add the key again"
            }
            let pooled = PooledCredential(name: name, access: .apiKey, isPortal: false)
            members[name] = Member(pooled: pooled, credential: credential)
            publish { $0.add(pooled, access) }
        case .oauth(let tokens):
            redactor.register(tokens.secrets)
            guard let (keeper, events) = makeKeeper(name, tokens) else { return nil }
            let pooled = PooledCredential(name: name, access: .oauth, isPortal: true)
            let following = Task {
                for await event in events { self.happened(event, to: name, keeper) }
            }
            members[name] = Member(
                pooled: pooled, credential: credential, keeper: keeper, added: added, events: following)
            publishTokens(pooled, tokens)
            if tokens.expiry <= clock.now {
                let fault = QwenFault(kind: .authentication, message: "Qwen's token has expired and is being renewed.")
                pooled.rest(fault, until: .now() + .seconds(5))
            }
            Task { await keeper.start() }
        }
        logger.info("a credential is in use", metadata: ["credential": "\(name)"])
        return nil
    }

    private func remove(_ name: String) {
        guard let member = members.removeValue(forKey: name) else { return }
        publish { $0.remove(name) }
        close(member)
        logger.info("a credential is no more in use", metadata: ["credential": "\(name)"])
    }

    /// Lets a keeper finish what it is at, which nobody waits for but `stop`.
    private func close(_ member: Member) {
        guard let keeper = member.keeper else { return }
        let id = ObjectIdentifier(keeper)
        closings[id] = Task {
            await keeper.close()
            member.events?.cancel()
            self.closings[id] = nil
        }
    }

    private func publish(_ change: @escaping @Sendable (QwenDispatcher) -> Void) {
        for loop in loops { loop.execute(change) }
    }

    private func publishTokens(_ pooled: PooledCredential, _ tokens: OAuthCredential) {
        guard let access = QwenAccess(tokens, userAgent: settings.userAgent) else {
            pooled.markDead(QwenFault(kind: .authentication, message: "Qwen gave a token that no request can carry."))
            return
        }
        let generation = pooled.advanceGeneration()
        publish { $0.add(pooled, access, generation: generation) }
    }

    // MARK: Tokens

    /// - Returns: a keeper, and what happens to it.
    private func makeKeeper(
        _ name: String, _ tokens: OAuthCredential
    ) -> (TokenKeeper, AsyncStream<TokenKeeper.Event>)? {
        guard let store = settings.store, let locks else { return nil }
        var keeping = TokenKeeper.Settings()
        keeping.refreshBuffer = settings.refreshBuffer
        let (events, continuation) = AsyncStream<TokenKeeper.Event>.makeStream()
        let keeper = TokenKeeper(
            name: name, credential: tokens, settings: keeping, requests: settings.oauth, transport: transport,
            clock: clock,
            storage: StoredOAuthCredentials(store: store, redactor: redactor), lock: locks
        ) { continuation.yield($0) }
        return (keeper, events)
    }

    private func happened(_ event: TokenKeeper.Event, to name: String, _ keeper: TokenKeeper) {
        guard let member = members[name], member.keeper === keeper else { return }
        switch event {
        case .refreshed: takeOver(name, keeper)
        case .dead(let explanation):
            Self.end(member.pooled, explanation)
            publish { $0.credentialsChanged() }
            logger.error("a login has ended", metadata: ["credential": "\(name)", "reason": "\(explanation)"])
        case .failing(let explanation):
            logger.warning(
                "a token could not be renewed", metadata: ["credential": "\(name)", "reason": "\(explanation)"])
            guard case .oauth(let tokens) = member.credential, tokens.expiry <= clock.now else { return }
            // The explanation may name files, which is none of a client's business.
            let fault = QwenFault(
                kind: .authentication, message: "Qwen's token has expired and could not be renewed yet.")
            member.pooled.rest(fault, until: .now() + .seconds(5))
        }
    }

    /// Publishes the token that the keeper has now, if that is not done yet.
    private func takeOver(_ name: String, _ keeper: TokenKeeper) {
        guard let tokens = keeper.latest, let member = members[name], member.keeper === keeper,
            member.credential != .oauth(tokens)
        else { return }
        members[name]?.credential = .oauth(tokens)
        member.pooled.tokenRenewed(isGranted: keeper.isGranted(tokens))
        publishTokens(member.pooled, tokens)
        logger.info("a token was renewed", metadata: ["credential": "\(name)"])
    }

    private static func end(_ credential: PooledCredential, _ explanation: String) {
        credential.markDead(QwenFault(kind: .authentication, message: explanation))
    }

    /// Renews a token that Qwen has refused, once for all who ask.
    ///
    /// - Parameter generation: the number of the token that was refused.
    /// - Returns: whether there is another one now; it has been published then.
    func renew(_ name: String, generation: Int, patience: Duration) async -> Bool {
        guard let member = members[name], let keeper = member.keeper, case .oauth(let current) = member.credential
        else { return false }
        // Replaced since the refused call was sent: to refresh once more would spend a good token.
        guard member.pooled.generation == generation else { return true }
        guard (try? await keeper.refreshed(after: current.accessToken, patience: patience)) != nil else {
            if let explanation = keeper.deathExplanation { Self.end(member.pooled, explanation) }
            return false
        }
        takeOver(name, keeper)
        return true
    }

    // MARK: Login

    /// How far the login is; nil where none is possible.
    var loginState: LoginKeeper.State? {
        guard login != nil, let reason = whyLoginCannotBeStored else { return login?.state }
        return .failed("Nobody can log in, for the login could not be stored: \(reason)")
    }

    /// A record that stands where a login would be stored, and can not be opened.
    private var whyLoginCannotBeStored: String? {
        view.unreadable.first { $0.name == CredentialImport.defaultName }?.reason
    }

    /// Whether there is a login that works.
    var isLoggedIn: Bool {
        members.values.contains { $0.keeper.map { $0.deathExplanation == nil } ?? false }
    }

    /// Begins a login unless one is under way.
    ///
    /// - Parameter patience: how long to wait for the code at most.
    func startLogin(patience: Duration) async {
        guard let login, let store = settings.store, whyLoginCannotBeStored == nil else { return }
        if let loginWatch, case .succeeded = login.state {
            // One has just ended, and its tokens are being loaded.
            await loginWatch.value
            if isLoggedIn { return }
        }
        await login.start(as: CredentialImport.defaultName, patience: patience)
        guard loginWatch == nil else { return }
        loginWatch = Task {
            if case .succeeded = await login.finished() { await self.follow(store) }
            self.loginWatch = nil
        }
    }

    /// What the credentials in use offer, and the aliases.
    func modelCatalog() async -> ModelCatalog {
        let credentials = members.sorted { $0.key < $1.key }.map(\.value.credential)
        return await models.catalog(of: credentials.compactMap { QwenAccess($0, userAgent: settings.userAgent) })
    }

    /// Connections, calls and waiting requests, on all event loops.
    func upstreamGauges() async -> UpstreamGauges {
        var sum = UpstreamGauges()
        for loop in loops {
            let gauges = try? await loop.submit {
                UpstreamGauges(connections: $0.connectionCount, calls: $0.activeCalls, waiting: $0.waitingCount)
            }
            if let gauges { sum = sum + gauges }
        }
        return sum
    }

    /// What all event loops have counted.
    func metricValues() async -> MetricValues {
        var sum = MetricValues()
        for loop in loops {
            if let values = try? await loop.submit({ $0.metrics.values }) { sum.add(values) }
        }
        return sum
    }

    /// What the store has under names that are not in use, because it cannot be loaded, and why.
    var unreadable: [(name: String, reason: String)] { view.unreadable.filter { members[$0.name] == nil } }

    /// How the credentials are doing, by name.
    func snapshots() -> [CredentialSnapshot] {
        members.values.map { $0.pooled.snapshot(.now()) }.sorted { $0.name < $1.name }
    }
}
