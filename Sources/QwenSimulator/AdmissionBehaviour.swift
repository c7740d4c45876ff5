/// Which calls are let in, counted per key, or over all calls where no key has a behaviour of its own.
package struct AdmissionBehaviour: Sendable, Equatable {
    /// Calls until the quota is used up.
    package var quota: Int?
    /// Calls at once.
    package var concurrency: Int?
    /// Calls in a hundred that are refused, chosen by `seed` and the ordinal of the call.
    package var refusedShare = 0
    package var seed = 1
    /// The error of a call that is refused for `refusedShare`: one of `SimulatedError.all`.
    package var refusal = "rate-quota"
    /// The number of calls that the behaviour holds for; later ones are answered as on a good day.
    package var times: Int?
    package init() {}

    /// Whether the call with this ordinal, from 0, is among the refused share.
    package func refuses(_ ordinal: Int) -> Bool {
        guard refusedShare > 0 else { return false }
        let drawn = Self.mix(Self.mix(UInt64(truncatingIfNeeded: seed)) &+ UInt64(truncatingIfNeeded: ordinal))
        return Int(drawn % 100) < refusedShare
    }

    /// SplitMix64: neighbouring inputs give unrelated outputs.
    static func mix(_ input: UInt64) -> UInt64 {
        var value = (input &+ 1) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// How calls are let in and answered: of all of them, or of those with one key.
package struct CallBehaviour: Sendable, Equatable {
    package var chat = ChatBehaviour()
    package var admission = AdmissionBehaviour()
    package init() {}

    /// The behaviour that a text of switches describes.
    ///
    /// - Throws: `SwitchError` for a word that is no switch of calls.
    package init(_ switches: String) throws(SwitchError) {
        var behaviour = SimulatorBehaviour()
        try behaviour.apply(switches, onlyCalls: true)
        self = behaviour.calls
    }
}
