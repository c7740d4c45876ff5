internal import COpenSSL
internal import Foundation
internal import NIOCore
internal import TLS
internal import TestSupport
internal import Testing

func write(_ bytes: [UInt8], to path: String, mode: Int = 0o600) throws {
    try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
}

@Suite struct ReloadTests {
    /// A certificate whose files are written anew.
    private struct Place {
        let directory: TemporaryDirectory
        let files: TLSCertificateFiles

        init() throws {
            directory = try TemporaryDirectory()
            files = TLSCertificateFiles(chain: "\(directory.path)/a.pem", key: "\(directory.path)/a.key")
        }

        func put(_ issued: TestCertificates.Issued) throws {
            try write(issued.certificate, to: files.chain)
            try write(issued.privateKey, to: files.key)
        }
    }

    private func issue(_ name: String) throws -> TestCertificates.Issued {
        try Fixture.certificates.get().issue(names: [name, "localhost"])
    }

    @Test func newFilesAreReadAndTicketsGoOn() throws {
        let place = try Place()
        try place.put(issue("old.test"))
        let settings = TLSServerSettings(certificates: [place.files])
        let old = try TLSServerContext(settings)
        let (client, store) = try (Fixture.clientContext(), TLSResumptionStore())
        let before = try Link(old, client, store: store)
        try before.handshake()
        let stamp = settings.stamp()
        #expect(stamp == settings.stamp())
        try place.put(issue("new.test"))
        #expect(stamp != settings.stamp())
        let new = try TLSServerContext(settings, replacing: old)
        #expect(new.certificateFacts.first?.summary.names.first == "new.test")
        #expect(new.report.problems.isEmpty)
        let after = try Link(new, client, store: store)
        try after.handshake()
        #expect(after.server.wasResumed)
        // What was begun goes on.
        try before.sendFromClient(ByteBuffer(string: "still here"))
        #expect(before.serverReceived == ByteBuffer(string: "still here"))
        // Keys of the one ring turn, whichever context it is asked through.
        #expect(try new.rotateTicketKeys(now: .now() + TLSServerContext.ticketKeyLifetime))
        #expect(try !old.rotateTicketKeys(now: .now() + TLSServerContext.ticketKeyLifetime))
    }

    @Test func aBadFileLeavesTheOldInForce() throws {
        let place = try Place()
        let (first, second) = try (issue("old.test"), issue("new.test"))
        try place.put(first)
        let settings = TLSServerSettings(certificates: [place.files])
        let old = try TLSServerContext(settings)
        let faults: [(TLSError.Code, () throws -> Void)] = [
            (.keyMismatch, { try write(second.certificate, to: place.files.chain) }),
            (.unusableCertificate, { try write(Array(second.certificate.prefix(300)), to: place.files.chain) }),
            (.unusableCertificate, { try write([], to: place.files.chain) }),
            (.unreadableFile, { try FileManager.default.removeItem(atPath: place.files.chain) }),
        ]
        for (code, damage) in faults {
            try damage()
            let kept = try TLSServerContext(settings, replacing: old)
            #expect(kept.certificateFacts == old.certificateFacts)
            #expect(kept.report.problems.map(\.code) == [code])
            #expect(kept.report.problems.first?.reason.contains(place.files.chain) == true)
            #expect(throws: TLSError.self) { try TLSServerContext(settings) }
        }
        try place.put(second)
        #expect(try TLSServerContext(settings, replacing: old).report.problems.isEmpty)
    }

    @Test func expiredCertificatesAreWarnedOf() throws {
        let place = try Place()
        try place.put(Fixture.certificates.get().issue(validity: -7200 ..< -3600))
        let context = try TLSServerContext(TLSServerSettings(certificates: [place.files]))
        #expect(context.report.warnings.contains { $0.contains("expired") })
        #expect(try #require(context.certificateFacts.first).summary.notAfter < Int64(Date().timeIntervalSince1970))
    }

    @Test func swapsOfLinksAreSeen() throws {
        let directory = try TemporaryDirectory()
        for (version, name) in [("v1", "old.test"), ("v2", "new.test")] {
            let issued = try issue(name)
            try write(issued.certificate, to: "\(directory.path)/\(version)/tls.crt")
            try write(issued.privateKey, to: "\(directory.path)/\(version)/tls.key")
        }
        // As Kubernetes does it: files are links into a folder that is a link.
        let manager = FileManager.default
        func point(to version: String) throws {
            try manager.createSymbolicLink(
                atPath: "\(directory.path)/..next", withDestinationPath: "\(directory.path)/\(version)")
            #expect(unsafe rename("\(directory.path)/..next", "\(directory.path)/..data") == 0)
        }
        try point(to: "v1")
        let mounted = "\(directory.path)/mount/site"
        try manager.createDirectory(atPath: mounted, withIntermediateDirectories: true)
        for file in ["tls.crt", "tls.key"] {
            try manager.createSymbolicLink(
                atPath: "\(mounted)/\(file)", withDestinationPath: "\(directory.path)/..data/\(file)")
        }
        let settings = TLSServerSettings(certificates: [], certificateDirectory: "\(directory.path)/mount")
        let old = try TLSServerContext(settings)
        let stamp = settings.stamp()
        try point(to: "v2")
        #expect(settings.stamp() != stamp)
        let new = try TLSServerContext(settings, replacing: old)
        #expect(new.certificateFacts.map(\.summary.names.first) == ["new.test"])
    }

    @Test func directoriesOfCertbotAndLego() throws {
        let directory = try TemporaryDirectory()
        let root = "\(directory.path)/certs"
        for (chain, key) in [
            ("b.test/fullchain.pem", "b.test/privkey.pem"), ("lego.test.crt", "lego.test.key"),
            ("plain.pem", "plain.key"), ("default/fullchain.pem", "default/privkey.pem"),
        ] {
            let issued = try issue(chain)
            try write(issued.certificate, to: "\(root)/\(chain)")
            try write(issued.privateKey, to: "\(root)/\(key)")
        }
        let authority = try Fixture.certificates.get().authority
        try write(authority.certificate, to: "\(root)/lego.test.issuer.crt")
        try write(authority.certificate, to: "\(root)/ca.pem")
        try write(authority.privateKey, to: "\(root)/ca.key")
        try write(Array("hello".utf8), to: "\(root)/README")
        let context = try TLSServerContext(TLSServerSettings(certificates: [], certificateDirectory: root))
        let found = context.certificateFacts.map { String($0.file.dropFirst(root.count + 1)) }
        #expect(found == ["default/fullchain.pem", "lego.test.crt", "plain.pem", "b.test/fullchain.pem"])
        #expect(context.report.warnings.contains { $0.contains("ca.pem") })
    }

    @Test func directoriesThatServeNothingAreRefused() throws {
        let directory = try TemporaryDirectory()
        for path in [directory.path, "\(directory.path)/none"] {
            let error = #expect(throws: TLSError.self) {
                try TLSServerContext(TLSServerSettings(certificates: [], certificateDirectory: path))
            }
            #expect(error?.reason.contains(path) == true)
        }
    }

    @Test func oneBadPairKeepsNoOtherFromBeingRenewed() throws {
        let directory = try TemporaryDirectory()
        func put(_ stem: String, _ name: String) throws {
            let issued = try issue(name)
            try write(issued.certificate, to: "\(directory.path)/\(stem).pem")
            try write(issued.privateKey, to: "\(directory.path)/\(stem).key")
        }
        try put("a", "a.test")
        try put("b", "b.test")
        let settings = TLSServerSettings(certificates: [], certificateDirectory: directory.path)
        let old = try TLSServerContext(settings)
        try write([1, 2, 3], to: "\(directory.path)/a.pem")
        try put("b", "renewed.test")
        try put("c", "c.test")
        let new = try TLSServerContext(settings, replacing: old)
        #expect(new.certificateFacts.map(\.summary.names.first) == ["a.test", "renewed.test", "c.test"])
        #expect(new.report.problems.count == 1)
    }
}
