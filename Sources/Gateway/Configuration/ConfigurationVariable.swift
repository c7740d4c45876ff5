/// A variable of the configuration.
enum ConfigurationVariable: String, CaseIterable {
    case serverHost = "SERVER_HOST"
    case serverPort = "SERVER_PORT"
    case tlsCertificateFile = "TLS_CERT_FILE"
    case tlsKeyFile = "TLS_KEY_FILE"
    case tlsCertificateDirectory = "TLS_CERT_DIR"
    case tlsProfile = "TLS_PROFILE"
    case tlsUnknownHost = "TLS_UNKNOWN_HOST"
    case tlsTicketKeysFile = "TLS_TICKET_KEYS_FILE"
    case tlsOCSPFile = "TLS_OCSP_FILE"
    case tlsClientCAFile = "TLS_CLIENT_CA_FILE"
    case tlsClientAuth = "TLS_CLIENT_AUTH"
    case hstsMaxAge = "HSTS_MAX_AGE"
    case corsAllowOrigins = "CORS_ALLOW_ORIGINS"
    case readTimeout = "READ_TIMEOUT"
    case writeTimeout = "WRITE_TIMEOUT"
    case handshakeTimeout = "HANDSHAKE_TIMEOUT"
    case keepAliveTimeout = "KEEPALIVE_TIMEOUT"
    case shutdownTimeout = "SHUTDOWN_TIMEOUT"
    case headerTimeout = "HEADER_TIMEOUT"
    case readMinRate = "READ_MIN_RATE"
    case writeMinRate = "WRITE_MIN_RATE"
    case maxConnections = "MAX_CONNECTIONS"
    case maxConnectionsPerAddress = "MAX_CONNECTIONS_PER_ADDRESS"
    case maxHandshakes = "MAX_HANDSHAKES"
    case memoryBudget = "MEMORY_BUDGET"
    case trustedProxies = "TRUSTED_PROXIES"
    case proxyProtocol = "PROXY_PROTOCOL"
    case maxBodyBytes = "MAX_BODY_BYTES"
    case workers = "WORKERS"
    case logLevel = "LOG_LEVEL"
    case logFormat = "LOG_FORMAT"
    case debugMode = "DEBUG_MODE"
    case gatewayAPIKeys = "GATEWAY_API_KEYS"
    case gatewayAdminKeys = "GATEWAY_ADMIN_KEYS"
    case allowAnonymous = "ALLOW_ANONYMOUS"
    case rateLimitRPS = "RATE_LIMIT_RPS"
    case rateLimitBurst = "RATE_LIMIT_BURST"
    case rateLimitTPM = "RATE_LIMIT_TPM"
    case rateLimitDailyTokens = "RATE_LIMIT_DAILY_TOKENS"
    case rateLimitStreams = "RATE_LIMIT_STREAMS"
    case qwenAPIKey = "QWEN_API_KEY"
    case qwenRegion = "QWEN_REGION"
    case apiBaseURL = "API_BASE_URL"
    case qwenDirectory = "QWEN_DIR"
    case credentialsSecret = "QWEN_CREDENTIALS_SECRET"
    case previousCredentialsSecret = "QWEN_CREDENTIALS_SECRET_PREVIOUS"
    case oauthBaseURL = "QWEN_OAUTH_BASE_URL"
    case oauthClientID = "QWEN_OAUTH_CLIENT_ID"
    case oauthScope = "QWEN_OAUTH_SCOPE"
    case oauthDeviceURL = "QWEN_OAUTH_DEVICE_AUTH_URL"
    case tokenRefreshBuffer = "TOKEN_REFRESH_BUFFER"
    case upstreamCAFile = "UPSTREAM_CA_FILE"
    case upstreamConnectTimeout = "UPSTREAM_CONNECT_TIMEOUT"
    case upstreamFirstByteTimeout = "UPSTREAM_FIRST_BYTE_TIMEOUT"
    case upstreamIdleTimeout = "UPSTREAM_IDLE_TIMEOUT"
    case upstreamRetryBudget = "UPSTREAM_RETRY_BUDGET"
    case streamKeepAlive = "STREAM_KEEPALIVE"
    case defaultModel = "DEFAULT_MODEL"
    case modelAliases = "MODEL_ALIASES"
    case adminAddress = "ADMIN_ADDRESS"

    /// Whether the value must never be shown.
    var isSecret: Bool {
        switch self {
        case .gatewayAPIKeys, .gatewayAdminKeys, .qwenAPIKey, .credentialsSecret, .previousCredentialsSecret: true
        default: false
        }
    }

    /// The value where none is set, as it would be written; nil where there is none, or where it depends.
    var defaultText: String? {
        switch self {
        case .serverHost: "0.0.0.0"
        case .serverPort: "8080"
        case .tlsCertificateFile: "certs/server.pem"
        case .tlsKeyFile: "certs/server.key"
        case .tlsProfile: "intermediate"
        case .tlsUnknownHost: "default"
        case .hstsMaxAge: "63072000"
        case .readTimeout, .writeTimeout, .shutdownTimeout: "30s"
        case .handshakeTimeout, .headerTimeout, .upstreamConnectTimeout: "10s"
        case .readMinRate, .writeMinRate: "500"
        case .maxConnections: "50000"
        case .maxConnectionsPerAddress: "25000"
        case .maxHandshakes: "4096"
        case .proxyProtocol: "off"
        case .keepAliveTimeout: "75s"
        case .upstreamFirstByteTimeout: "10m"
        case .upstreamIdleTimeout, .tokenRefreshBuffer: "5m"
        case .upstreamRetryBudget: "20s"
        case .streamKeepAlive: "15s"
        case .qwenDirectory: ".qwen"
        case .oauthBaseURL: "https://chat.qwen.ai"
        case .oauthClientID: "f0304373b74a44d2b584a3fb70ca9e56"
        case .oauthScope: "openid profile email model.completion"
        case .adminAddress: "127.0.0.1:9901"
        case .maxBodyBytes: "64MiB"
        case .logLevel: "info"
        case .logFormat: "json"
        case .debugMode, .allowAnonymous: "false"
        case .rateLimitRPS: "10"
        case .rateLimitBurst: "20"
        case .rateLimitTPM, .rateLimitDailyTokens, .rateLimitStreams: "0"
        case .qwenRegion: "intl"
        case .defaultModel: "qwen3-coder-plus"
        case .workers, .gatewayAPIKeys, .gatewayAdminKeys, .qwenAPIKey, .apiBaseURL, .upstreamCAFile, .oauthDeviceURL,
            .tlsCertificateDirectory, .tlsTicketKeysFile, .tlsOCSPFile, .tlsClientCAFile, .tlsClientAuth,
            .corsAllowOrigins, .credentialsSecret, .previousCredentialsSecret, .modelAliases,
            .memoryBudget, .trustedProxies:
            nil
        }
    }

    /// A right value, for the message about a wrong one.
    var example: String {
        switch self {
        case .workers: "2"
        case .memoryBudget: "2GiB"
        case .trustedProxies: "10.0.0.0/8,2001:db8::7"
        case .gatewayAPIKeys, .gatewayAdminKeys, .credentialsSecret, .previousCredentialsSecret:
            "<64 hexadecimal digits, as `openssl rand -hex 32` prints them>"
        case .qwenAPIKey: "sk-… (from the console of Model Studio)"
        case .apiBaseURL: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
        case .upstreamCAFile: "certs/ca.pem"
        case .tlsCertificateDirectory: "/etc/letsencrypt/live"
        case .tlsTicketKeysFile: "/run/secrets/ticket.keys"
        case .tlsOCSPFile: "certs/server.ocsp"
        case .tlsClientCAFile: "certs/clients.pem"
        case .tlsClientAuth: "required"
        case .corsAllowOrigins: "https://app.example.com,http://localhost:5173"
        case .rateLimitTPM: "100000"
        case .rateLimitDailyTokens: "2000000"
        case .rateLimitStreams: "16"
        case .modelAliases: "gpt-4o=qwen3.7-plus,o3=qwen3.7-max:thinking"
        case .oauthDeviceURL: "https://chat.qwen.ai/api/v1/oauth2/device/code"
        default: defaultText ?? ""
        }
    }

    /// The names that the gateway reads from the environment or a `.env` file.
    static let allNames: Set<String> = Set(allCases.map(\.rawValue)).union(secretNames.map { $0 + "_FILE" })
    /// Those whose values are secrets.
    static let secretNames: Set<String> = Set(allCases.filter(\.isSecret).map(\.rawValue))
}
