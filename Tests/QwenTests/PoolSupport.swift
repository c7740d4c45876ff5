import NIOCore

@testable import Qwen

/// Instants in seconds since the test began.
func at(_ seconds: Double) -> NIODeadline {
    .uptimeNanoseconds(1_000_000_000_000) + .nanoseconds(Int64((seconds * 1e9).rounded()))
}

func provider(_ host: String = "qwen.example", key: String = "sk-canary") -> QwenProvider {
    QwenProvider(authority: host, basePath: "/v1", apiKey: key, userAgent: "qwen-gateway/1")
}

extension CredentialPool {
    /// A lease, or nil where none is given.
    mutating func lease(_ now: NIODeadline, except tried: TriedCredentials = TriedCredentials()) -> CredentialLease? {
        if case .lease(let lease) = choose(now: now, except: tried) { return lease }
        return nil
    }

    /// When to look again, or nil.
    mutating func wait(_ now: NIODeadline) -> NIODeadline? {
        if case .wait(let until) = choose(now: now) { return until }
        return nil
    }
}

/// xorshift64*: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
