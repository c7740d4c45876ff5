package import Admission
package import TLS
package import Translation

/// Everything that an operator decides, read and validated once, at the start of the process: one immutable value.
///
/// Comes from environment variables and a `.env` file in the working directory; `load` says how. Paths are resolved
/// against the working directory; every length of time is longer than zero unless it says otherwise.
package struct GatewayConfiguration: Sendable {
    /// `SERVER_HOST`: the address or host name to listen on; an IPv6 address without brackets.
    package var serverHost: String
    /// `SERVER_PORT`: 0...65535; 0 lets the system choose.
    package var serverPort: Int
    /// `TLS_…`: certificates, and what is made of them.
    package var tls: TLSServerSettings
    /// `HSTS_MAX_AGE`, `CORS_ALLOW_ORIGINS`.
    package var browsers: BrowserSettings

    /// `READ_TIMEOUT`: how long the body of a request may keep the gateway waiting; see `EdgeSettings.readMinRate`.
    package var readTimeout: Duration
    /// `WRITE_TIMEOUT`: how long a client may take nothing of its response; see `EdgeSettings.writeMinRate`.
    package var writeTimeout: Duration
    /// `HANDSHAKE_TIMEOUT`: within it a TLS handshake must be over, on either side.
    package var handshakeTimeout: Duration
    /// `KEEPALIVE_TIMEOUT`: how long a client's connection may stay open without an exchange.
    package var keepAliveTimeout: Duration
    /// `SHUTDOWN_TIMEOUT`: how long exchanges may go on after the order to stop; zero breaks them off at once.
    package var shutdownTimeout: Duration
    /// `MAX_BODY_BYTES`: the largest body of a request, in bytes.
    package var maxBodyBytes: Int
    /// What strangers may do.
    package var edge: EdgeSettings
    /// `WORKERS`: event loops, 1...256.
    package var workers: Int

    /// `LOG_LEVEL`, or debug where `DEBUG_MODE` is set and `LOG_LEVEL` is not.
    package var logLevel: LogLevel
    /// `LOG_FORMAT`.
    package var logFormat: LogFormat
    /// `DEBUG_MODE`.
    package var debugMode: Bool

    /// `GATEWAY_API_KEYS` and `GATEWAY_ADMIN_KEYS`: what clients present, beside the keys that are kept in `QWEN_DIR`.
    package var clientKeys: [ClientKey]
    /// `ALLOW_ANONYMOUS`: whether requests without a key are served.
    package var allowsAnonymous: Bool

    /// `RATE_LIMIT_RPS`, `RATE_LIMIT_BURST`, `RATE_LIMIT_TPM`, `RATE_LIMIT_DAILY_TOKENS`, `RATE_LIMIT_STREAMS`: what
    /// each client key may use that has no limits of its own.
    package var limits: ClientLimits

    /// `QWEN_API_KEY`: what the gateway presents to Qwen, beside the credentials in `credentials.directory`.
    package var qwenAPIKey: Secret?
    /// `API_BASE_URL`, or else the base URL of `QWEN_REGION`.
    package var upstream: BaseURL
    /// `UPSTREAM_CA_FILE`: certificates in PEM that are trusted beside the system's.
    package var upstreamCAFile: String?
    /// `UPSTREAM_CONNECT_TIMEOUT`: within it a TCP connection must stand.
    package var upstreamConnectTimeout: Duration
    /// `UPSTREAM_FIRST_BYTE_TIMEOUT`: how long Qwen may take to begin its answer.
    package var upstreamFirstByteTimeout: Duration
    /// `UPSTREAM_IDLE_TIMEOUT`: how long Qwen may fall silent within its answer.
    package var upstreamIdleTimeout: Duration
    /// `UPSTREAM_RETRY_BUDGET`: for how long what Qwen refuses for the moment is tried again; zero never does.
    package var upstreamRetryBudget: Duration
    /// `STREAM_KEEPALIVE`: after how much silence a stream is sent a sign of life; zero never.
    package var streamKeepAlive: Duration
    /// The credentials that are kept, and what seals them.
    package var credentials: CredentialSettings
    /// The device login.
    package var oauth: OAuthSettings
    /// `ADMIN_ADDRESS`: where the machine itself is answered, in plain HTTP; nil where that is off.
    package var adminAddress: AdminAddress?
    /// `DEFAULT_MODEL`: asked for where a request names none.
    package var defaultModel: String

    /// `MODEL_ALIASES`: names that stand for models.
    package var modelAliases: ModelAliases

    /// What is allowed but deserves a second thought: a sentence each.
    package var warnings: [String]
    /// Every variable, its value and where that came from, in the order of the documentation. Holds no secret.
    package var settings: [Setting]

    /// The secrets themselves, for whoever sees to it that none is logged.
    package var secrets: [String] {
        clientKeys.map(\.key.value)
            + [qwenAPIKey, credentials.secret, credentials.previousSecret].compactMap { $0?.value }
    }

    /// Where credentials are kept at rest.
    package struct CredentialSettings: Sendable {
        /// `QWEN_DIR`: state; the directory of sealed credentials.
        package var directory: String
        /// `QWEN_CREDENTIALS_SECRET`: seals them; without it none is kept and nobody can log in.
        package var secret: Secret?
        /// `QWEN_CREDENTIALS_SECRET_PREVIOUS`: opens what an older secret has sealed.
        package var previousSecret: Secret?
    }

    /// Qwen's authorization server (RFC 8628).
    package struct OAuthSettings: Sendable {
        /// `QWEN_OAUTH_BASE_URL`.
        package var baseURL: BaseURL
        /// `QWEN_OAUTH_DEVICE_AUTH_URL`, where it is not at the usual place under the base URL.
        package var deviceURL: BaseURL?
        /// `QWEN_OAUTH_CLIENT_ID`: public, no secret.
        package var clientID: String
        /// `QWEN_OAUTH_SCOPE`.
        package var scope: String
        /// `TOKEN_REFRESH_BUFFER`: how long before its expiry a token is refreshed.
        package var refreshBuffer: Duration
    }

    /// An address to listen on.
    package struct AdminAddress: Sendable, Equatable {
        package var host: String
        /// 0 lets the system choose.
        package var port: Int
    }

    /// What a command needs of a configuration.
    package enum Purpose: Sendable {
        /// To serve clients.
        case serve
        /// To manage credentials: neither client keys nor a way into Qwen need be there.
        case credentials
    }

    /// A key that a client presents.
    package struct ClientKey: Sendable, Equatable {
        /// What the log calls it: `env-1`, `env-2` … in the order of the variable, `admin-1` … for an administrator's.
        package var name: String
        package var key: Secret
        /// Whether it opens what is for the operator.
        package var isAdmin: Bool

        package init(name: String, key: Secret, isAdmin: Bool = false) {
            self.name = name
            self.key = key
            self.isAdmin = isAdmin
        }
    }

    /// The least severe events that are logged, by the names of swift-log.
    package enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// How a line of the log is written.
    package enum LogFormat: String, Sendable, CaseIterable {
        case json, text
    }

    /// Where Model Studio keys belong to: each has its own host (Model Studio, "Base URL").
    package enum Region: String, Sendable, CaseIterable {
        /// Beijing.
        case cn
        /// Singapore.
        case intl
        /// Virginia.
        case us
        /// Hong Kong.
        case hk

        /// The base URL of the OpenAI-compatible API.
        var baseURL: String {
            switch self {
            case .cn: "https://dashscope.aliyuncs.com/compatible-mode/v1"
            case .intl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
            case .us: "https://dashscope-us.aliyuncs.com/compatible-mode/v1"
            case .hk: "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1"
            }
        }
    }

    /// One variable as it was read.
    package struct Setting: Sendable, Equatable {
        /// Where a value came from.
        package enum Source: Sendable, Equatable {
            case environment
            case dotEnv
            /// The file that the variable `NAME_FILE` names.
            case file(String)
            case `default`
        }

        package var variable: String
        /// As it was written; `[redacted]` for a secret, nil where nothing is set.
        package var value: String?
        package var source: Source
    }
}
