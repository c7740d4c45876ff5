/// Identifiers of exchanges: `req_` and 24 characters of base 32, made for one event loop.
///
/// They tell lines of a log apart and are no secret: 120 bits of a fast generator, seeded by the system's.
package struct RequestIDGenerator {
    /// Digits and lower-case letters without i, l, o and u, which are misread.
    private static let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"

    private var state: (UInt64, UInt64)

    package init() {
        var system = SystemRandomNumberGenerator()
        self.init(seed: (system.next(), system.next()))
    }

    /// A generator whose identifiers follow from the seed.
    init(seed: (UInt64, UInt64)) {
        // xoroshiro128+ stays at zero once it is there.
        state = seed == (0, 0) ? (1, 0) : seed
    }

    /// A new identifier.
    package mutating func next() -> String {
        let words = (random(), random())
        return unsafe String(unsafeUninitializedCapacity: 28) { output in
            let alphabet = unsafe Self.alphabet.utf8Start
            for (index, byte) in "req_".utf8.enumerated() { unsafe output[index] = byte }
            // The generator's low bits are its weakest: the upper 60 make twelve characters.
            for digit in 0..<12 {
                let shift = 4 + 5 * UInt64(digit)
                unsafe output[4 + digit] = alphabet[Int(words.0 >> shift & 31)]
                unsafe output[16 + digit] = alphabet[Int(words.1 >> shift & 31)]
            }
            return 28
        }
    }

    /// xoroshiro128+ (Blackman and Vigna).
    private mutating func random() -> UInt64 {
        let result = state.0 &+ state.1
        let mixed = state.1 ^ state.0
        state.0 = (state.0 << 24 | state.0 >> 40) ^ mixed ^ mixed << 16
        state.1 = mixed << 37 | mixed >> 27
        return result
    }
}

/// What the gateway takes over of a client's `X-Request-Id`.
package enum RequestID {
    /// Whether a client's own identifier is sane: 1...128 bytes of letters, digits and `._:/+=@-`.
    package static func isAcceptable(_ text: String) -> Bool {
        let bytes = text.utf8
        return (1...128).contains(bytes.count) && bytes.allSatisfy(isAcceptable)
    }

    private static func isAcceptable(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
            UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
