import Admission
import Synchronization

/// The clients that prove with a certificate who they are: `mtls:` and the certificate's name, which limits and logs go
/// by. They get the limits that hold for keys without their own.
///
/// Event loops share it; only requests that come without a key over a connection with a certificate look into it.
final class CertificateClients: Sendable {
    private let clients = Mutex<[String: Client]>([:])
    private let limits: ClientLimits

    /// An authority names its clients, so that they are few. Past this many all are forgotten, and what they have used.
    private static let most = 65_536

    init(limits: ClientLimits) {
        self.limits = limits
    }

    func client(named name: String) -> Client {
        clients.withLock { clients in
            if let known = clients[name] { return known }
            if clients.count >= Self.most { clients.removeAll() }
            let client = Client(id: "mtls:\(name)", name: "mtls:\(name)", limits: limits, state: ClientState())
            clients[name] = client
            return client
        }
    }
}
