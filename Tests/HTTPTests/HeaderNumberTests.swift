import Testing

@testable import HTTP

struct HeaderNumberTests {
    @Test(arguments: [(0, "0"), (7, "7"), (10, "10"), (1234, "1234"), (-5, "0"), (.max, "9223372036854775807")])
    func numbersAreDecimal(_ number: Int, _ text: String) {
        var fields = HeaderFields()
        fields.append("x-number", decimal: number)
        #expect(fields["x-number"] == text)
    }

    @Test(
        arguments: [
            (0, "0s"), (1, "1ms"), (20_000_000, "20ms"), (20_000_001, "21ms"), (999_000_000, "999ms"),
            (999_500_000, "1s"), (1_000_000_000, "1s"), (1_500_000_000, "1.5s"), (8_640_000_000, "8.64s"),
            (1_001_000_000, "1.001s"), (59_999_000_000, "59.999s"), (60_000_000_000, "1m0s"),
            (360_000_000_000, "6m0s"), (62_050_000_000, "1m2.05s"), (3_600_000_000_000, "1h0m0s"),
            (86_399_000_000_000, "23h59m59s"), (UInt64.max, "5124095h34m33.71s"),
        ] as [(UInt64, String)])
    func durationsAreGos(_ nanoseconds: UInt64, _ text: String) {
        var fields = HeaderFields()
        fields.append("x-duration", duration: nanoseconds)
        #expect(fields["x-duration"] == text)
    }
}
