import QwenSimulator
import TLS
import TestSupport

@testable import Gateway

/// A gateway before a simulator, both on loopback with certificates of their own, and the way to end them.
final class GatewayFixture: Sendable {
    static let clientKey = "client-key-0123456789abcdef"
    static let otherClientKey = "other-client-key-0123456789abc"
    static let adminKey = "admin-key-0123456789abcdef"
    static let qwenKey = "qwen-key-0123456789abcdef"

    /// What is varied from test to test.
    struct Options: Sendable {
        var upstreamProtocols: [ApplicationProtocol] = [.http2, .http1]
        var environment: [String: String] = [:]
        /// The simulator accepts this key; nil for any.
        var simulatorKey: String? = GatewayFixture.qwenKey
        /// Switches of the simulator.
        var behaviour = ""
    }

    let world: TestWorld
    private let running: TestGateway

    var gateway: GatewayServer { running.server }
    var simulator: QwenSimulator { world.simulator }
    var certificates: TestCertificates { world.certificates }
    var log: LogCollector { running.log }

    private init(world: TestWorld, running: TestGateway) {
        self.world = world
        self.running = running
    }

    /// Runs `body` with a fixture, and ends it whatever happens.
    static func run(
        _ options: Options = Options(), _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let fixture = try await start(options)
        do {
            try await body(fixture)
        } catch {
            await fixture.stop()
            throw error
        }
        await fixture.stop()
    }

    private static func start(_ options: Options) async throws -> GatewayFixture {
        var worldOptions = TestWorld.Options()
        worldOptions.upstreamProtocols = options.upstreamProtocols
        worldOptions.simulatorKey = options.simulatorKey
        worldOptions.behaviour = options.behaviour
        let world = try await TestWorld.start(worldOptions)
        do {
            return GatewayFixture(world: world, running: try await world.start(options.environment))
        } catch {
            await world.stop()
            throw error
        }
    }

    private func stop() async {
        await running.stop()
        await world.stop()
    }

    /// A client of the gateway that speaks one protocol only.
    func client(_ applicationProtocol: ApplicationProtocol) async throws -> TestClient {
        try await running.client(applicationProtocol)
    }

    /// Waits until `condition` holds; false when it does not within the limit.
    static func eventually(
        within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
    ) async rethrows -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if try await condition() { return true }
            // Not a wait for something to have happened: room for what has to happen.
            try? await Task.sleep(for: .milliseconds(2))
        }
        return try await condition()
    }
}
