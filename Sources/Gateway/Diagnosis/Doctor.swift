import Admission
import Glibc
import HTTP
import NIOCore
import Qwen
import TLS
package import Telemetry
import Transport
import Vault

/// Looks at everything that a gateway needs, and says of each thing how it is and what to do. Changes nothing, and
/// spends nothing: tokens are not refreshed, no model is asked.
package struct Doctor: Sendable {
    private let configuration: GatewayConfiguration
    private let plane: ControlPlane
    private let now: @Sendable () -> WallTime
    /// For each question to a host.
    private static let timeout = TimeAmount.seconds(10)
    /// TLS and tokens tolerate about this much.
    private static let mostClockSkew: Int64 = 60

    package init(
        _ configuration: GatewayConfiguration, _ plane: ControlPlane, now: @escaping @Sendable () -> WallTime
    ) {
        self.configuration = configuration
        self.plane = plane
        self.now = now
    }

    /// Looks at it all, and hands over each finding as soon as it is there.
    package func examine(_ found: (Finding) -> Void) async {
        for finding in configuration.warnings { found(Finding("configuration", .warning, finding + ".")) }
        found(certificate())
        found(port())
        fileModes().forEach(found)
        found(clientKeys())
        let credentials = storedCredentials(found)
        await hosts(credentials, found)
    }

    // MARK: This machine

    private func certificate() -> Finding {
        do throws(TLSError) {
            let context = try TLSServerContext(configuration.tls)
            let files = context.certificateFacts.map(\.file).joined(separator: ", ")
            guard context.report.warnings.isEmpty else {
                return Finding("certificate", .warning, context.report.warnings.joined(separator: "; ") + ".")
            }
            return Finding("certificate", .ok, "\(files) and its key belong together.")
        } catch {
            return Finding(
                "certificate", .problem, "\(error.reason).",
                advice: "Set TLS_CERT_FILE and TLS_KEY_FILE, or run `make certs` for a development certificate.")
        }
    }

    private func port() -> Finding {
        let place = "\(configuration.serverHost) port \(configuration.serverPort)"
        do {
            let address = try SocketAddress.makeAddressResolvingHost(
                configuration.serverHost, port: configuration.serverPort)
            try ListenProbe.check(address)
            return Finding("port", .ok, "\(place) is free.")
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return Finding(
                "port", .warning, "\(place) is in use: by the gateway, if it runs.",
                advice: "If it does not: stop what listens there (`ss -ltnp`), or set SERVER_PORT.")
        } catch let error as IOError where error.errnoCode == EACCES {
            return Finding(
                "port", .problem, "\(place) needs a privilege.",
                advice: "Set SERVER_PORT to 1024 or above, or grant CAP_NET_BIND_SERVICE.")
        } catch {
            return Finding(
                "port", .problem, "\(place) can not be listened on: \(error).",
                advice: "Set SERVER_HOST to an address of this machine, or to 0.0.0.0.")
        }
    }

    private func fileModes() -> [Finding] {
        let paths = [".env", configuration.credentials.directory] + configuration.tls.certificates.map(\.key)
        return paths.compactMap(FileModes.finding)
    }

    /// What clients can present. Keys that can not be read are found by who starts the gateway otherwise.
    private func clientKeys() -> Finding {
        let subject = "client keys"
        let stored: [ClientRecord]
        do throws(ClientKeyStoreError) {
            stored = try ClientKeyStore(directory: configuration.credentials.directory).load()
        } catch {
            return Finding(subject, .problem, "\(error.reason).")
        }
        let now = now().milliseconds
        let good = stored.count { !$0.isExpired(at: now) }
        let expired = stored.count - good
        guard good + configuration.clientKeys.count > 0 || configuration.allowsAnonymous else {
            return Finding(
                subject, .problem,
                expired == 0 ? "There is no client key." : "All of the \(expired) client keys have expired.",
                advice: "Make one with `qwen-gateway keys add NAME`.")
        }
        let places = "\(good) in QWEN_DIR, \(configuration.clientKeys.count) in the environment"
        return Finding(subject, .ok, expired == 0 ? "\(places)." : "\(places); \(expired) have expired.")
    }

    // MARK: Credentials

    /// The credentials that could be used, by name.
    private func storedCredentials(_ found: (Finding) -> Void) -> [(name: String, Credential)] {
        var usable: [(String, Credential)] = []
        if let credential = configuration.environmentCredential { usable.append(("QWEN_API_KEY", credential)) }
        do {
            if let store = try configuration.credentials.makeStore() {
                for entry in try store.list() {
                    switch entry.content {
                    case .success(let stored): usable.append((entry.name, stored.credential))
                    case .failure(let error):
                        found(
                            Finding(
                                "credential \(entry.name)", .problem, "It can not be read: \(error.reason).",
                                advice: "Set QWEN_CREDENTIALS_SECRET to what it was sealed with, or add it anew."))
                    }
                }
            }
        } catch {
            found(Finding("credentials", .problem, "\(error)."))
        }
        if usable.isEmpty {
            found(
                Finding(
                    "credentials", .problem, "There is no credential for Qwen.",
                    advice: "Set QWEN_API_KEY, or run `qwen-gateway credentials add NAME`."))
        }
        return usable
    }

    // MARK: Qwen

    private func hosts(_ credentials: [(name: String, Credential)], _ found: (Finding) -> Void) async {
        var clockWasRead = false
        for (name, credential) in credentials {
            guard let access = QwenAccess(credential) else {
                found(Finding("credential \(name)", .problem, "Its base URL is none.", advice: "Add it anew."))
                continue
            }
            if case .oauth(let tokens) = credential {
                found(expiry(name, tokens))
                // Nothing that costs nothing tells whether the portal takes a token.
                continue
            }
            let answer: FetchedResponse
            do throws(UpstreamError) {
                answer = try await plane.fetcher.fetch(
                    access.provider.request(.get, "models"), from: access.origin, timeout: Self.timeout)
            } catch {
                found(unreachable(access.origin, error))
                found(Finding("credential \(name)", .skipped, "Its host can not be asked."))
                continue
            }
            found(
                Finding("reach \(access.origin.authority)", .ok, "It answers, over a TLS connection that is trusted."))
            if !clockWasRead, let finding = clock(answer) {
                clockWasRead = true
                found(finding)
            }
            found(acceptance(name, answer, access))
        }
    }

    private func expiry(_ name: String, _ tokens: OAuthCredential) -> Finding {
        let left = tokens.expiry / 1000 - now().seconds
        guard left <= 0 else {
            return Finding("credential \(name)", .ok, "Its access token is good for \(left / 60) minutes.")
        }
        return Finding(
            "credential \(name)", .warning, "Its access token has expired: the gateway refreshes it when it runs.",
            advice: "If the gateway says that it can not, run `qwen-gateway login --name \(name)`.")
    }

    private func unreachable(_ origin: Origin, _ error: UpstreamError) -> Finding {
        let advice =
            switch error.kind {
            case .tls:
                "Is there a proxy that opens TLS? Name its CA in UPSTREAM_CA_FILE; install ca-certificates."
            case .connect, .connectTimeout: "Check DNS (`getent hosts \(origin.host)`), the firewall and the route."
            default: "Try again; see `qwen-gateway check` for API_BASE_URL."
            }
        return Finding("reach \(origin.authority)", .problem, "\(error.description).", advice: advice)
    }

    private func acceptance(_ name: String, _ answer: FetchedResponse, _ access: QwenAccess) -> Finding {
        switch answer.status {
        case 200: return Finding("credential \(name)", .ok, "\(access.origin.authority) accepts it.")
        case 401, 403:
            return Finding(
                "credential \(name)", .problem, "\(access.origin.authority) refuses it (\(answer.status)).",
                advice: "Keys belong to a region: compare QWEN_REGION with the console that the key is from.")
        case 404, 405:
            return Finding("credential \(name)", .ok, "Its host has no list of models to ask for; nothing is wrong.")
        default:
            return Finding(
                "credential \(name)", .warning, "\(access.origin.authority) answers with \(answer.status).",
                advice: "Try again in a while.")
        }
    }

    /// - Returns: nil without a Date field.
    private func clock(_ answer: FetchedResponse) -> Finding? {
        guard let date = answer.fields["date"].flatMap(HTTPDateParser.unixTime) else { return nil }
        let skew = now().seconds - date
        guard abs(skew) > Self.mostClockSkew else { return Finding("clock", .ok, "It agrees with Qwen's.") }
        return Finding(
            "clock", .problem, "It is \(abs(skew)) s \(skew > 0 ? "ahead of" : "behind") Qwen's.",
            advice: "Synchronise it (`timedatectl set-ntp true`): certificates and tokens depend on it.")
    }
}
