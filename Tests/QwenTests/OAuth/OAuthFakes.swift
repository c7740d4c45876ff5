import NIOCore
import Synchronization
import Testing

@testable import Qwen

/// Answers requests with a closure, and remembers them.
final class FakeTransport: OAuthTransport {
    private let requests = Mutex<[OAuthRequest]>([])
    private let handler: @Sendable (OAuthRequest) async throws -> OAuthAnswer

    init(_ handler: @escaping @Sendable (OAuthRequest) async throws -> OAuthAnswer) {
        self.handler = handler
    }

    var sent: [OAuthRequest] { requests.withLock { $0 } }

    func send(_ request: OAuthRequest) async throws(OAuthTransportError) -> OAuthAnswer {
        requests.withLock { $0.append(request) }
        do {
            return try await handler(request)
        } catch let error as OAuthTransportError {
            throw error
        } catch {
            throw OAuthTransportError("\(error)")
        }
    }
}

/// A directory of credentials in memory, shared by the keepers that are given it.
final class MemoryStorage: OAuthCredentialStorage {
    struct Content {
        var credentials: [String: OAuthCredential] = [:]
        var dead: [String: String] = [:]
        var saves = 0
        /// How often somebody has logged in under each name.
        var logins: [String: Int64] = [:]
        /// What no login can be stored under.
        var checkFault: OAuthStorageError?
        /// What the next loads and saves fail with.
        var loadFault: OAuthStorageError?
        var saveFault: OAuthStorageError?
    }

    let content = Mutex(Content())

    init(_ credentials: [String: OAuthCredential] = [:]) {
        content.withLock { $0.credentials = credentials }
    }

    subscript(_ name: String) -> OAuthCredential? {
        get { content.withLock { $0.credentials[name] } }
        set { content.withLock { $0.credentials[name] = newValue } }
    }

    func load(_ name: String) async throws(OAuthStorageError) -> OAuthCredential? {
        await Task.yield()
        let (credential, fault) = content.withLock { ($0.credentials[name], $0.loadFault) }
        if let fault { throw fault }
        return credential
    }

    func logins() async throws(OAuthStorageError) -> [String: Int64] { content.withLock { $0.logins } }

    func check(_ name: String) async throws(OAuthStorageError) {
        if let fault = content.withLock({ $0.checkFault }) { throw fault }
    }

    func save(_ credential: OAuthCredential, as name: String) async throws(OAuthStorageError) {
        await Task.yield()
        let fault = content.withLock { content in
            if content.saveFault == nil {
                content.credentials[name] = credential
                content.logins[name, default: 0] += 1
                content.dead[name] = nil
                content.saves += 1
            }
            return content.saveFault
        }
        if let fault { throw fault }
    }

    func save(
        _ credential: OAuthCredential, as name: String, replacing predecessors: [OAuthCredential]
    ) async throws(OAuthStorageError) -> OAuthCredential? {
        await Task.yield()
        let (stored, fault) = content.withLock { content in
            if content.saveFault == nil, predecessors.contains(where: { $0 == content.credentials[name] }) {
                content.credentials[name] = credential
                content.saves += 1
            }
            return (content.credentials[name], content.saveFault)
        }
        if let fault { throw fault }
        return stored
    }

    func markDead(_ name: String, ifStill credential: OAuthCredential, explanation: String)
        async
        throws(OAuthStorageError)
    {
        content.withLock { content in
            if content.credentials[name] == credential { content.dead[name] = explanation }
        }
    }
}

/// Locks in memory, first come first served.
final class MemoryLock: RefreshLock {
    private struct State {
        var holders: [RefreshLockName: String] = [:]
        var waiting:
            [(name: RefreshLockName, id: String, continuation: CheckedContinuation<RefreshLockOutcome, Never>)] =
                []
        var lastID = 0
        var unavailable: String?
        var touches = 0
    }

    private let state = Mutex(State())
    private let clock: ManualClock

    init(_ clock: ManualClock) { self.clock = clock }

    var touches: Int { state.withLock { $0.touches } }
    var isFree: Bool { state.withLock { $0.holders.isEmpty && $0.waiting.isEmpty } }

    /// No lock can be had from now on.
    func makeUnavailable(_ reason: String) { state.withLock { $0.unavailable = reason } }

    func acquire(_ name: RefreshLockName, until deadline: Int64) async -> RefreshLockOutcome {
        let (id, outcome): (String, RefreshLockOutcome?) = state.withLock { state in
            state.lastID += 1
            let id = "\(state.lastID)"
            if let reason = state.unavailable { return (id, .unavailable(reason)) }
            guard state.holders[name] == nil else { return (id, nil) }
            state.holders[name] = id
            return (id, .acquired(RefreshLockHold(name: name, id: id)))
        }
        if let outcome { return outcome }
        if Task.isCancelled { return .timedOut }
        let timer = Task {
            do { try await clock.sleep(until: deadline) } catch { return }
            giveUp(id)
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFree = state.withLock { state in
                    if state.holders[name] == nil {
                        state.holders[name] = id
                        return true
                    }
                    state.waiting.append((name, id, continuation))
                    return false
                }
                if isFree { continuation.resume(returning: .acquired(RefreshLockHold(name: name, id: id))) }
            }
        } onCancel: {
            giveUp(id)
        }
        timer.cancel()
        return result
    }

    private func giveUp(_ id: String) {
        let continuation = state.withLock { state in
            let index = state.waiting.firstIndex { $0.id == id }
            return index.map { state.waiting.remove(at: $0).continuation }
        }
        continuation?.resume(returning: .timedOut)
    }

    func touch(_ hold: RefreshLockHold) async -> Bool {
        state.withLock { state in
            state.touches += 1
            return state.holders[hold.name] == hold.id
        }
    }

    func release(_ hold: RefreshLockHold) async {
        let next = state.withLock { state -> (RefreshLockHold, CheckedContinuation<RefreshLockOutcome, Never>)? in
            guard state.holders[hold.name] == hold.id else { return nil }
            state.holders[hold.name] = nil
            guard let index = state.waiting.firstIndex(where: { $0.name == hold.name }) else { return nil }
            let next = state.waiting.remove(at: index)
            state.holders[hold.name] = next.id
            return (RefreshLockHold(name: next.name, id: next.id), next.continuation)
        }
        next?.1.resume(returning: .acquired(next?.0 ?? hold))
    }
}

/// Collects what a keeper reports, and lets a test wait for it.
final class Collector<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var watchers: [(isMet: @Sendable (Element) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var elements: [Element] { state.withLock { $0.elements } }

    @Sendable func collect(_ element: Element) {
        let met = state.withLock { state in
            state.elements.append(element)
            let met = state.watchers.filter { $0.isMet(element) }
            state.watchers.removeAll { $0.isMet(element) }
            return met.map(\.continuation)
        }
        for continuation in met { continuation.resume() }
    }

    /// Waits until one was or is reported that meets the condition.
    func wait(for isMet: @escaping @Sendable (Element) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.elements.contains(where: isMet) { return true }
                state.watchers.append((isMet, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

extension OAuthAnswer {
    static func json(_ status: Int, _ body: String) -> OAuthAnswer {
        OAuthAnswer(status: status, contentType: "application/json", body: ByteBuffer(string: body))
    }

    static func html(_ status: Int) -> OAuthAnswer {
        OAuthAnswer(
            status: status, contentType: "text/html; charset=utf-8",
            body: ByteBuffer(string: "\n<!doctype html><html><body>blocked</body></html>"))
    }

    static func empty(_ status: Int) -> OAuthAnswer {
        OAuthAnswer(status: status, contentType: nil, body: ByteBuffer())
    }

    static func token(_ access: String, refresh: String? = nil, expiresIn: Int = 3600) -> OAuthAnswer {
        let refresh = refresh.map { #","refresh_token":"\#($0)""# } ?? ""
        return json(200, #"{"access_token":"\#(access)"\#(refresh),"token_type":"Bearer","expires_in":\#(expiresIn)}"#)
    }
}

extension OAuthCredential {
    static func sample(_ number: Int = 0, refreshToken: String? = "", expiry: Int64) -> OAuthCredential {
        OAuthCredential(
            accessToken: "at-canary-\(number)",
            refreshToken: refreshToken.map { $0.isEmpty ? "rt-canary-\(number)" : $0 },
            resourceURL: "portal.qwen.ai", expiry: expiry)
    }
}

extension OAuthRequests {
    static func sample() throws -> OAuthRequests {
        OAuthRequests(endpoints: try OAuthEndpoints(), userAgent: "qwen-gateway/1.2.3")
    }
}

extension OAuthRequest {
    var bodyText: String { String(buffer: body) }

    /// The fields of the form, decoded.
    var form: [String: String] {
        var form: [String: String] = [:]
        for pair in bodyText.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            form[String(parts[0])] = Self.decoded(parts[1])
        }
        return form
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Records an issue where a test cannot go on.
func fail(_ words: Comment, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(words, sourceLocation: sourceLocation)
}
