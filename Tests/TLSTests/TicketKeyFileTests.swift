internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

/// Ticket keys that instances share.
@Suite struct TicketKeyFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/ticket.keys" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func key(_ number: UInt8) -> [UInt8] { (0..<80).map { $0 ^ number } }

    private var settings: TLSServerSettings {
        get throws {
            let issued = try Fixture.server.get()
            var settings = TLSServerSettings(
                certificates: [.init(chain: issued.certificateFile, key: issued.privateKeyFile)])
            settings.ticketKeysFile = path
            return settings
        }
    }

    @Test func instancesShareKeys() throws {
        try write(key(1), to: path)
        let (one, other) = try (TLSServerContext(settings), TLSServerContext(settings))
        let (client, store) = try (Fixture.clientContext(), TLSResumptionStore())
        try Link(one, client, store: store).handshake()
        let second = try Link(other, client, store: store)
        try second.handshake()
        #expect(second.server.wasResumed)
        // Whoever writes the file turns the keys.
        #expect(try !one.rotateTicketKeys(now: .now() + .hours(1000)))
    }

    @Test func theFirstSealsAndAllOpen() throws {
        let (client, store) = try (Fixture.clientContext(), TLSResumptionStore())
        try write(key(1), to: path)
        var context = try TLSServerContext(settings)
        try Link(context, client, store: store).handshake()
        // Resumed with the old key, the client gets a ticket of the new one.
        for (keys, resumes) in [([2, 1], true), ([3, 2], true), ([4], false)] as [([UInt8], Bool)] {
            try write(keys.flatMap(key), to: path)
            context = try TLSServerContext(settings, replacing: context)
            let link = try Link(context, client, store: store)
            try link.handshake()
            #expect(link.server.wasResumed == resumes, "\(keys)")
        }
    }

    @Test(arguments: [0, 1, 48, 79, 81, 17 * 80])
    func otherLengthsAreRefused(count: Int) throws {
        try write([UInt8](repeating: 7, count: count), to: path)
        let error = #expect(throws: TLSError.self) { try TLSServerContext(settings) }
        #expect(error?.code == .unusableTicketKeys)
        #expect(error?.reason.contains(path) == true)
    }

    @Test(arguments: [0o644, 0o604, 0o620, 0o602])
    func filesThatOthersCanReadOrWriteAreRefused(mode: Int) throws {
        try write(key(1), to: path, mode: mode)
        let error = #expect(throws: TLSError.self) { try TLSServerContext(settings) }
        #expect(error?.code == .unusableTicketKeys)
        try write(key(1), to: path, mode: 0o640)
        _ = try TLSServerContext(settings)
    }

    @Test func aBadFileLeavesTheKeys() throws {
        try write(key(1), to: path)
        let context = try TLSServerContext(settings)
        let (client, store) = try (Fixture.clientContext(), TLSResumptionStore())
        try Link(context, client, store: store).handshake()
        try write([1, 2, 3], to: path)
        let kept = try TLSServerContext(settings, replacing: context)
        #expect(kept.report.problems.map(\.code) == [.unusableTicketKeys])
        let link = try Link(kept, client, store: store)
        try link.handshake()
        #expect(link.server.wasResumed)
    }
}
