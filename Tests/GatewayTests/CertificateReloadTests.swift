import Foundation
import HTTP
import Logging
import NIOCore
import Synchronization
import TLS
import TestSupport
import Testing

@testable import Gateway

@Suite struct CertificateReloadTests {
    /// Files that a gateway's certificate is written to.
    private struct Place {
        let directory: TemporaryDirectory
        let certificates: TestCertificates
        var chain: String { "\(directory.path)/server.pem" }
        var key: String { "\(directory.path)/server.key" }
        var settings: TLSServerSettings { TLSServerSettings(certificates: [.init(chain: chain, key: key)]) }

        init(_ certificates: TestCertificates) throws {
            directory = try TemporaryDirectory()
            self.certificates = certificates
            try put("first.test")
        }

        func put(_ name: String) throws {
            let issued = try certificates.issue(names: [name], addresses: ["127.0.0.1"])
            try Data(issued.certificate).write(to: URL(filePath: chain), options: .atomic)
            try Data(issued.privateKey).write(to: URL(filePath: key), options: .atomic)
        }
    }

    /// The names of the certificates that were put to use, in turn.
    private final class Used: Sendable {
        let names = Mutex<[String]>([])
    }

    private func keeper(_ place: Place, _ used: Used) throws -> CertificateKeeper {
        try CertificateKeeper(
            place.settings, TLSServerContext(place.settings), stamp: place.settings.stamp(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { context in
            used.names.withLock { $0 += context.certificateFacts.compactMap(\.summary.names.first) }
        }
    }

    @Test func filesAreReadOnceTheyRest() async throws {
        let used = Used()
        let place = try Place(TestCertificates())
        let keeper = try keeper(place, used)
        await keeper.look()
        #expect(used.names.withLock { $0 }.isEmpty)
        try place.put("second.test")
        await keeper.look()
        // They changed since the last look: another may be about to.
        #expect(used.names.withLock { $0 }.isEmpty)
        try place.put("third.test")
        await keeper.look()
        #expect(used.names.withLock { $0 }.isEmpty)
        for _ in 0..<3 { await keeper.look() }
        #expect(used.names.withLock { $0 } == ["third.test"])
        #expect(keeper.context.certificateFacts.first?.summary.names.first == "third.test")
    }

    @Test func aBadFileIsTriedOnce() async throws {
        let used = Used()
        let place = try Place(TestCertificates())
        let keeper = try keeper(place, used)
        try Data("nonsense".utf8).write(to: URL(filePath: place.chain))
        for _ in 0..<4 { await keeper.look() }
        #expect(used.names.withLock { $0 } == ["first.test"])
        try place.put("second.test")
        for _ in 0..<4 { await keeper.look() }
        #expect(used.names.withLock { $0 } == ["first.test", "second.test"])
    }

    @Test func streamsOutliveReloads() async throws {
        try await TestWorld.run(.init(behaviour: "chunks=40 delay=25")) { world in
            let place = try Place(world.certificates)
            let gateway = try await world.start([
                "TLS_CERT_FILE": place.chain, "TLS_KEY_FILE": place.key, "RATE_LIMIT_RPS": "0",
            ])
            let client = try await gateway.client()
            do {
                var streams: [TestResponse] = []
                for index in 0..<50 { streams.append(try await client.chat("\(index)", streaming: true)) }
                for round in 0..<5 {
                    try place.put("round-\(round).test")
                    await gateway.server.reload()
                }
                for stream in streams {
                    let state = try await stream.finish()
                    #expect(state.failure == nil)
                    #expect(state.head?.status == 200)
                    #expect(stream.text.contains("[DONE]"))
                }
                #expect(gateway.log.text.contains("round-4.test"))
                try Data().write(to: URL(filePath: place.key))
                await gateway.server.reload()
                #expect(
                    await GatewayFixture.eventually { gateway.log.text.contains("stays in force") })
                #expect(gateway.log.text.contains(place.key))
                try await gateway.answers()
            } catch {
                await client.close()
                await gateway.stop()
                throw error
            }
            await client.close()
            await gateway.stop()
        }
    }
}
