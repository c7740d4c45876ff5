import Admission
import Foundation
import HTTP
import NIOCore
import TLS
import Telemetry
import Testing

@testable import Gateway

/// The keys that are kept in QWEN_DIR, and a running gateway.
@Suite(.timeLimit(.minutes(1)), .serialized) struct ClientKeyTests {
    private static let noKeys = ["GATEWAY_API_KEYS": "", "GATEWAY_ADMIN_KEYS": ""]

    /// Makes a key, as the command does.
    private func add(
        _ name: String, to store: ClientKeyStore, _ change: (inout ClientRecord) throws -> Void = { _ in }
    ) throws -> String {
        let key = try ClientKeyText()
        var record = ClientRecord(
            id: key.id, name: name, digest: try ClientKeyText.digest(of: key.secret),
            created: WallTime.now().milliseconds)
        try change(&record)
        try store.add(record)
        return key.secret
    }

    private func status(_ gateway: TestGateway, _ key: String) async throws -> Int? {
        try await gateway.ask(key: key).head?.status
    }

    @Test func aStoreOfKeysIsEnoughToStart() async throws {
        try await TestWorld.run { world in
            let error = await #expect(throws: ConfigurationError.self) { try await world.start(Self.noKeys) }
            #expect(error?.description.contains("qwen-gateway keys add") == true)
            let store = ClientKeyStore(directory: world.directory)
            let key = try add("team-a", to: store)
            let gateway = try await world.start(Self.noKeys)
            #expect(try await status(gateway, key) == 200)
            #expect(try await status(gateway, "qgw_unknown0_\(String(repeating: "0", count: 43))") == 401)
            #expect(await GatewayFixture.eventually { gateway.log.text.contains(#""key":"team-a""#) })
            #expect(!gateway.log.text.contains(key))
            await gateway.stop()
            // The last one is gone: the file is there, and says so.
            _ = try store.revoke("team-a")
            let startup = await #expect(throws: StartupError.self) { try await world.start(Self.noKeys) }
            #expect(startup?.exitCode == .configuration)
            #expect(startup?.description.contains("qwen-gateway keys add") == true)
        }
    }

    @Test func changesReachARunningGateway() async throws {
        try await TestWorld.run { world in
            let store = ClientKeyStore(directory: world.directory)
            try await world.withGateway(["QWEN_API_KEY": GatewayFixture.qwenKey]) { gateway in
                let key = try add("team-a", to: store)
                #expect(try await GatewayFixture.eventually { try await status(gateway, key) == 200 })
                let (new, _) = try store.rotate("team-a", oldKeyUntil: WallTime.now().milliseconds + 600_000)
                #expect(try await GatewayFixture.eventually { try await status(gateway, new.secret) == 200 })
                #expect(try await status(gateway, key) == 200)
                _ = try store.revoke("team-a")
                #expect(try await GatewayFixture.eventually { try await status(gateway, new.secret) != 200 })
                #expect(try await status(gateway, key) != 200)
                #expect(try await status(gateway, GatewayFixture.clientKey) == 200)
                #expect(gateway.log.text.contains("a client key is no more in use"))
                #expect(!gateway.log.text.contains(key) && !gateway.log.text.contains(new.secret))
            }
        }
    }

    @Test func aDamagedStoreLeavesTheLastGoodKeysInForce() async throws {
        try await TestWorld.run { world in
            let store = ClientKeyStore(directory: world.directory)
            let key = try add("team-a", to: store)
            let file = "\(world.directory)/keys/keys.json"
            let good = try Data(contentsOf: URL(filePath: file))
            try await world.withGateway(["QWEN_API_KEY": GatewayFixture.qwenKey]) { gateway in
                #expect(try await status(gateway, key) == 200)
                for damage in ["damaged", "exposed"] {
                    let before = gateway.log.lines.count { $0.contains("stay in force") }
                    if damage == "damaged" {
                        try Data("{".utf8).write(to: URL(filePath: file))
                    } else {
                        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
                    }
                    let said = await GatewayFixture.eventually {
                        gateway.log.lines.count { $0.contains("stay in force") } == before + 1
                    }
                    #expect(said, "\(damage)")
                    #expect(try await status(gateway, key) == 200)
                    try good.write(to: URL(filePath: file))
                    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
                    let mended = await GatewayFixture.eventually {
                        gateway.log.lines.count { $0.contains("can be read again") } == before + 1
                    }
                    #expect(mended, "\(damage)")
                }
            }
            try Data("{".utf8).write(to: URL(filePath: file))
            let error = await #expect(throws: StartupError.self) { try await world.start() }
            #expect(error?.exitCode == .configuration && error?.description.contains(file) == true)
        }
    }

    @Test func whatWasUsedIsKnownAfterARestart() async throws {
        try await TestWorld.run { world in
            let store = ClientKeyStore(directory: world.directory)
            let key = try add("team-a", to: store) { $0.limits.tokensPerDay = 1000 }
            func ask(_ gateway: TestGateway) async throws -> TestResponse.State { try await gateway.ask(key: key) }
            var gateway = try await world.start()
            let first = try await ask(gateway)
            #expect(first.head?.status == 200 && first.head?.fields["x-ratelimit-limit-tokens"] == "1000")
            await gateway.stop()
            let record = try #require(try store.load().first)
            let used = try #require(try store.loadUsage()[record.id])
            #expect(used.tokens > 0 && used.tokens < 1000)
            #expect(abs((used.lastUsed ?? 0) - WallTime.now().milliseconds) < 60_000)

            // Nearly all of it, as another process has used it.
            try store.updateUsage { $0[record.id]?.tokens = 999 }
            gateway = try await world.start()
            let refused = try await ask(gateway)
            #expect(refused.head?.status == 429, "\(String(buffer: refused.body))")
            #expect(TestJSON.error(String(buffer: refused.body))["code"] as? String == "insufficient_quota")
            #expect(refused.head?.fields["x-should-retry"] == "false")
            #expect(refused.head?.fields["x-ratelimit-remaining-tokens"] == "1")
            #expect((refused.head?.fields["retry-after"].flatMap { Int($0) } ?? 0) <= 86_400)
            #expect(try await status(gateway, GatewayFixture.clientKey) == 200)
            await gateway.stop()
        }
    }

    @Test func keysAreGoodForTheirModelsAndNetworks() async throws {
        try await TestWorld.run { world in
            let store = ClientKeyStore(directory: world.directory)
            let narrow = try add("narrow", to: store) { $0.models = ["qwen3-coder-*", "small"] }
            let inside = try add("inside", to: store) { $0.networks = [try NetworkPrefix("127.0.0.0/8")] }
            let outside = try add("outside", to: store) { $0.networks = [try NetworkPrefix("10.0.0.0/8")] }
            let gateway = try await world.start(["MODEL_ALIASES": "small=qwen3.7-plus,large=qwen3.7-max"])
            let client = try await gateway.client()
            for (model, expected) in [
                ("qwen3-coder-plus", 200), ("small", 200), ("qwen3.7-plus", 200), ("qwen3.7-plus:thinking", 200),
                ("large", 403), ("qwen3.7-max", 403), ("qwen3-max", 403),
            ] {
                let answer = try await client.chat(
                    "hello", streaming: false, members: #""model":"\#(model)","#, key: narrow
                ).finish()
                #expect(answer.head?.status == expected, "\(model)")
                guard expected == 403 else { continue }
                let error = TestJSON.error(String(buffer: answer.body))
                #expect(error["code"] as? String == "model_not_allowed" && error["param"] as? String == "model")
            }
            let list = try await client.start("GET", "/v1/models", fields: [("authorization", "Bearer \(narrow)")])
                .finish()
            let data = TestJSON.object(String(buffer: list.body))["data"] as? [[String: Any]] ?? []
            let ids = Set(data.compactMap { $0["id"] as? String })
            #expect(ids.contains("small") && !ids.contains("large") && !ids.isEmpty)
            #expect(ids.allSatisfy { $0.hasPrefix("qwen3-coder-") || $0 == "small" || $0 == "qwen3.7-plus" }, "\(ids)")
            let hidden = try await client.start(
                "GET", "/v1/models/large", fields: [("authorization", "Bearer \(narrow)")]
            ).finish()
            #expect(hidden.head?.status == 404)
            #expect(try await status(gateway, inside) == 200)
            let refused = try await gateway.ask(key: outside)
            #expect(refused.head?.status == 403)
            #expect(TestJSON.error(String(buffer: refused.body))["code"] as? String == "network_not_allowed")
            await client.close()
            await gateway.stop()
        }
    }

    @Test func expiredKeysAreToldSo() async throws {
        try await TestWorld.run { world in
            let store = ClientKeyStore(directory: world.directory)
            let key = try add("old", to: store) { $0.expires = WallTime.now().milliseconds - 1 }
            try await world.withGateway(["QWEN_API_KEY": GatewayFixture.qwenKey]) { gateway in
                let answer = try await gateway.ask(key: key)
                #expect(answer.head?.status == 401 && answer.head?.fields["www-authenticate"] != nil)
                #expect(TestJSON.error(String(buffer: answer.body))["code"] as? String == "expired_api_key")
            }
        }
    }

    @Test func noKeyOfTheStoreReachesTheLogWhereverAClientPutsIt() async throws {
        try await TestWorld.run { world in
            let key = try add("team-a", to: ClientKeyStore(directory: world.directory))
            try await world.withGateway(["QWEN_API_KEY": GatewayFixture.qwenKey]) { gateway in
                let client = try await gateway.client()
                _ = try await client.start("GET", "/v1/\(key)").finish()
                _ = try await client.chat(
                    "hello", streaming: false, members: #""model":"\#(key)","#, key: key
                ).finish()
                await client.close()
                let logged = await GatewayFixture.eventually {
                    gateway.log.lines.count { $0.contains(#""msg":"access""#) } == 2
                }
                #expect(logged)
                #expect(!gateway.log.text.contains(key) && gateway.log.text.contains("[redacted]"))
            }
        }
    }
}

struct UsageChangeTests {
    private func change(used: Int, known: Int, lastUsed: Int64? = nil) -> UsageChange {
        UsageChange(lastUsed: lastUsed, day: 20, used: used, known: known)
    }

    @Test func processesAddUpWhatTheyHaveUsed() {
        #expect(change(used: 10, known: 0).applied(to: nil) == ClientUsage(day: 20, tokens: 10))
        let there = ClientUsage(lastUsed: 7, day: 20, tokens: 150)
        #expect(change(used: 130, known: 100).applied(to: there).tokens == 180)
        // What was set aside and put back.
        #expect(change(used: 80, known: 100).applied(to: there).tokens == 130)
        // Another day's.
        #expect(
            change(used: 5, known: 0).applied(to: ClientUsage(day: 19, tokens: 99)) == ClientUsage(day: 20, tokens: 5))
        // The file was lost, or is an older one.
        #expect(change(used: 130, known: 100).applied(to: nil).tokens == 130)
        #expect(change(used: 130, known: 100).applied(to: ClientUsage(day: 20, tokens: 50)).tokens == 130)
        #expect(change(used: 1, known: 0, lastUsed: 9).applied(to: there).lastUsed == 9)
        #expect(change(used: 1, known: 0, lastUsed: 5).applied(to: there).lastUsed == 7)
        #expect(!change(used: 3, known: 3).isNews && change(used: 2, known: 3).isNews)
    }
}
