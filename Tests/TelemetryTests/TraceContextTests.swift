import Testing

@testable import Telemetry

struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    @Test func aContextIsTakenOver() throws {
        let parent = "00-\(Self.trace)-00f067aa0ba902b7-01"
        let context = try #require(TraceContext(parent: parent, state: "vendor=1"))
        #expect(context.parent == parent)
        #expect(context.traceID == Self.trace)
        #expect(context.state == "vendor=1")
    }

    @Test func aLaterVersionMayHaveMore() {
        #expect(TraceContext(parent: "01-\(Self.trace)-00f067aa0ba902b7-01-more", state: nil) != nil)
    }

    @Test(arguments: [
        "", "00", "00-\(trace)-00f067aa0ba902b7", "00-\(trace)-00f067aa0ba902b7-01-more",
        "ff-\(trace)-00f067aa0ba902b7-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-\(trace)-0000000000000000-01", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-\(trace)-00f067aa0ba902bg-01", "00-\(trace)-00f067aa0ba902b7-1", "0-\(trace)-00f067aa0ba902b7-01",
        "00-\(trace)--01", " 00-\(trace)-00f067aa0ba902b7-01",
    ])
    func aBrokenOneIsNone(_ parent: String) {
        #expect(TraceContext(parent: parent, state: nil) == nil)
    }

    @Test func aStateThatIsTooLongIsDropped() throws {
        let parent = "00-\(Self.trace)-00f067aa0ba902b7-01"
        let context = try #require(TraceContext(parent: parent, state: String(repeating: "a", count: 513)))
        #expect(context.state == nil)
    }
}
