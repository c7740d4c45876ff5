import HTTP
package import NIOCore
import Transport

/// Where a gateway with this process's configuration says that it is well.
///
/// The admin address is asked where there is one: it is plain HTTP, so there is nothing to trust. Without one the
/// public port is asked, in plain HTTP as well, for the redirect to `https` with which it answers: that comes from the
/// listener and the event loop that clients are served by, and needs neither trust nor a client's certificate.
package struct HealthTarget: Sendable, Equatable {
    /// What answers.
    package enum Listener: Sendable, Equatable {
        case admin
        case `public`
    }

    package let listener: Listener
    package let host: String
    package let port: Int

    /// Reads where this process's gateway would listen, and none of its secrets.
    package static func loadFromProcess() throws(ConfigurationError) -> HealthTarget {
        try load(environment: GatewayConfiguration.processEnvironment(), workingDirectory: ".")
    }

    /// - Throws: what is wrong with the addresses, or that the port is one that the system chooses.
    static func load(environment: [String: String], workingDirectory: String) throws(ConfigurationError) -> Self {
        var warnings: [String] = []
        var problems: [String] = []
        let dotEnv = GatewayConfiguration.readDotEnv(
            path: "\(workingDirectory)/.env", warnings: &warnings, problems: &problems)
        var reader = SettingsReader(environment: environment, dotEnv: dotEnv, workingDirectory: workingDirectory)
        let host = reader.value(.serverHost, fallback: "", parse: Values.host)
        let port = reader.value(.serverPort, fallback: 0, parse: Values.port)
        let admin = reader.value(
            .adminAddress, default: reader.isEmpty(.adminAddress) ? "off" : nil, fallback: nil,
            parse: Values.adminAddress)
        problems += reader.problems
        if (admin?.port ?? port) == 0 {
            let variable: ConfigurationVariable = admin == nil ? .serverPort : .adminAddress
            problems.append("\(variable.rawValue) lets the system choose the port, which nobody else can know")
        }
        if admin == nil, EdgeSettings.read(&reader, maxBodyBytes: 0).proxyProtocol != .off {
            problems.append(
                "PROXY_PROTOCOL has the public port answer proxies only; for example ADMIN_ADDRESS=127.0.0.1:9901")
        }
        guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
        if let admin { return HealthTarget(listener: .admin, host: reachable(admin.host), port: admin.port) }
        return HealthTarget(listener: .public, host: reachable(host), port: port)
    }

    /// An address to listen on, as one to connect to.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }

    /// Asks. Blocks, for no longer than the timeout.
    ///
    /// - Returns: what is wrong, in words for the operator; nil where nothing is.
    package func fault(timeout: TimeAmount) -> String? {
        let request = RequestHead(method: "GET", scheme: "http", authority: "localhost", path: "/health")
        let answer: ResponseHead
        do throws(PlainProbe.Failure) {
            answer = try PlainProbe.ask(request, of: host, port: port, timeout: timeout)
        } catch {
            return error.reason
        }
        switch listener {
        case .admin: return answer.status == 200 ? nil : "it answers \(answer.status)"
        case .public:
            let isRedirect = answer.status == 308 && answer.fields["location"] == "https://localhost/health"
            return isRedirect ? nil : "it answers \(answer.status), and a gateway would redirect to https"
        }
    }
}

extension HealthTarget: CustomStringConvertible {
    package var description: String {
        let host = host.contains(":") ? "[\(host)]" : host
        return "\(host):\(port) (\(listener == .admin ? "ADMIN_ADDRESS" : "SERVER_PORT"))"
    }
}
