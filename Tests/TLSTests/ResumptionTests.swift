internal import COpenSSL
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

@Suite struct ResumptionTests {
    @Test func ticketsResumeOnce() throws {
        let (server, client, store) = try (Fixture.serverContext(), Fixture.clientContext(), TLSResumptionStore())
        let first = try Link(server, client, store: store)
        try first.handshake()
        #expect(!first.client.wasResumed)
        #expect(store.count(for: "localhost") == 1)
        let second = try Link(server, client, store: store)
        // The ticket is in use now, and a resumed handshake brings the next.
        #expect(store.count(for: "localhost") == 0)
        try second.handshake()
        #expect(second.client.wasResumed)
        #expect(second.server.wasResumed)
        #expect(second.server.negotiatedProtocol == .http2)
        #expect(second.server.serverName == "localhost")
        #expect(store.count(for: "localhost") == 1)
    }

    @Test func ticketsOutliveAConnectionThatWasCutOff() throws {
        let (server, client, store) = try (Fixture.serverContext(), Fixture.clientContext(), TLSResumptionStore())
        try Link(server, client, store: store).handshake()
        let second = try Link(server, client, store: store)
        try second.handshake()
        #expect(second.client.wasResumed)
    }

    @Test func ticketsServeTheirOwnServerAndContextOnly() throws {
        let (server, client, store) = try (Fixture.serverContext(), Fixture.clientContext(), TLSResumptionStore())
        try Link(server, client, store: store).handshake()
        let elsewhere = try Link(server, client, name: "127.0.0.1", store: store)
        try elsewhere.handshake()
        #expect(!elsewhere.client.wasResumed)
        let stranger = try Link(server, Fixture.clientContext(), store: store)
        try stranger.handshake()
        #expect(!stranger.client.wasResumed)
    }

    @Test func theStoreIsBounded() throws {
        let (server, client) = try (Fixture.serverContext(), Fixture.clientContext())
        let store = TLSResumptionStore(limitPerServer: 2)
        let links = try (0..<5).map { _ in try Link(server, client, store: store) }
        for link in links { try link.handshake() }
        #expect(store.count(for: "localhost") == 2)
    }

    @Test func keysRotate() throws {
        let start = NIODeadline.now()
        let lifetime = TLSServerContext.ticketKeyLifetime
        let issued = try Fixture.server.get()
        let server = try TLSServerContext(
            certificateChain: issued.certificate, privateKey: issued.privateKey, now: start)
        let client = try Fixture.clientContext()
        let store = TLSResumptionStore()
        let links = try (0..<3).map { _ in try Link(server, client, store: store) }
        for link in links { try link.handshake() }
        #expect(store.count(for: "localhost") == 3)

        #expect(try !server.rotateTicketKeys(now: start + lifetime - .nanoseconds(1)))
        #expect(try server.rotateTicketKeys(now: start + lifetime))
        #expect(try !server.rotateTicketKeys(now: start + lifetime + .hours(1)))
        let afterOne = try Link(server, client, store: store)
        try afterOne.handshake()
        #expect(afterOne.client.wasResumed)
        // That handshake brought a ticket of the new key; the one below it is of the first key.
        #expect(store.count(for: "localhost") == 3)

        #expect(try server.rotateTicketKeys(now: start + lifetime + lifetime))
        let ofPrevious = try Link(server, client, store: store)
        try ofPrevious.handshake()
        #expect(ofPrevious.client.wasResumed)
        _ = try Link(server, client, store: store)  // takes the ticket that came with it
        let ofOldest = try Link(server, client, store: store)
        try ofOldest.handshake()
        #expect(!ofOldest.client.wasResumed)
        #expect(ofOldest.client.isEstablished)
    }

    @Test func tls12TicketsResume() throws {
        let context = try Fixture.serverContext()
        let first = try RawPeer(version: TLS1_2_VERSION)
        _ = first.handshake(with: try TLSSession(server: context))
        let session = unsafe try #require(unsafe SSL_get1_session(first.ssl))
        defer { unsafe SSL_SESSION_free(session) }
        let second = try RawPeer(version: TLS1_2_VERSION)
        #expect(unsafe SSL_set_session(second.ssl, session) == 1)
        let server = try TLSSession(server: context)
        #expect(second.handshake(with: server).error == nil)
        #expect(server.isEstablished)
        #expect(server.wasResumed)
    }
}
