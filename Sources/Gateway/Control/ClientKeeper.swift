import Admission
import Logging
import NIOCore
import Telemetry
import Translation
import Transport
import Vault

/// The control plane's view of the clients: it follows the key store, tells the event loops who is admitted, and keeps
/// what each client has used.
///
/// One for the process. What a command, or another process, changes in the store is in force within
/// `Settings.watchInterval`; a store that can not be read leaves in force what was read last.
actor ClientKeeper {
    /// What it is made of.
    struct Settings: Sendable {
        /// Keys of the environment.
        var environment: [ClientRecord]
        var store: ClientKeyStore
        var allowsAnonymous: Bool
        /// Whether clients can do with a certificate instead of a key.
        var acceptsCertificates = false
        /// For who has no limits of its own.
        var defaults: ClientLimits
        var aliases: ModelAliases
        var watchInterval = Duration.seconds(1)
        /// How often tokens that were used are written down, and keys' last uses: what a crash may lose.
        var tokensInterval = Duration.seconds(5)
        var usesInterval = Duration.seconds(60)
    }

    private let settings: Settings
    private let gates: [NIOLoopBound<AdmissionGate>]
    private let logger: Logger

    private var records: [ClientRecord] = []
    private var signature: VaultSignature?
    /// By the ids of clients. They stay while the client is there, and with them what it has used.
    private var states: [String: ClientState] = [:]
    /// What was last written of their usage.
    private var written: [String: ClientUsage] = [:]
    /// What was last said of the files, so that it is not said every second.
    private var storeProblem: String?
    private var usageProblem: String?
    private var watch: Task<Void, Never>?

    private static let anonymousID = "anonymous"
    /// Of a client that is no more known its usage is forgotten after so many milliseconds: five weeks.
    private static let memory: Int64 = 35 * 86_400_000

    init(_ settings: Settings, gates: [NIOLoopBound<AdmissionGate>], logger: Logger) {
        self.settings = settings
        self.gates = gates
        self.logger = logger
    }

    // MARK: The course of things

    /// Loads the keys, tells the event loops, and begins to follow the store.
    ///
    /// - Throws: if the store can not be read, or nobody could be served.
    func start() async throws(StartupError) {
        let store = settings.store
        do {
            signature = try await BlockingWork.run { try store.signature() }
            records = try await BlockingWork.run { try store.load() }
        } catch {
            throw StartupError("the client keys can not be read: \(error)", exitCode: .configuration)
        }
        let needsKey = !settings.allowsAnonymous && !settings.acceptsCertificates
        guard !records.isEmpty || !settings.environment.isEmpty || !needsKey else {
            throw StartupError(
                "there is no client key, and without one no request would be served: make one with"
                    + " `qwen-gateway keys add NAME`, or set GATEWAY_API_KEYS, or ALLOW_ANONYMOUS=true to serve everyone"
                    + " who can connect",
                exitCode: .configuration)
        }
        await loadUsage()
        await publish()
        logger.info("client keys are in use", metadata: ["keys": "\(records.count + settings.environment.count)"])
        watch = Task { await self.watchStore() }
    }

    /// Writes down what is left to be.
    func stop() async {
        watch?.cancel()
        await watch?.value
        await writeUsage(all: true)
    }

    private func watchStore() async {
        var (tokensWritten, usesWritten) = (ContinuousClock.now, ContinuousClock.now)
        while !Task.isCancelled {
            do { try await Task.sleep(for: settings.watchInterval) } catch { return }
            await follow()
            let now = ContinuousClock.now
            let writesUses = now - usesWritten >= settings.usesInterval
            guard writesUses || now - tokensWritten >= settings.tokensInterval else { continue }
            tokensWritten = now
            if writesUses { usesWritten = now }
            await writeUsage(all: writesUses)
        }
    }

    // MARK: Keys

    /// Takes over what has changed in the store since it was last looked at.
    private func follow() async {
        let store = settings.store
        do {
            let found = try await BlockingWork.run { try store.signature() }
            guard found != signature || storeProblem != nil else { return }
            let loaded = try await BlockingWork.run { try store.load() }
            signature = found
            if storeProblem != nil { logger.notice("the client keys can be read again") }
            storeProblem = nil
            guard loaded != records else { return }
            tell(of: loaded)
            records = loaded
            await publish()
        } catch {
            let problem = "\(error)"
            guard storeProblem != problem else { return }
            storeProblem = problem
            logger.error(
                "the client keys can not be read; those that were read last stay in force",
                metadata: ["reason": "\(problem)"])
        }
    }

    private func tell(of loaded: [ClientRecord]) {
        let before = Dictionary(records.map { ($0.id, $0) }) { first, _ in first }
        let after = Dictionary(loaded.map { ($0.id, $0) }) { first, _ in first }
        for record in loaded where before[record.id] != record {
            logger.notice(
                before[record.id] == nil ? "a client key is in use" : "a client key has changed",
                metadata: ["key": "\(record.name)", "id": "\(record.id)"])
        }
        for record in records where after[record.id] == nil {
            logger.notice(
                "a client key is no more in use", metadata: ["key": "\(record.name)", "id": "\(record.id)"])
        }
    }

    /// Tells the event loops who is admitted, and waits until all of them know.
    private func publish() async {
        let all = settings.environment + records
        let ids = Set(all.map(\.id) + [Self.anonymousID])
        states = states.filter { ids.contains($0.key) }
        let clients = all.map { record in (record: record, client: client(record)) }
        let anonymous = settings.allowsAnonymous ? anonymousClient() : nil
        let directory = ClientDirectory(clients, anonymous: anonymous)
        for gate in gates { _ = try? await gate.submit { $0.directory = directory } }
    }

    private func client(_ record: ClientRecord) -> Client {
        Client(
            id: record.id, name: record.name, isAdmin: record.isAdmin, models: patterns(record.models),
            networks: record.networks, limits: record.limits.filled(from: settings.defaults),
            state: state(of: record.id))
    }

    /// All that have no key, together: each address has a limit of requests of its own.
    private func anonymousClient() -> Client {
        var limits = settings.defaults
        limits.requestRate = nil
        return Client(id: Self.anonymousID, name: nil, limits: limits, state: state(of: Self.anonymousID))
    }

    /// All that have a key, those of the environment first, and what they have used.
    var clients: [(record: ClientRecord, state: ClientState?)] {
        (settings.environment + records).map { ($0, states[$0.id]) }
    }

    /// For who has no limits of its own.
    nonisolated var defaultLimits: ClientLimits { settings.defaults }
    nonisolated var allowsAnonymous: Bool { settings.allowsAnonymous }

    private func state(of id: String) -> ClientState {
        if let state = states[id] { return state }
        let state = ClientState(written[id] ?? ClientUsage())
        states[id] = state
        return state
    }

    /// The models of a key. One that is allowed by the name of an alias is allowed by its own: they are the same.
    private func patterns(_ models: [String]) -> ModelPatterns {
        let given = ModelPatterns(models.map { ModelName($0).plain })
        if given.allowsAll { return given }
        let aliases = settings.aliases
        let targets = aliases.names.filter { given.allows($0) }.map { ModelName(aliases.resolve($0)).plain }
        return ModelPatterns(models.map { ModelName($0).plain } + targets)
    }

    // MARK: Usage

    private func loadUsage() async {
        let store = settings.store
        do {
            written = try await BlockingWork.run { try store.loadUsage() }
        } catch {
            logger.error("what clients have used today can not be read", metadata: ["reason": "\(error)"])
        }
    }

    /// Writes down what clients have used since it was last written, if anything, and takes over what they have used at
    /// other processes that share the directory.
    ///
    /// - Parameter all: last uses too, and not only tokens.
    private func writeUsage(all: Bool) async {
        let now = WallTime.now().milliseconds
        let day = DailyTokens.day(of: now)
        var changes: [String: UsageChange] = [:]
        for (id, state) in states {
            let before = written[id] ?? ClientUsage()
            let change = UsageChange(
                lastUsed: state.lastUsed, day: day, used: state.today.used(on: day),
                known: before.tokens(on: day))
            if change.isNews || (all && state.lastUsed != before.lastUsed) { changes[id] = change }
        }
        guard !changes.isEmpty else { return }
        let known = Set(states.keys)
        let store = settings.store
        let writing = changes
        do {
            let after = try await BlockingWork.run {
                var after: [String: ClientUsage] = [:]
                try store.updateUsage { usage in
                    usage = usage.filter { known.contains($0.key) || now - ($0.value.lastUsed ?? 0) < Self.memory }
                    for (id, change) in writing {
                        usage[id] = change.applied(to: usage[id])
                        after[id] = usage[id]
                    }
                }
                return after
            }
            for (id, usage) in after {
                guard let change = changes[id] else { continue }
                // What others have used counts here too.
                states[id]?.today.add(usage.tokens - change.used, on: day)
                written[id] = usage
            }
            usageProblem = nil
        } catch {
            let problem = "\(error)"
            guard usageProblem != problem else { return }
            usageProblem = problem
            logger.error("what clients have used can not be written down", metadata: ["reason": "\(problem)"])
        }
    }
}

/// What a client has used since that was last written down.
struct UsageChange: Sendable, Equatable {
    var lastUsed: Int64?
    var day: Int
    /// All that this process knows of, and what of it stood in the file when it was last written.
    var used: Int
    var known: Int

    var isNews: Bool { used != known }

    /// The usage as it is to be written, in place of what stands there: other processes may have added to it. Where the
    /// file has lost some, what is known here is not lost.
    func applied(to found: ClientUsage?) -> ClientUsage {
        let there = found?.tokens(on: day) ?? 0
        let tokens = there >= known ? max(0, there + used - known) : used
        let lastUse = max(lastUsed ?? 0, found?.lastUsed ?? 0)
        return ClientUsage(lastUsed: lastUse > 0 ? lastUse : nil, day: day, tokens: tokens)
    }
}
