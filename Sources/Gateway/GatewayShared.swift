import Admission
import Logging
import NIOCore
import Telemetry
import Translation

/// What all event loops share: immutable, but for what guards itself. One object, so that an exchange holds on to all
/// of it by one reference.
final class GatewayShared: Sendable {
    let defaultModel: String
    /// The largest request body in bytes.
    let maxBodyBytes: Int
    /// The largest answer that is put together in memory, in bytes.
    let maxAnswerBytes = 64 * 1024 * 1024
    /// STREAM_KEEPALIVE; nil where it is off.
    let keepAliveInterval: TimeAmount?
    let logger: Logger
    let redactor: SecretRedactor
    let started = NIODeadline.now()
    /// Responses that clients asked to be kept (`store: true`): the only thing that loops share under a lock, and only
    /// for who asks for it.
    let responses = ResponseCabinet()
    let console = ConsoleWatch()
    /// MODEL_ALIASES.
    let aliases: ModelAliases

    let certificateClients: CertificateClients
    let securityFields: SecurityFields
    /// CORS_ALLOW_ORIGINS; nil where pages of other origins may not call.
    let cors: CORSPolicy?

    init(_ configuration: GatewayConfiguration, logger: Logger, redactor: SecretRedactor) {
        defaultModel = configuration.defaultModel
        maxBodyBytes = configuration.maxBodyBytes
        let interval = TimeAmount(configuration.streamKeepAlive)
        keepAliveInterval = interval > .zero ? interval : nil
        self.logger = logger
        self.redactor = redactor
        aliases = configuration.modelAliases
        certificateClients = CertificateClients(limits: configuration.limits)
        securityFields = SecurityFields(hstsMaxAge: configuration.browsers.hstsMaxAge)
        cors = configuration.browsers.corsOrigins.map { CORSPolicy($0) }
    }
}
