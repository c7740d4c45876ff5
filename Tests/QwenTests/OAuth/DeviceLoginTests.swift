import HTTP
import Testing

@testable import Qwen

@Suite struct DeviceLoginTests {
    static let start: Int64 = 1_000_000

    /// A login that the server has given a code for, with the first poll at `start` + interval.
    private func login(
        _ members: String = #""expires_in":600"#, now: Int64 = start
    ) throws -> (DeviceLogin, DeviceLogin.Action) {
        var login = try newLogin()
        _ = login.begin()
        let action = login.answered(
            .json(
                200,
                #"""
                {"device_code":"dc-canary","user_code":"AB-CD","verification_uri":"https://q.example/a",\#(members)}
                """#),
            now: now)
        return (login, action)
    }

    private func newLogin() throws -> DeviceLogin {
        DeviceLogin(
            requests: try .sample(), pkce: try PKCE(random: Array(repeating: 7, count: 32)), requestID: "request-id")
    }

    /// Polls when the login wants to, and answers.
    private func poll(_ login: inout DeviceLogin, at time: Int64, _ answer: OAuthAnswer) -> DeviceLogin.Action {
        guard case .send = login.timePassed(now: time) else {
            Issue.record("no poll at \(time)")
            return .ignore
        }
        return login.answered(answer, now: time)
    }

    private static let pending = OAuthAnswer.json(400, #"{"error":"authorization_pending"}"#)

    @Test func requestsCarryTheProof() throws {
        var login = try newLogin()
        guard case .send(let device) = login.begin() else {
            Issue.record("nothing to send")
            return
        }
        let pkce = try PKCE(random: Array(repeating: 7, count: 32))
        #expect(device.form["code_challenge"] == pkce.challenge)
        #expect(device.fields["x-request-id"] == "request-id")
        #expect(login.prompt == nil)
        var (waiting, _) = try self.login()
        guard case .send(let poll) = waiting.timePassed(now: Self.start + 2000) else {
            Issue.record("nothing to send")
            return
        }
        #expect(poll.form["code_verifier"] == pkce.verifier)
        #expect(poll.form["device_code"] == "dc-canary")
        #expect(poll.form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code")
    }

    @Test func promptSaysWhatTheUserNeeds() throws {
        let (login, _) = try login()
        #expect(
            login.prompt
                == DevicePrompt(
                    userCode: "AB-CD", verificationURI: "https://q.example/a",
                    verificationURIComplete: "https://q.example/a?user_code=AB-CD", expiresAt: Self.start + 600_000))
    }

    @Test(
        arguments: [
            (#""interval":5"#, 5000), (#""interval":0"#, 2000), (#""interval":0.1"#, 1000), (#""interval":null"#, 2000),
            (#""interval":15"#, 15_000), (#""interval":9999"#, 60_000), (#""x":1"#, 2000),
        ] as [(String, Int64)])
    func intervalIsTheServersOrTwoSeconds(_ members: String, _ interval: Int64) throws {
        var (login, action) = try login(members)
        #expect(action == .wait(until: Self.start + interval))
        #expect(login.timePassed(now: Self.start + interval - 1) == .wait(until: Self.start + interval))
        let next = poll(&login, at: Self.start + interval, Self.pending)
        #expect(next == .wait(until: Self.start + 2 * interval))
    }

    @Test(arguments: [400, 429]) func slowDownLengthensTheIntervalForGood(status: Int) throws {
        var (login, _) = try login()
        let slow = OAuthAnswer.json(status, #"{"error":"slow_down"}"#)
        var time = Self.start + 2000
        for interval in [3000, 4500, 6750, 10_000, 10_000] as [Int64] {
            #expect(poll(&login, at: time, slow) == .wait(until: time + interval))
            time += interval
        }
        #expect(poll(&login, at: time, Self.pending) == .wait(until: time + 10_000))
    }

    /// A server that wants more than the cap keeps what it wants.
    @Test func slowDownNeverShortensTheInterval() throws {
        var (login, _) = try login(#""interval":30"#)
        let action = poll(&login, at: Self.start + 30_000, .json(429, #"{"error":"slow_down"}"#))
        #expect(action == .wait(until: Self.start + 60_000))
    }

    @Test func tokenEndsTheLogin() throws {
        var (login, _) = try login()
        let answer = OAuthAnswer.json(
            200,
            #"""
            {"access_token":"at","refresh_token":"rt","token_type":"Bearer","expires_in":21600,
             "scope":"openid","resource_url":"portal.qwen.ai","status":"success"}
            """#)
        #expect(
            poll(&login, at: Self.start + 2000, answer)
                == .succeed(
                    OAuthCredential(
                        accessToken: "at", refreshToken: "rt", resourceURL: "portal.qwen.ai",
                        expiry: Self.start + 2000 + 21_600_000)))
        #expect(login.timePassed(now: Self.start + 10_000) == .ignore)
        #expect(login.answered(answer, now: Self.start + 10_000) == .ignore)
    }

    @Test(
        arguments: [
            (400, #"{"error":"expired_token"}"#, .expired), (400, #"{"error":"access_denied"}"#, .denied),
            (403, #"{"error":"access_denied"}"#, .denied), (401, #"{"error":"authorization_pending"}"#, .expired),
            (401, "", .expired), (401, "<html>", .expired), (429, #"{"error":"too_many"}"#, .rateLimited),
            (429, "", .rateLimited), (429, "<html>", .rateLimited), (400, #"{"error":"invalid_grant"}"#, .refused),
            (400, #"{"error":"invalid_client","error_description":"dc-canary unknown"}"#, .refused),
            (200, #"{"error":"access_denied"}"#, .denied), (200, #"{"error":"expired_token"}"#, .expired),
        ] as [(Int, String, LoginFailure.Reason)])
    func someAnswersEndTheLoginAtOnce(_ status: Int, _ body: String, _ reason: LoginFailure.Reason) throws {
        var (login, _) = try login()
        guard case .fail(let failure) = poll(&login, at: Self.start + 2000, .json(status, body)) else {
            Issue.record("the login goes on")
            return
        }
        #expect(failure.reason == reason)
        #expect(failure.explanation.hasSuffix("."))
        #expect(!failure.explanation.contains("canary"))
    }

    @Test(arguments: [
        #"{"access_token":null}"#, "{}", #"{"status":"pending"}"#, #"{"error":"authorization_pending"}"#,
    ])
    func successWithoutATokenIsPendingAndWaits(_ body: String) throws {
        var (login, _) = try login()
        for count in 1...20 as ClosedRange<Int64> {
            let time = Self.start + 2000 * count
            #expect(poll(&login, at: time, .json(200, body)) == .wait(until: time + 2000))
        }
    }

    @Test func failuresAreWaitedOutEverLonger() throws {
        var (login, _) = try login()
        var time = Self.start + 2000
        for (count, pause) in ([4000, 8000, 16_000, 30_000, 30_000] as [Int64]).enumerated() {
            guard case .send = login.timePassed(now: time) else { return fail("no poll") }
            let action =
                count % 2 == 0
                ? login.transportFailed(OAuthTransportError("connection reset"), now: time)
                : login.answered(.html(502), now: time)
            #expect(action == .wait(until: time + pause))
            time += pause
        }
        #expect(poll(&login, at: time, Self.pending) == .wait(until: time + 2000))
    }

    @Test func codeThatNobodyConfirmsExpires() throws {
        var (login, _) = try login(#""expires_in":5"#)
        #expect(poll(&login, at: Self.start + 2000, Self.pending) == .wait(until: Self.start + 4000))
        #expect(poll(&login, at: Self.start + 4000, Self.pending) == .wait(until: Self.start + 5000))
        guard case .fail(let failure) = login.timePassed(now: Self.start + 5000) else {
            Issue.record("the login goes on")
            return
        }
        #expect(failure.reason == .expired)
        #expect(failure.explanation.contains("5 seconds"))
        #expect(login.timePassed(now: Self.start + 9000) == .ignore)
    }

    @Test func longLivesOfCodesAreCut() throws {
        let (login, _) = try login(#""expires_in":1e18"#)
        #expect(login.prompt?.expiresAt == Self.start + 3_600_000)
    }

    @Test func webPagesInsteadOfPollsAreGivenUpAfterSome() throws {
        var (login, action) = try login()
        var polls = 0
        while case .wait(let until) = action {
            action = poll(&login, at: until, .html(polls % 2 == 0 ? 403 : 200))
            polls += 1
        }
        #expect(polls == 5)
        guard case .fail(let failure) = action else { return fail("no failure") }
        #expect(failure.reason == .unusableAnswer)
        #expect(failure.explanation.contains("a web page"))
    }

    @Test(arguments: [OAuthAnswer.html(200), .html(403), .html(405), .empty(200), .json(200, "ok"), .json(200, "{}")])
    func closedEndpointIsExplained(_ answer: OAuthAnswer) throws {
        var login = try newLogin()
        _ = login.begin()
        guard case .fail(let failure) = login.answered(answer, now: 0) else { return fail("no failure") }
        #expect(failure.reason == .closed)
        #expect(failure.explanation.contains("2026-04-15"))
        #expect(failure.explanation.contains("QWEN_API_KEY"))
    }

    @Test(
        arguments: [
            (200, #"{"error":"unauthorized_client","error_description":"no"}"#, .refused),
            (400, #"{"error":"invalid_client"}"#, .refused), (401, #"{"error":"invalid_client"}"#, .refused),
            (404, #"{"code":"Not Found","message":"Not support"}"#, .closed), (429, "", .rateLimited),
            (429, #"{"error":"slow_down"}"#, .rateLimited),
        ] as [(Int, String, LoginFailure.Reason)])
    func refusedBeginningIsExplained(_ status: Int, _ body: String, _ reason: LoginFailure.Reason) throws {
        var login = try newLogin()
        _ = login.begin()
        guard case .fail(let failure) = login.answered(.json(status, body), now: 0) else {
            return fail("no failure")
        }
        #expect(failure.reason == reason)
    }

    @Test func beginningIsTriedThreeTimes() throws {
        var login = try newLogin()
        _ = login.begin()
        #expect(login.transportFailed(OAuthTransportError("no route"), now: 0) == .wait(until: 1000))
        guard case .send(let second) = login.timePassed(now: 1000) else { return fail("no second try") }
        #expect(second.kind == .deviceAuthorization)
        #expect(login.answered(.empty(503), now: 1000) == .wait(until: 3000))
        #expect(login.timePassed(now: 2999) == .wait(until: 3000))
        guard case .send = login.timePassed(now: 3000) else { return fail("no third try") }
        guard case .fail(let failure) = login.transportFailed(OAuthTransportError("no route to host"), now: 3000) else {
            return fail("no failure")
        }
        #expect(failure.reason == .unavailable)
        #expect(failure.explanation.contains("no route to host"))
    }

    @Test func eventsOutOfPlaceAreIgnored() throws {
        var login = try newLogin()
        #expect(login.answered(Self.pending, now: 0) == .ignore)
        #expect(login.timePassed(now: 0) == .ignore)
        _ = login.begin()
        #expect(login.begin() == .ignore)
        #expect(login.timePassed(now: 0) == .ignore)
    }
}
