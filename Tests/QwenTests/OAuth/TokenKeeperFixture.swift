import Testing

@testable import Qwen

/// A keeper of the credential "default" with the number 0, and its world.
struct TokenKeeperFixture {
    let clock = ManualClock()
    let storage: MemoryStorage
    let lock: MemoryLock
    let transport: FakeTransport
    let events = Collector<TokenKeeper.Event>()
    let keeper: TokenKeeper
    let credential: OAuthCredential

    static let start: Int64 = 1_000_000

    init(
        expiry: Int64 = start - 1, refreshToken: String? = "",
        _ handler: @escaping @Sendable (OAuthRequest) async throws -> OAuthAnswer = { _ in
            .token("at-1", refresh: "rt-1")
        }
    ) throws {
        credential = .sample(refreshToken: refreshToken, expiry: expiry)
        storage = MemoryStorage(["default": credential])
        lock = MemoryLock(clock)
        transport = FakeTransport(handler)
        keeper = TokenKeeper(
            name: "default", credential: credential, requests: try .sample(), transport: transport, clock: clock,
            storage: storage, lock: lock, jitter: { 0 }, onEvent: events.collect)
    }

    static let refused = OAuthAnswer.json(
        400, #"{"error":"invalid_request","error_description":"Invalid refresh token or client_id"}"#)

    /// What `current` throws.
    func failure(patience: Duration = .seconds(60)) async -> TokenFailure? {
        do throws(TokenFailure) {
            _ = try await keeper.current(patience: patience)
            return nil
        } catch {
            return error
        }
    }

    var isDead: Bool { keeper.deathExplanation != nil }
}
