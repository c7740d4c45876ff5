import Testing

@testable import Qwen

@Suite struct FaultPolicyTests {
    @Test(arguments: QwenFault.Kind.allCases) func rowsAreConsistent(_ kind: QwenFault.Kind) {
        let policy = FaultPolicy(kind)
        // What may not be sent again is sent once; all else has a bound.
        #expect((policy.again == .never) == (policy.mostAttempts == 1))
        #expect(policy.mostAttempts <= 32)
        switch kind {
        case .quotaExhausted, .billing, .authentication:
            #expect(policy.again == .otherCredential)
            #expect(policy.rest != .none)
            #expect(policy.clientShouldRetry == false)
        case .throttled:
            #expect(policy.again == .anyCredential)
            #expect(policy.usualWait != nil)
            #expect(policy.clientShouldRetry == nil)
        case .invalidRequest, .contextLengthExceeded, .moderation:
            #expect(policy.again == .never)
            #expect(policy.rest == .none)
        case .timeout, .unavailable, .server, .blocked, .truncated:
            #expect(policy.again == .anyCredential)
            #expect(policy.rest == .none)
        case .modelNotFound, .wrongEndpoint: #expect(policy.again == .otherHost)
        case .permissionDenied, .planRefusesClient: #expect(policy.again == .otherCredential)
        }
    }
}
