import Synchronization

/// One refresh, from the lock to the saved successor.
extension TokenKeeper {
    /// How a refresh has ended.
    enum Landing: Sendable {
        /// With a credential to use: of this refresh, or of another process's.
        case current(OAuthCredential)
        case dead(String)
        case failed(TokenFailure)
    }

    /// What the storage holds, seen from a credential.
    enum Stored: Sendable {
        /// That one, or an older one of ours because the newer could not be saved.
        case same
        /// The work of another process, or of a login.
        case other(OAuthCredential)
        /// It was removed.
        case none
        case unreadable(OAuthStorageError)
    }

    private static let mostAttempts = 3

    func look(besides known: OAuthCredential) async -> Stored {
        do throws(OAuthStorageError) {
            guard let stored = try await storage.load(name) else { return .none }
            let isOurs =
                stored.accessToken == known.accessToken
                || stored.accessToken == unsaved?.predecessor.accessToken
            return isOurs ? .same : .other(stored)
        } catch {
            return .unreadable(error)
        }
    }

    /// Replaces `base`, which has expired, is about to, or was refused.
    func refresh(_ base: OAuthCredential) async -> Landing {
        // Another process may have done it already: then there is no need for the lock.
        if case .other(let stored) = await look(besides: base), clock.now < stored.expiry { return .current(stored) }
        let deadline = clock.now + settings.lockPatience.wholeMilliseconds
        switch await lock.acquire(.credential(name), until: deadline) {
        case .acquired(let hold):
            let heartbeat = lock.heartbeat(hold, clock)
            let landing = await refresh(base, holding: hold)
            heartbeat.cancel()
            await lock.release(hold)
            return landing
        case .timedOut:
            return await withoutLock(base, "another process has been refreshing it for too long")
        case .unavailable(let reason):
            return await withoutLock(base, reason)
        }
    }

    private func withoutLock(_ base: OAuthCredential, _ reason: String) async -> Landing {
        if case .other(let stored) = await look(besides: base), clock.now < stored.expiry { return .current(stored) }
        return .failed(
            TokenFailure(
                .lockTimeout,
                "The credential “\(name)” could not be locked for a refresh: \(reason). It is tried again shortly."))
    }

    private func refresh(_ base: OAuthCredential, holding hold: RefreshLockHold) async -> Landing {
        var base = base
        switch await look(besides: base) {
        case .same: break
        case .other(let stored) where clock.now < stored.expiry: return .current(stored)
        case .other(let stored):
            // Newer than ours, and expired as well. What could not be saved is older than that.
            base = stored
            unsaved = nil
        case .none:
            unsaved = nil
            return .dead(wasRemoved)
        case .unreadable(let error):
            // Without knowing what others have done, the refresh token may be spent: Qwen might revoke its successors.
            return .failed(failing("\(error)"))
        }
        guard let refreshToken = base.refreshToken else {
            return await refused(
                base,
                "Qwen gave no refresh token with this login, and its access token is no longer good. "
                    + OAuthAdvice.loginAgain)
        }
        switch await outcome(of: base, refreshToken, hold) {
        case .refreshed(let new): return await save(new, insteadOf: base)
        case .refusedForGood(let explanation): return await refused(base, explanation)
        case .failed(let trouble): return .failed(failing(trouble.words))
        }
    }

    /// Asks, and asks again after 1 s and 2 s if Qwen could not be reached or failed.
    private func outcome(
        of base: OAuthCredential, _ refreshToken: String, _ hold: RefreshLockHold
    ) async -> RefreshOutcome {
        if isClosed {
            return .failed(RefreshTrouble(words: "the gateway is stopping", isBrief: false))
        }
        isAsking = true
        defer { isAsking = false }
        let request = requests.refresh(refreshToken)
        var attempt = 1
        while true {
            let trouble: RefreshTrouble
            do throws(OAuthTransportError) {
                let answer = try await transport.send(request)
                let outcome = answer.refreshOutcome(of: base, host: request.url.host, now: clock.now)
                guard case .failed(let failure) = outcome else { return outcome }
                trouble = failure
            } catch {
                trouble = RefreshTrouble(words: error.description, isBrief: true)
            }
            guard trouble.isBrief, attempt < Self.mostAttempts, !isClosed else { return .failed(trouble) }
            do { try await clock.sleep(until: clock.now + 1000 * Int64(attempt)) } catch { return .failed(trouble) }
            guard await lock.touch(hold) else { return .failed(trouble) }
            attempt += 1
        }
    }

    /// Before anyone uses the new tokens: the old refresh token is worth nothing now.
    private func save(_ new: OAuthCredential, insteadOf base: OAuthCredential) async -> Landing {
        let predecessor = unsaved?.predecessor ?? base
        granted.withLock { $0 = new.accessToken }
        do throws(OAuthStorageError) {
            let stored = try await storage.save(new, as: name, replacing: [base, predecessor])
            unsaved = nil
            guard let stored else { return .dead(wasRemoved) }
            return .current(stored)
        } catch {
            unsaved = (new, predecessor)
            warnOfUnsaved(error)
            return .current(new)
        }
    }

    /// Somebody has removed it, or put a key in its place: what a refresh has given since is dropped.
    private var wasRemoved: String { "The credential “\(name)” was removed. \(OAuthAdvice.loginAgain)" }

    /// Qwen refuses `base`: for good, unless somebody has stored another one meanwhile.
    private func refused(_ base: OAuthCredential, _ explanation: String) async -> Landing {
        switch await look(besides: base) {
        case .other(let stored) where clock.now < stored.expiry: return .current(stored)
        case .unreadable(let error): return .failed(failing("\(error)"))
        case .same, .none, .other: break
        }
        // The mark spares other processes a try; who does not see it finds out for itself.
        try? await storage.markDead(name, ifStill: base, explanation: explanation)
        return .dead(explanation)
    }

    /// Stores what could not be stored before, unless another credential stands there by now, or none.
    ///
    /// - Returns: what is to be used instead, if anything is; nil if all is as it was.
    func saveUnsaved() async -> Landing? {
        let deadline = clock.now + settings.lockPatience.wholeMilliseconds
        let outcome = await lock.acquire(.credential(name), until: deadline)
        guard case .acquired(let hold) = outcome else { return nil }
        var landing: Landing?
        if let pending = unsaved {
            do throws(OAuthStorageError) {
                let stored = try await storage.save(
                    pending.credential, as: name, replacing: [pending.predecessor, pending.credential])
                unsaved = nil
                if let stored {
                    if stored != pending.credential { landing = .current(stored) }
                } else {
                    landing = .dead(wasRemoved)
                }
            } catch {
                warnOfUnsaved(error)
            }
        }
        await lock.release(hold)
        return landing
    }

    private func failing(_ words: String) -> TokenFailure {
        TokenFailure(
            .failing, "The credential “\(name)” could not be refreshed: \(words). It is tried again shortly.")
    }
}
