import HTTP
import NIOCore

enum ProxyHeaderTarget {
    /// Any bytes in front of a connection.
    static func read(_ input: [UInt8]) {
        for expected in ProxyProtocol.allCases {
            let whole = read(input, .whole, expected)
            for cut in [Cut.bytes, .random] {
                let other = read(input, cut, expected)
                check(other == whole, "\(expected), cut \(cut): \(other) in place of \(whole)")
            }
            guard case .source(let source, let rest) = whole else { continue }
            check(expected != .off, "a header is read where none is expected")
            let header = input.dropLast(rest)
            check(header.count <= 16 + ProxyHeader.binaryLimit, "a header of \(header.count) bytes")
            // What was read says the same again, alone, and less of it says nothing.
            check(read(Array(header), .whole, expected) == .source(source, rest: 0), "the header needs what follows it")
            check(read(Array(header.dropLast()), .whole, expected) == .needsMore, "the header ends before its end")
            if header.first == UInt8(ascii: "P") {
                check(header.count <= 107 && header.suffix(2).elementsEqual([0x0D, 0x0A]), "a text without its end")
                check(!header.dropLast(2).contains { $0 == 0x0D || $0 == 0x0A }, "a text of two lines")
            }
        }
    }

    private enum Outcome: Equatable {
        case source(ProxyHeader.Source, rest: Int)
        case needsMore
        case fault
    }

    private static func read(_ input: [UInt8], _ cut: Cut, _ expected: ProxyProtocol) -> Outcome {
        var header = ProxyHeader(expecting: expected)
        var left = input.count
        do throws(ProxyHeader.Fault) {
            for piece in cut.pieces(of: input) {
                var bytes = ByteBuffer(bytes: piece)
                let source = try header.receive(&bytes)
                left -= piece.count - bytes.readableBytes
                if let source { return .source(source, rest: left) }
                check(bytes.readableBytes == 0, "bytes are left of a header that is not whole")
            }
            return .needsMore
        } catch {
            return .fault
        }
    }

    /// Any bytes as the lines of X-Forwarded-For: whoever is found is the proxy itself, or stands in the last lines.
    static func forwarded(_ input: [UInt8]) {
        guard let peer = NetworkAddress("10.0.0.1"), let block = try? NetworkPrefix("10.0.0.0/8") else { return }
        let proxies = TrustedProxies([block])
        var fields = HeaderFields()
        for line in input.split(separator: 0x0A, omittingEmptySubsequences: false) {
            fields.append(name: "x-forwarded-for", value: String(decoding: line, as: UTF8.self))
        }
        let client = proxies.client(fields, from: peer)
        if !proxies.contains(client) {
            // Its proxies have nothing to add that changes it.
            fields.append(name: "X-Forwarded-For", value: "10.9.9.9, [::ffff:10.1.1.1]:5")
            check(proxies.client(fields, from: peer) == client, "proxies change who the client is")
        }
        fields.append(name: "X-Forwarded-For", value: "192.0.2.7")
        check(proxies.client(fields, from: peer) == NetworkAddress("192.0.2.7"), "the proxy's own word does not count")
    }
}
