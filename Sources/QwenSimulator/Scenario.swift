/// A set of switches with a name.
package struct Scenario: Sendable {
    package let name: String
    /// What it is like, in a line.
    package let help: String
    package let switches: String

    private init(_ name: String, _ switches: String, _ help: String) {
        self.name = name
        self.help = help
        self.switches = switches
    }

    package static let all: [Scenario] = [
        Scenario("busy", "refuse=30 headers=qwen", "30 of 100 calls are refused with 429"),
        Scenario("throttled", "error=throttling", "every call is refused with 429 Throttling"),
        Scenario("exhausted", "error=quota", "the free quota is used up"),
        Scenario("overdue", "error=arrearage", "the account is in arrears"),
        Scenario("closed", "error=invalid-token", "the tier is closed: 401 for every token"),
        Scenario("moderated", "error=moderation envelope=E3", "the input is refused, as an event with status 400"),
        Scenario("leaking", "error=allocation-quota envelope=E4 at=3", "a native error event in mid-stream"),
        Scenario("html", "error=html", "the edge answers a page with status 200"),
        Scenario("down", "error=upstream-connect", "the edge can not reach Qwen"),
        Scenario("slow", "first=60000", "a minute until the first byte"),
        Scenario("silent", "idle=200000@3", "200 seconds of silence in mid-stream"),
        Scenario("truncated", "fail=middle@3", "the stream ends within a frame"),
        Scenario("endless", "done=off", "no [DONE]"),
        Scenario("shredded", "split=1-7 eol=crlf space=off heartbeat=2", "frames cut anywhere, CRLF, comments"),
        Scenario("packed", "batch=10 delay=20 gzip=asked", "ten frames in a write, gzip where it is accepted"),
        Scenario("doubled", "finish=two usage=finish role=null created=typo", "all odd chunks at once"),
        Scenario("portal", "portal.auth=tokens portal.system=on headers=qwen", "the portal, and its strictness"),
        Scenario("login-slow", "oauth.slow-down=2 oauth.pending=3 oauth.interval=5", "slow_down, then pending"),
        Scenario("login-denied", "oauth.poll=denied", "the user denies"),
        Scenario("login-page", "oauth.approval=manual", "the login waits for its page"),
        Scenario("short-tokens", "oauth.expires-in=1", "access tokens are good for a second"),
        Scenario("slow-tokens", "oauth.delay=5000", "the token endpoint takes five seconds"),
        Scenario("dead-refresh", "oauth.refresh=invalid", "every refresh is refused for good"),
    ]
}
