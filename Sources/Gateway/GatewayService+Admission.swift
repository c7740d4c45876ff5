import Admission
import HTTP
import Logging
import NIOCore
import Telemetry
import Translation
import Transport

/// Who is let in.
extension GatewayService {
    /// Looks at the request's key and takes the request from its limit; gives the error that refuses it, or nil.
    func admit(_ exchange: GatewayExchange, _ head: RequestHead, _ access: Access) -> APIError? {
        let address = exchange.server.clientAddress
        let decision = gate.admit(
            head.fields, from: address,
            certified: exchange.server.connection?.clientCertificateName.map {
                shared.certificateClients.client(named: $0)
            }, at: exchange.arrival)
        switch decision {
        case .admitted(let admission):
            exchange.admitted = admission
            exchange.limits = admission.report
            if let name = admission.client.name { exchange.update { $0.key = name } }
            guard access == .administrator, !admission.client.isAdmin else { return nil }
            let refusal = Refusal(.adminRequired, client: admission.client, report: admission.report)
            exchange.refused(refusal)
            return APIError(refusal)
        case .refused(let refusal):
            exchange.refused(refusal)
            tell(of: refusal, address)
            return APIError(refusal)
        }
    }

    /// Says that an address backs off: once at the beginning, and once a minute while it goes on. Its requests have no
    /// lines of their own.
    private func tell(of refusal: Refusal, _ address: NetworkAddress?) {
        guard let untold = refusal.untold, let address else { return }
        // Whoever has many addresses does not fill the log either.
        guard backOffLines.take(now: loop.now) else { return }
        shared.logger.warning(
            "an address keeps failing to authenticate and is answered 429",
            metadata: ["client": "\(address)", "refused": "\(untold)"])
    }
}

/// How many lines of one kind a log gets: twenty at once, then one a second. Belongs to its event loop.
struct LineAllowance {
    private static let most = 20
    private var left = most
    private var since: NIODeadline?

    mutating func take(now: NIODeadline) -> Bool {
        let seconds = since.map { (now - $0).nanoseconds / 1_000_000_000 } ?? 0
        if since == nil || seconds > 0 {
            left = min(left + Int(clamping: seconds), Self.most)
            since = now
        }
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}

extension GatewayExchange {
    /// When the request came, on both clocks.
    var arrival: AdmissionTime {
        AdmissionTime(uptime: service.loop.now.uptimeNanoseconds, wall: record.time.milliseconds)
    }

    private var present: AdmissionTime {
        AdmissionTime(uptime: service.loop.now.uptimeNanoseconds, wall: WallTime.now().milliseconds)
    }

    /// Takes note of why the request is not let in. Every refusal of a client's request comes by here.
    func refused(_ refusal: Refusal) {
        limits = refusal.report
        // An address that keeps failing would fill the log.
        isLogged = refusal.reason != .backingOff
        update { record in
            record.refusal = refusal.reason.rawValue
            if let name = refusal.client?.name { record.key = name }
        }
    }

    /// Sets aside what the calls of Qwen are expected to cost. Where the client has not got as much, or may not use the
    /// model, the request is answered so.
    ///
    /// - Parameters:
    ///   - model: as Qwen names it.
    ///   - bodies: of the calls; asked only where tokens are limited.
    /// - Returns: whether the calls may be made.
    func reserve(_ model: String, bodies: () -> [ByteBuffer]) -> Bool {
        guard var admission = admitted else { return true }
        let time = present
        let refusal = admission.reserve(model: model, at: time) {
            let estimate = RequestTokenEstimate(bodies(), document: &service.document)
            return TokenEstimate(prompt: estimate.prompt, answer: estimate.answer)
        }
        admitted = admission
        limits = admission.report
        guard let refusal else { return true }
        refused(refusal)
        fail(APIError(refusal), outcome: .rejected)
        return false
    }

    /// Puts what the answer has cost in the place of what was set aside.
    func settle() {
        guard var admission = admitted, !admission.isSettled else { return }
        admission.settle(cost, at: present)
        admitted = admission
    }

    /// The tokens that the answer has cost, as far as they are known: by Qwen's count, or, of one that was cut short,
    /// those of the prompt by the gateway's estimate, and one for each event.
    private var cost: Int {
        if record.promptTokens != nil || record.completionTokens != nil {
            return (record.promptTokens ?? 0) + (record.completionTokens ?? 0)
        }
        // Of what failed before there was an answer Qwen charges nothing.
        guard record.attempts != nil, record.status == 200 || record.status == nil else { return 0 }
        return (admitted?.estimatedPrompt ?? 0) + passedEvents
    }
}
