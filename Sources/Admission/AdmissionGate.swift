package import HTTP
package import TLS

/// Says who is admitted. One for each event loop, and confined to it; what it says takes no lock and does no I/O.
///
/// Failed authentication backs off by address: after ten failures, and then one in six seconds, the address is answered
/// 429 with Retry-After. That is cheaper than to delay the 401, which would hold a stream and a timer for each. Who
/// presents a right key is served all the same, for a whole company or campus can share an address: the key is looked
/// at first, which costs less than a microsecond. No one is slowed down by others' wrong keys, and no one finds a key
/// of 256 random bits by trying.
package final class AdmissionGate {
    /// Who is known. Another one takes its place when something has changed.
    package var directory: ClientDirectory
    private let addresses: AddressTable
    /// What each address gets where no key is needed; nil for no limit.
    private let addressLimit: RateLimit?
    private let hasher: SHA256Hasher

    package init(
        _ directory: ClientDirectory = .empty, addresses: AddressTable, addressLimit: RateLimit?
    ) throws(TLSError) {
        self.directory = directory
        self.addresses = addresses
        self.addressLimit = addressLimit
        hasher = try SHA256Hasher()
    }

    package enum Decision: Sendable {
        case admitted(Admission)
        case refused(Refusal)
    }

    /// Judges a request by its key and its address, and takes it from the limit of the one or the other.
    ///
    /// - Parameters:
    ///   - address: the client's; nil where it has none, as on a socket of the machine's own.
    ///   - certified: whom the client has proved to be in TLS, asked for where it presents no key.
    package func admit(
        _ fields: HeaderFields, from address: NetworkAddress?, certified: @autoclosure () -> Client? = nil,
        at time: AdmissionTime
    ) -> Decision {
        switch PresentedKey(fields, hasher) {
        case .none:
            if let certified = certified() { return admit(certified, address, time) }
            guard let anonymous = directory.anonymous else { return fail(.missingKey, address, time) }
            return admitAnonymous(anonymous, address, time)
        case .unusable: return unknown(address, time)
        case .digest(let digest):
            guard let grant = directory.grant(digest) else { return unknown(address, time) }
            guard time.wall < grant.expires else { return fail(.expiredKey, address, time, client: grant.client) }
            return admit(grant.client, address, time)
        }
    }

    private func admit(_ client: Client, _ address: NetworkAddress?, _ time: AdmissionTime) -> Decision {
        guard client.isAllowed(from: address) else { return .refused(Refusal(.networkNotAllowed, client: client)) }
        client.state.use(time.wall)
        var report = LimitReport()
        if let limit = client.requests {
            let level = limit.take(from: client.state.requests, now: time.uptime)
            report = LimitReport(limit, level)
            if level.wait > 0 { return limited(client, report, level, time) }
        }
        if client.countsTokens { report.look(at: client, time) }
        return .admitted(Admission(client, report: report))
    }

    private func admitAnonymous(_ client: Client, _ address: NetworkAddress?, _ time: AdmissionTime) -> Decision {
        var report = LimitReport()
        if let addressLimit, let address {
            let level = addresses.takeRequest(address, addressLimit, now: time.uptime)
            report = LimitReport(addressLimit, level)
            if level.wait > 0 { return limited(client, report, level, time) }
        }
        if client.countsTokens { report.look(at: client, time) }
        return .admitted(Admission(client, report: report))
    }

    private func limited(
        _ client: Client, _ report: LimitReport, _ level: RateLimit.Level, _ time: AdmissionTime
    ) -> Decision {
        var report = report
        if client.countsTokens { report.look(at: client, time) }
        return .refused(Refusal(.rateLimited, client: client, report: report, wait: level.wait))
    }

    /// With no key configured every key is as good as none.
    private func unknown(_ address: NetworkAddress?, _ time: AdmissionTime) -> Decision {
        if let anonymous = directory.anonymous, directory.isEmpty { return admitAnonymous(anonymous, address, time) }
        return fail(.unknownKey, address, time)
    }

    private func fail(
        _ reason: RefusalReason, _ address: NetworkAddress?, _ time: AdmissionTime, client: Client? = nil
    ) -> Decision {
        guard let address, case .refused(let wait, let untold) = addresses.fail(address, now: time.uptime) else {
            return .refused(Refusal(reason, client: client))
        }
        var refusal = Refusal(.backingOff, client: client, wait: wait)
        refusal.untold = untold
        return .refused(refusal)
    }
}
