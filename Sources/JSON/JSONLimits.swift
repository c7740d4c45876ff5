/// How much of a JSON text a scan accepts.
package struct JSONLimits: Sendable, Equatable {
    /// The deepest nesting of objects and arrays.
    package let depth: Int
    /// The most nodes: every value and every key is one. A node costs 16 bytes of memory.
    package let nodes: Int
    /// The longest text in bytes; at most `largestText`.
    package let bytes: Int

    /// 2 GiB less one: offsets are kept in 32 bits.
    package static let largestText = Int(Int32.max)
    private static let mostNodes = 1 << 30

    package init(depth: Int = 512, nodes: Int = 2_000_000, bytes: Int = JSONLimits.largestText) {
        self.depth = depth
        self.nodes = min(max(nodes, 0), Self.mostNodes)
        self.bytes = min(bytes, Self.largestText)
    }

    package static let `default` = JSONLimits()
}
