import Testing

@testable import Qwen

@Suite struct TokenRefreshTests {
    private static let credential = OAuthCredential.sample(expiry: 0)

    private func outcome(_ answer: OAuthAnswer) -> RefreshOutcome {
        answer.refreshOutcome(of: Self.credential, host: "chat.qwen.ai", now: 1000)
    }

    @Test(arguments: [
        OAuthAnswer.json(
            400, #"{"error":"invalid_request","error_description":"Invalid refresh token or client_id"}"#),
        .json(401, #"{"error":"invalid_grant","error_description":"rt-canary-0 at-canary-0 are unknown"}"#),
        .json(400, #"{"error":"invalid_grant"}"#), .empty(401), .empty(400), .json(400, "bad request"),
        .json(401, #"{"error":{"code":"invalid_api_key","message":"invalid access token or token expired"}}"#),
    ])
    func refusalsAreForGood(_ answer: OAuthAnswer) {
        guard case .refusedForGood(let explanation) = outcome(answer) else {
            return fail("not for good: \(outcome(answer))")
        }
        #expect(explanation.contains("chat.qwen.ai"))
        #expect(explanation.contains("qwen-gateway login"))
        #expect(explanation.contains("QWEN_API_KEY"))
        #expect(!explanation.contains("canary"))
    }

    @Test(arguments: [
        (OAuthAnswer.json(200, #"{"error":"invalid_grant"}"#), false), (.empty(200), false), (.html(200), false),
        (.json(200, "ok"), false), (.json(200, #"{"access_token":null}"#), false), (.html(400), false),
        (.html(401), false), (.html(403), false), (.html(405), false), (.empty(429), false), (.empty(500), true),
        (.json(503, #"{"error":"temporarily_unavailable"}"#), true), (.html(502), true),
        (.json(400, #"{"error":"temporarily_unavailable"}"#), false),
    ])
    func otherAnswersAreTriedAgain(_ answer: OAuthAnswer, isBrief: Bool) {
        guard case .failed(let trouble) = outcome(answer) else { return fail("\(outcome(answer))") }
        #expect(trouble.isBrief == isBrief)
        #expect(trouble.words.contains("\(answer.status)"))
    }

    @Test func rotationIsFollowed() {
        guard case .refreshed(let new) = outcome(.token("at-1", refresh: "rt-1", expiresIn: 10)) else {
            return fail("not refreshed")
        }
        #expect(new.accessToken == "at-1")
        #expect(new.refreshToken == "rt-1")
        #expect(new.resourceURL == "portal.qwen.ai")
        #expect(new.expiry == 11_000)
    }

    private let schedule = RefreshSchedule(buffer: 300_000)

    @Test func refreshComesBeforeTheEnd() {
        let credential = OAuthCredential.sample(expiry: 10_000_000)
        #expect(schedule.due(credential, obtained: nil, jitter: 0) == 9_700_000)
        #expect(schedule.due(credential, obtained: 0, jitter: 0) == 9_700_000)
        #expect(schedule.due(credential, obtained: 0, jitter: 0.5) == 9_685_000)
    }

    @Test func shortLivesAreRefreshedHalfway() {
        let credential = OAuthCredential.sample(expiry: 1_200_000)
        #expect(schedule.due(credential, obtained: 1_000_000, jitter: 0) == 1_100_000)
    }

    @Test func livesOfSecondsAreNotRefreshedAllTheTime() {
        let credential = OAuthCredential.sample(expiry: 1_001_000)
        #expect(schedule.due(credential, obtained: 1_000_000, jitter: 0) == 1_030_000)
    }

    @Test func withoutARefreshTokenThereIsOnlyTheEnd() {
        let credential = OAuthCredential.sample(refreshToken: nil, expiry: 1_001_000)
        #expect(schedule.due(credential, obtained: 0, jitter: 0.9) == 1_001_000)
    }

    @Test func failuresAreWaitedOut() {
        let pauses = (1...6).map { RefreshSchedule.backoff(failures: $0, jitter: 0) }
        #expect(pauses == [5000, 10_000, 20_000, 40_000, 60_000, 60_000])
        #expect(RefreshSchedule.backoff(failures: 1, jitter: 0.5) == 5500)
        #expect(RefreshSchedule.backoff(failures: .max, jitter: 0) == 60_000)
    }
}
