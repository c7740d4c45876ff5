import NIOCore
import Testing

@testable import Qwen

@Suite struct CredentialPoolTests {
    private func credential(_ name: String, _ access: PooledCredential.Access = .apiKey) -> PooledCredential {
        PooledCredential(name: name, access: access, isPortal: access == .oauth)
    }

    private func pool(_ credentials: PooledCredential...) -> CredentialPool {
        var pool = CredentialPool()
        for credential in credentials { pool.add(credential, provider: provider()) }
        return pool
    }

    @discardableResult
    private func fail(_ lease: CredentialLease?, _ kind: QwenFault.Kind, _ now: Double = 0) -> QwenFault? {
        lease?.failed(QwenFault(kind: kind), now: at(now), unixTime: 0)
    }

    @Test func leastLoadedThenLeastRecentlyUsed() {
        let (a, b, c) = (credential("a"), credential("b"), credential("c"))
        var pool = pool(a, b, c)
        let leases = (0..<6).map { _ in pool.lease(at(0)) }
        #expect(leases.map { $0?.credential.name } == ["a", "b", "c", "a", "b", "c"])
        leases[1]?.succeeded(now: at(1))
        #expect(pool.lease(at(1))?.credential.name == "b")
        // That lease is gone: it counts no more.
        #expect(b.inFlight == 1)
        leases[4]?.release()
        leases[4]?.release()
        #expect(b.inFlight == 0)
        #expect([a.inFlight, c.inFlight] == [2, 2])
    }

    @Test func emptyPoolHasNothing() {
        var pool = CredentialPool()
        guard case .none = pool.choose(now: at(0)) else {
            Issue.record("a choice out of nothing")
            return
        }
        #expect(pool.earliestRecovery(now: at(0)) == nil)
        #expect(pool.exhaustion(now: at(0)).kind == .authentication)
    }

    @Test func aRestOnOneLoopIsSeenOnAnother() {
        let (a, b) = (credential("a"), credential("b"))
        var (one, other) = (pool(a, b), pool(a, b))
        fail(one.lease(at(0)), .billing(.arrears))
        #expect(other.lease(at(1))?.credential.name == "b")
        let held = other.lease(at(1))
        #expect(other.lease(at(1))?.credential.name == "b")
        #expect(b.inFlight == 1)
        held?.release()
        let both = [one.lease(at(3601)), one.lease(at(3601))]
        #expect(Set(both.compactMap { $0?.credential.name }) == ["a", "b"])
    }

    @Test func exactlyHowLongAllRest() {
        var pool = pool(credential("a"), credential("b"), credential("c", .oauth))
        fail(pool.lease(at(0)), .billing(.arrears))
        fail(pool.lease(at(10)), .quotaExhausted(.planHours), 10)
        fail(pool.lease(at(11)), .quotaExhausted(.free), 11)
        #expect(pool.wait(at(20)) == at(310))
        #expect(pool.earliestRecovery(now: at(20)) == at(310))
        let told = pool.exhaustion(now: at(20))
        #expect(told.kind == .quotaExhausted(.planHours))
        #expect(told.retryAfter == .seconds(290))
        #expect(pool.lease(at(310))?.credential.name == "b")
    }

    @Test func theDeadAreNotWaitedFor() {
        let credential = credential("a", .oauth)
        var pool = pool(credential)
        credential.markDead(QwenFault(kind: .authentication, message: "gone"))
        guard case .none = pool.choose(now: at(0)) else {
            Issue.record("a dead credential was waited for")
            return
        }
        #expect(pool.exhaustion(now: at(0)).message == "gone")
        #expect(pool.exhaustion(now: at(0)).retryAfter == nil)
        #expect(pool.snapshots(now: at(0)).first?.state == .dead)
        credential.revive()
        #expect(pool.lease(at(0)) != nil)
    }

    @Test func throttledIsTheLastChoice() {
        let (a, b) = (credential("a"), credential("b"))
        var pool = pool(a, b)
        let first = pool.lease(at(0))
        fail(first, .throttled(.rate))
        let leases = (0..<5).map { _ in pool.lease(at(0.5)) }
        #expect(leases.allSatisfy { $0?.credential.name == "b" })
        fail(leases[0], .throttled(.rate), 0.5)
        // Both are: the one with fewer calls it is, and none waits.
        #expect(pool.lease(at(0.6))?.credential.name == "a")
        #expect(pool.lease(at(2))?.credential.name == "a")
    }

    @Test func narrowCredentialMakesWait() {
        let credential = credential("a")
        var pool = pool(credential)
        let held = pool.lease(at(0))
        fail(pool.lease(at(0)), .throttled(.concurrency), 0.1)
        let wave = (0..<6).map { _ in pool.lease(at(0.2)) }
        for lease in wave { fail(lease, .throttled(.concurrency), 0.3) }
        // One is served; what is more is refused.
        #expect(pool.wait(at(1)) == at(1.05))
        held?.succeeded(now: at(1))
        #expect(pool.lease(at(1)) != nil)
        #expect(credential.inFlight == 0)
    }

    @Test func triedCredentialsAreLeftOut() {
        var pool = CredentialPool()
        pool.add(credential("a"), provider: provider("one"))
        pool.add(credential("b"), provider: provider("one"))
        pool.add(credential("c"), provider: provider("two"))
        var tried = TriedCredentials()
        guard let first = pool.lease(at(0)) else { return }
        #expect(pool.hasAlternative(to: first, again: .otherHost, except: tried, now: at(0)))
        tried.add(first, again: .otherHost)
        guard let second = pool.lease(at(0), except: tried) else { return }
        #expect(second.credential.name == "c")
        #expect(!pool.hasAlternative(to: second, again: .otherCredential, except: tried, now: at(0)))
        tried.add(second, again: .otherCredential)
        #expect(pool.lease(at(0), except: tried) == nil)
        var one = TriedCredentials()
        one.add(first, again: .otherCredential)
        #expect(pool.lease(at(0), except: one)?.credential.name == "b")
    }

    /// The portal serves chat alone: nothing else is sent with a login, or waits for one.
    @Test func loginsServeChatAlone() throws {
        let portal = try #require(
            QwenProvider(authority: "portal.qwen.ai", basePath: "/v1", accessToken: "t", userAgent: "g"))
        var pool = CredentialPool()
        pool.add(credential("login", .oauth), provider: portal)
        for need in QwenProvider.Capability.allCases {
            #expect(pool.allServe(need) == (need == .chat))
            let choice = pool.choose(now: at(0), for: need)
            if need == .chat {
                guard case .lease = choice else { return #expect(Bool(false), "\(choice)") }
                continue
            }
            guard case .none = choice else { return #expect(Bool(false), "\(choice)") }
            let fault = pool.exhaustion(now: at(0), for: need)
            #expect(fault.kind == .authentication)
            #expect(fault.message?.contains("no \(need.rawValue): set QWEN_API_KEY") == true)
            #expect(pool.earliestRecovery(now: at(0), for: need) == nil)
        }
        pool.add(credential("key"), provider: provider("b"))
        guard let lease = pool.lease(at(0)) else { return #expect(Bool(false)) }
        #expect(lease.credential.name == "key")
        for _ in 0..<3 {
            guard case .lease(let other) = pool.choose(now: at(0), for: .embeddings) else { return }
            #expect(other.credential.name == "key")
        }
        #expect(
            !pool.hasAlternative(
                to: lease, again: .otherCredential, except: TriedCredentials(), now: at(0), for: .embeddings))
        #expect(pool.hasAlternative(to: lease, again: .otherCredential, except: TriedCredentials(), now: at(0)))
    }

    // MARK: Tokens

    @Test func aNewTokenIsSentWithTheNextCall() {
        let credential = credential("a", .oauth)
        var pool = pool(credential)
        let old = pool.lease(at(0))
        let number = credential.advanceGeneration()
        #expect(number > old?.generation ?? number)
        pool.replaceProvider(of: "a", with: provider("new"), generation: number)
        pool.replaceProvider(of: "a", with: provider("older"), generation: number - 1)
        pool.replaceProvider(of: "nobody", with: provider("x"), generation: 9)
        let new = pool.lease(at(0))
        #expect(new?.provider.authority == "new")
        #expect(new?.generation == number)
        #expect(old?.provider.authority == "qwen.example")
        #expect(credential.inFlight == 2)
    }

    @Test func aLateRefusalOfAnOldTokenIsNoTrouble() {
        let credential = credential("a", .oauth)
        var pool = pool(credential)
        let late = pool.lease(at(0))
        pool.replaceProvider(of: "a", with: provider(), generation: credential.advanceGeneration())
        pool.lease(at(1))?.succeeded(now: at(2))
        fail(late, .authentication, 3)
        fail(pool.lease(at(3)), .authentication, 3)
        #expect(pool.snapshots(now: at(3)).first?.state != .dead)
    }

    @Test func snapshotsHoldNoSecret() {
        let (a, b) = (credential("a"), credential("b"))
        var pool = pool(a, b)
        pool.lease(at(0))?.succeeded(now: at(0))
        fail(pool.lease(at(0)), .billing(.arrears))
        let held = pool.lease(at(1))
        let snapshots = pool.snapshots(now: at(1))
        #expect(
            snapshots == [
                CredentialSnapshot(
                    name: "a", access: .apiKey, state: .healthy, reason: nil, opensIn: nil, inFlight: 1, succeeded: 1,
                    failed: 0),
                CredentialSnapshot(
                    name: "b", access: .apiKey, state: .resting, reason: "billing.arrears", opensIn: .seconds(3599),
                    inFlight: 0, succeeded: 0, failed: 1),
            ])
        var text = "\(snapshots) \(String(describing: pool)) \(String(reflecting: held?.provider))"
        dump(snapshots, to: &text)
        dump(pool, to: &text)
        dump(held, to: &text)
        #expect(!text.contains("canary"))
    }

    @Test func membersComeAndGo() {
        let a = credential("a")
        var pool = pool(a)
        let held = pool.lease(at(0))
        pool.add(a, provider: provider("other"), generation: 1)
        #expect(pool.count == 1)
        #expect(pool.lease(at(0))?.provider.authority == "other")
        pool.remove("a")
        #expect(pool.isEmpty)
        held?.succeeded(now: at(1))
        #expect(a.inFlight == 0)
    }

    /// Whatever happens in whichever order: in flight is what is held, and the choice is the least loaded of the best.
    @Test(arguments: 1...20) func randomOperations(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let credentials = (0..<4).map { credential("\($0)", $0 == 0 ? .oauth : .apiKey) }
        var pools = [CredentialPool(), CredentialPool()]
        for index in pools.indices {
            for credential in credentials { pools[index].add(credential, provider: provider()) }
        }
        var held: [CredentialLease] = []
        var now = 0.0
        let kinds = QwenFault.Kind.allCases
        for _ in 0..<2000 {
            now += Double.random(in: 0...2, using: &random)
            if held.count < 40, Bool.random(using: &random) {
                let loads = credentials.map { credential in
                    credential.closed(at(now)) == nil && credential.inFlight < credential.width(at(now))
                        ? (credential.isAvoided(at(now)) ? 1000 : 0) + credential.inFlight : Int.max
                }
                switch pools[Int.random(in: 0...1, using: &random)].choose(now: at(now)) {
                case .lease(let lease):
                    let index = Int(lease.credential.name) ?? 0
                    #expect(loads[index] == loads.min())
                    held.append(lease)
                case .wait(let until):
                    #expect(loads.allSatisfy { $0 == Int.max })
                    #expect(until > at(now))
                case .none: #expect(credentials.allSatisfy { $0.isDead })
                }
            } else if !held.isEmpty {
                let lease = held.remove(at: Int.random(in: 0..<held.count, using: &random))
                switch Int.random(in: 0..<5, using: &random) {
                case 0: fail(lease, kinds.randomElement(using: &random) ?? .server, now)
                case 1: lease.release()
                case 2: fail(lease, .throttled(.rate), now)
                default: lease.succeeded(now: at(now))
                }
            }
            if Int.random(in: 0..<100, using: &random) == 0 { credentials[0].revive() }
            for credential in credentials {
                #expect(credential.inFlight == held.count { $0.credential === credential })
            }
        }
        held.removeAll()
        #expect(credentials.allSatisfy { $0.inFlight == 0 })
    }
}
