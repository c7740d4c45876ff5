import HTTP
import Logging
import NIOCore
import Synchronization
import TLS
import Telemetry

/// The control plane's view of the public listener's certificates: it reads their files again when one changes or when
/// it is told to, has new connections served with what they hold, and turns the keys of session tickets.
///
/// A file that cannot be used leaves in force what was read of it before, and the log says so. Open connections keep
/// what they began with.
actor CertificateKeeper {
    /// How often the files are looked at.
    static let watchInterval = Duration.seconds(2)

    private let settings: TLSServerSettings
    private let logger: Logger
    private let watchInterval: Duration
    private let use: @Sendable (TLSServerContext) -> Void
    /// The context in force, which is asked for from anywhere.
    private nonisolated let inForce: Mutex<TLSServerContext>
    /// The state of the files that was read last, and the one that was seen last: they are read once they rest, since
    /// a certificate and its key are seldom written at one moment.
    private var read: TLSFilesStamp
    private var seen: TLSFilesStamp
    private var watch: Task<Void, Never>?

    /// - Parameters:
    ///   - context: what was made of the files at the start.
    ///   - use: has the listeners serve new connections with another.
    init(
        _ settings: TLSServerSettings, _ context: TLSServerContext, stamp: TLSFilesStamp, logger: Logger,
        watchInterval: Duration = CertificateKeeper.watchInterval, use: @escaping @Sendable (TLSServerContext) -> Void
    ) {
        self.settings = settings
        self.logger = logger
        self.watchInterval = watchInterval
        self.use = use
        inForce = Mutex(context)
        read = stamp
        seen = stamp
    }

    /// What new connections are served with.
    nonisolated var context: TLSServerContext { inForce.withLock { $0 } }

    func start() {
        tell(of: context)
        watch = Task { await self.follow() }
    }

    func stop() async {
        watch?.cancel()
        await watch?.value
    }

    private func follow() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: watchInterval) } catch { return }
            await look()
            turnTicketKeys()
        }
    }

    /// Looks at the files, and reads them if they have changed and rest.
    func look() async {
        guard let stamp = await BlockingWork.value({ [settings] in settings.stamp() }) else { return }
        defer { seen = stamp }
        if stamp != read, stamp == seen { await reload(stamp) }
    }

    /// Reads the files, whether or not they have changed.
    func reload() async {
        guard let stamp = await BlockingWork.value({ [settings] in settings.stamp() }) else { return }
        await reload(stamp)
    }

    private func reload(_ stamp: TLSFilesStamp) async {
        // Written to while it is read, it has another stamp by the next look.
        read = stamp
        let old = context
        do {
            let new = try await BlockingWork.run { [settings] in try TLSServerContext(settings, replacing: old) }
            inForce.withLock { $0 = new }
            use(new)
            tell(of: new)
        } catch {
            logger.error(
                "the certificates could not be reloaded; those that were read before stay in force",
                metadata: ["reason": "\(error)"])
        }
    }

    private func tell(of context: TLSServerContext) {
        for problem in context.report.problems {
            logger.error(
                "a file for TLS cannot be used; what was read of it before stays in force",
                metadata: ["reason": "\(problem)"])
        }
        for warning in context.report.warnings { logger.warning("\(warning)") }
        for facts in context.certificateFacts {
            logger.info(
                "certificate in use",
                metadata: [
                    "file": "\(facts.file)", "names": "\(facts.summary.names.joined(separator: " "))",
                    "key": "\(facts.keyKind)", "expires": "\(HTTPDate.format(facts.summary.notAfter))",
                ])
        }
    }

    /// The context decides whether they are old enough.
    private func turnTicketKeys() {
        do {
            try context.rotateTicketKeys(now: .now())
        } catch {
            logger.error("the session ticket keys could not be rotated", metadata: ["reason": "\(error)"])
        }
    }
}
