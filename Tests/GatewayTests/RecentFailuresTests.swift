import NIOCore
import Telemetry
import Testing

@testable import Gateway

struct RecentFailuresTests {
    private func record(
        _ id: String, _ outcome: Outcome, status: Int? = 401, path: String = "/x", model: String? = nil
    ) -> AccessRecord {
        AccessRecord(
            time: WallTime(nanoseconds: 0), requestID: id, client: "127.0.0.1", method: "POST", path: path,
            status: status, httpVersion: "HTTP/2", model: model, duration: .seconds(1), outcome: outcome)
    }

    @Test func theLastOnesAreKeptNewestFirst() {
        var failures = RecentFailures()
        for number in 0..<130 { failures.note(record("\(number)", .rejected), route: "/v1", SecretRedactor()) }
        #expect(failures.count == RecentFailures.capacity)
        #expect(failures.newestFirst.map(\.requestID) == (80..<130).reversed().map(String.init))
    }

    @Test func successesAndClientsThatLeaveAreNone() {
        var failures = RecentFailures()
        failures.note(record("a", .completed, status: 200), route: nil, SecretRedactor())
        failures.note(record("b", .clientCancelled, status: nil), route: nil, SecretRedactor())
        #expect(failures.newestFirst.isEmpty)
        failures.note(record("c", .completed, status: 404), route: nil, SecretRedactor())
        failures.note(record("d", .upstreamTruncated, status: 200), route: nil, SecretRedactor())
        failures.note(record("e", .shutdown, status: nil), route: nil, SecretRedactor())
        #expect(failures.newestFirst.map(\.requestID) == ["e", "d", "c"])
    }

    /// What clients think of is cut, and searched for secrets before that.
    @Test func textIsRedactedAndCut() {
        let secret = "sk-0123456789abcdef0123456789abcdef"
        let padding = String(repeating: "p", count: RecentFailures.textLength - 10)
        var failures = RecentFailures()
        failures.note(
            record("a", .rejected, path: "/" + padding + secret, model: String(repeating: "m", count: 100_000)),
            route: nil, SecretRedactor([secret]))
        let failure = failures.newestFirst.first
        #expect(failure?.path.contains("sk-") == false)
        #expect(failure?.path.hasPrefix("/ppp") == true)
        #expect((failure?.path.count ?? 0) <= RecentFailures.textLength + 1)
        #expect(failure?.model?.count == RecentFailures.textLength + 1)
    }

    @Test func aRouteStandsForItsPath() {
        var failures = RecentFailures()
        failures.note(record("a", .rejected, path: "/v1/models/x"), route: "/v1/models/{id}", SecretRedactor())
        #expect(failures.newestFirst.map(\.path) == ["/v1/models/{id}"])
    }
}
