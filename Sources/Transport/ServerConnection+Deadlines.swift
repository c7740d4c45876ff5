import HTTP
import NIOCore

/// What a client's connection is given time for, looked at once a second: no timer for each request.
extension ServerConnection: Sweepable {
    func checkDeadlines(_ now: NIODeadline) {
        let timeouts = server.timeouts
        if let lingersSince {
            if now - lingersSince >= Self.lingerTime { context?.close(promise: nil) }
            return
        }
        let buffered = Int((try? channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0)
        let isSlow = output.isTooSlow(
            pending: buffered, progress: bytesWritten - buffered, now: now, limit: timeouts.response)
        if closesWhenSent { return checkEnd(buffered, isSlow) }
        _ = outputHold.set(buffered + (engine?.bufferedBytes ?? 0), in: server.memory, isForced: true)
        if isSlow { return breakOff(.slowReader) }
        if let engine { checkExchanges(engine, now) }
        if let deadline = stage.overdue(now, timeouts) { expire(deadline) }
    }

    /// What is left of a connection that ends goes out, or takes too long.
    private func checkEnd(_ buffered: Int, _ isSlow: Bool) {
        guard buffered == 0 || isSlow, let context else { return }
        if isSlow || !hasAnsweredEarly { context.close(promise: nil) } else { linger(context) }
    }

    private var stage: ConnectionStage {
        var stage = ConnectionStage(opened: opened)
        if case .proxyHeader = phase { stage.awaitsProxyHeader = true }
        stage.established = established
        stage.hasBegun = hasBegun
        stage.headBegan = engine?.headBegan
        stage.idleSince = isBusy ? nil : idleSince
        return stage
    }

    private func expire(_ deadline: ConnectionStage.Deadline) {
        if let reason = deadline.reason { report(reason) }
        switch deadline {
        case .proxyHeader, .handshake: context?.close(promise: nil)
        case .firstRequest, .keepAlive: retire()
        case .requestHead:
            if engine?.headTimedOut() == true {
                handleEvents()
                scheduleFlush()
            } else {
                endExchanges(.timedOut)
                retire()
            }
        }
    }

    /// Ends a connection on which nothing is in progress, in order.
    func retire() {
        engine?.shutdown()
        engine?.shutdown()
        flush()
        close()
    }

    /// Ends the connection of a client that does not take what is sent to it.
    private func breakOff(_ reason: ConnectionFault.Reason) {
        report(reason)
        for exchange in exchanges.all { exchange.limit = reason }
        endExchanges(.timedOut)
        context?.close(promise: nil)
    }

    private func report(_ reason: ConnectionFault.Reason) {
        guard !isFaultReported else { return }
        isFaultReported = true
        server.connectionFailed(self, ConnectionFault(reason, "the client took too long"))
    }

    private func checkExchanges(_ engine: any ServerEngine, _ now: NIODeadline) {
        for exchange in exchanges.all {
            let id = exchange.id
            let queued = engine.queuedBytes(id)
            let facts = ExchangePace.Facts(
                received: exchange.bytesIn, awaitsBody: !exchange.requestEnded && !isReadPaused, queued: queued,
                sent: exchange.bytesOut - queued, isWindowClosed: queued > 0 && engine.waitsForWindow(id))
            switch exchange.pace.fault(facts, now, server.timeouts) {
            case nil: exchange.handler?.tick(now)
            case .slowBody? where !exchange.hasResponded:
                exchange.limit = .slowBody
                exchange.requestEnded = true
                hasEarlyAnswer = true
                exchange.handler?.requestFailed(.requestTimeout)
            case .slowBody? where exchange.hasEnded:
                // Answered, and the rest of the request never came.
                engine.abort(id, .cancel)
                close(id, .completed)
                scheduleFlush()
            case let reason?:
                exchange.limit = reason
                hasBrokenOff = true
                engine.abort(id, .cancel)
                close(id, .timedOut)
                scheduleFlush()
            }
        }
    }
}
