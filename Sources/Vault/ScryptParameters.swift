/// The cost of deriving a key with scrypt (RFC 7914 §2): 128·N·r bytes of memory, and time in proportion to N·r·p.
struct ScryptParameters: Hashable, Sendable {
    /// The base-2 logarithm of N.
    var logN: UInt8
    var r: UInt16
    var p: UInt16

    /// What new files are sealed with: 32 MiB, and about a tenth of a second.
    static let standard = ScryptParameters(logN: 15, r: 8, p: 1)

    /// The greatest N·r·p that is paid to open a file: four times the standard cost, and 128 MiB.
    private static let greatestCost: UInt64 = 1 << 20

    var n: UInt64 { 1 << UInt64(min(logN, 63)) }

    /// Whether they are possible (RFC 7914 §2: 1 < N < 2^(16·r), r and p not 0).
    var arePossible: Bool {
        logN >= 1 && r >= 1 && p >= 1 && UInt32(logN) < 16 * UInt32(r)
    }

    /// Whether a file that asks for them is opened. Nothing has authenticated them by then.
    var areAffordable: Bool {
        logN <= 20 && n * UInt64(r) * UInt64(p) <= Self.greatestCost
    }

    /// The bytes of memory that OpenSSL is allowed: its check counts the blocks, N of them and a few more, in 128·r
    /// bytes each.
    var memoryLimit: UInt64 { 128 * UInt64(r) * (n + UInt64(p) + 32) }
}
