import HTTP
import Testing

@testable import Gateway

/// The variables of the side that faces strangers.
@Suite struct ConfigurationEdgeTests {
    let directory = ConfigurationDirectory()

    @Test func defaults() throws {
        let edge = try directory.load().edge
        #expect(edge.headerTimeout == .seconds(10))
        #expect(edge.readMinRate == 500 && edge.writeMinRate == 500)
        #expect(edge.maxConnections == 50_000)
        #expect(edge.maxConnectionsPerAddress == 25_000)
        #expect(edge.maxHandshakes == 4096)
        #expect(edge.memoryBudget >= 2 * 64 * 1024 * 1024)
        #expect(edge.trustedProxies.isEmpty)
        #expect(edge.proxyProtocol == .off)
    }

    @Test func valuesAreRead() throws {
        let edge = try directory.load([
            "HEADER_TIMEOUT": "3s", "READ_MIN_RATE": "1KiB", "WRITE_MIN_RATE": "0", "MAX_CONNECTIONS": "100",
            "MAX_CONNECTIONS_PER_ADDRESS": "40",
            "MAX_HANDSHAKES": "7", "MEMORY_BUDGET": "1GiB", "TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::7",
            "PROXY_PROTOCOL": "V2",
        ]).edge
        #expect(edge.headerTimeout == .seconds(3))
        #expect(edge.readMinRate == 1024 && edge.writeMinRate == 0)
        #expect(edge.maxConnections == 100)
        #expect(edge.maxConnectionsPerAddress == 40)
        #expect(edge.maxHandshakes == 7)
        #expect(edge.memoryBudget == 1024 * 1024 * 1024)
        #expect(edge.trustedProxies.contains(try #require(NetworkAddress("10.1.2.3"))))
        #expect(edge.trustedProxies.contains(try #require(NetworkAddress("2001:db8::7"))))
        #expect(!edge.trustedProxies.contains(try #require(NetworkAddress("2001:db8::8"))))
        #expect(edge.proxyProtocol == .v2)
    }

    @Test(arguments: [
        ("HEADER_TIMEOUT", "0"), ("READ_MIN_RATE", "-1"), ("READ_MIN_RATE", "2GiB"), ("WRITE_MIN_RATE", "fast"),
        ("MAX_CONNECTIONS", "0"), ("MAX_CONNECTIONS", "1e6"), ("MAX_CONNECTIONS_PER_ADDRESS", "0"),
        ("MAX_HANDSHAKES", "-5"), ("MEMORY_BUDGET", "1MiB"), ("MEMORY_BUDGET", "lots"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"), ("TRUSTED_PROXIES", "10.0.0.1,proxy.example"),
        ("PROXY_PROTOCOL", "v3"), ("PROXY_PROTOCOL", "v1"),
    ])
    func badValuesStopTheStart(_ variable: String, _ value: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try directory.load([variable: value]) }
        let problem = try #require(error?.problems.first)
        #expect(error?.problems.count == 1)
        #expect(problem.hasPrefix("\(variable): ") && problem.contains("for example \(variable)="), "\(problem)")
    }

    @Test func budgetIsAQuarterOfTheMemoryThatThereIs() {
        let gibibyte = 1024 * 1024 * 1024
        let body = 64 * 1024 * 1024
        #expect(EdgeSettings.memoryBudget(limits: [8 * gibibyte], maxBodyBytes: body) == 2 * gibibyte)
        // A container's limit counts where it is lower, and none is none.
        #expect(EdgeSettings.memoryBudget(limits: [8 * gibibyte, gibibyte], maxBodyBytes: body) == gibibyte / 4)
        #expect(EdgeSettings.memoryBudget(limits: [8 * gibibyte, .max], maxBodyBytes: body) == 2 * gibibyte)
        #expect(EdgeSettings.memoryBudget(limits: [0, gibibyte / 16], maxBodyBytes: body) == 2 * body)
        #expect(EdgeSettings.memoryBudget(limits: [0], maxBodyBytes: body) == gibibyte / 2)
    }
}
