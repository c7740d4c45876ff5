import Glibc
package import HTTP

/// What the side that faces strangers bears: how slow they may be, how many, how much is held for them, and whose word
/// is taken for who they are.
package struct EdgeSettings: Sendable {
    /// `HEADER_TIMEOUT`: within it the head of a request must be whole.
    package var headerTimeout: Duration
    /// `READ_MIN_RATE`: bytes of a request's body in a second, after `READ_TIMEOUT`; zero for none.
    package var readMinRate: Int
    /// `WRITE_MIN_RATE`: bytes of a response in a second, while bytes wait, after `WRITE_TIMEOUT`; zero for none.
    package var writeMinRate: Int
    /// `MAX_CONNECTIONS`: of clients, on all event loops.
    package var maxConnections: Int
    /// `MAX_CONNECTIONS_PER_ADDRESS`: from an IPv4 address or an IPv6 /64.
    package var maxConnectionsPerAddress: Int
    /// `MAX_HANDSHAKES`: of TLS, in progress.
    package var maxHandshakes: Int
    /// `MEMORY_BUDGET`: bytes held for clients.
    package var memoryBudget: Int
    /// `TRUSTED_PROXIES`: whose X-Forwarded-For and PROXY protocol are believed.
    package var trustedProxies: TrustedProxies
    /// `PROXY_PROTOCOL`: what every connection begins with.
    package var proxyProtocol: ProxyProtocol

    static func read(_ reader: inout SettingsReader, maxBodyBytes: Int) -> EdgeSettings {
        let proxies = reader.value(.trustedProxies, fallback: TrustedProxies(), parse: proxies)
        return EdgeSettings(
            headerTimeout: reader.value(.headerTimeout, fallback: .zero, parse: Values.timeout),
            readMinRate: reader.value(.readMinRate, fallback: 0, parse: rate),
            writeMinRate: reader.value(.writeMinRate, fallback: 0, parse: rate),
            maxConnections: reader.value(.maxConnections, fallback: 1, parse: connections),
            maxConnectionsPerAddress: reader.value(.maxConnectionsPerAddress, fallback: 1, parse: connections),
            maxHandshakes: reader.value(.maxHandshakes, fallback: 1, parse: connections),
            memoryBudget: reader.value(
                .memoryBudget, default: String(defaultMemoryBudget(maxBodyBytes)), fallback: 0
            ) { (text) throws(ValueFault) in
                let bytes = try ByteCountText.parse(text)
                guard bytes >= maxBodyBytes else { throw ValueFault("is less than MAX_BODY_BYTES") }
                return bytes
            },
            trustedProxies: proxies,
            proxyProtocol: reader.value(.proxyProtocol, fallback: .off) { (text) throws(ValueFault) in
                let mode: ProxyProtocol = try Values.choice(text)
                guard mode == .off || !proxies.isEmpty else {
                    throw ValueFault("needs TRUSTED_PROXIES, for nobody else is let in then")
                }
                return mode
            })
    }

    private static func connections(_ text: String) throws(ValueFault) -> Int {
        try Values.wholeNumber(text, in: 1...10_000_000)
    }

    private static func rate(_ text: String) throws(ValueFault) -> Int {
        let rate = try ByteCountText.parse(text)
        guard rate <= 1024 * 1024 * 1024 else { throw ValueFault("is more than 1GiB a second") }
        return rate
    }

    /// Addresses and blocks of them, separated by commas or white space.
    private static func proxies(_ text: String) throws(ValueFault) -> TrustedProxies {
        var blocks: [NetworkPrefix] = []
        for (index, word) in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }).enumerated() {
            do throws(NetworkPrefix.Fault) {
                blocks.append(try NetworkPrefix(word))
            } catch {
                throw ValueFault("\(error.phrase), in place \(index + 1)")
            }
        }
        return TrustedProxies(blocks)
    }

    // MARK: The default of MEMORY_BUDGET

    private static func defaultMemoryBudget(_ maxBodyBytes: Int) -> Int {
        let machine = max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
        let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        let container = files.compactMap { try? TextFile(path: $0) }.compactMap { Int($0.text.trimmed) }
        return memoryBudget(limits: [machine] + container, maxBodyBytes: maxBodyBytes)
    }

    /// A quarter of the memory that the process may use, and room for two large requests on however small a machine.
    ///
    /// - Parameter limits: of memory, in bytes; those that are none, such as zero, do not count.
    static func memoryBudget(limits: [Int], maxBodyBytes: Int) -> Int {
        let memory = limits.filter { $0 > 0 }.min() ?? 2 * 1024 * 1024 * 1024
        return max(memory / 4, 2 * maxBodyBytes)
    }
}
