/// Choices that an input makes: the same for the same bytes, so that a finding can be run again, and none of its own
/// bytes, so that a corpus is made of plain documents.
struct Choices: RandomNumberGenerator {
    private var state: UInt64

    /// FNV-1a over the input.
    init(_ input: [UInt8]) {
        state = input.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func flag() -> Bool { below(2) == 0 }
}

/// The ways in which every input is cut.
enum Cut: CaseIterable {
    case whole, bytes, random

    func pieces(of input: [UInt8]) -> [ArraySlice<UInt8>] {
        switch self {
        case .whole: return input.isEmpty ? [] : [input[...]]
        case .bytes: return input.indices.map { input[$0...$0] }
        case .random:
            var choices = Choices(input)
            var pieces: [ArraySlice<UInt8>] = []
            var rest = input[...]
            while !rest.isEmpty {
                let piece = rest.prefix(1 + choices.below(24))
                pieces.append(piece)
                rest = rest.dropFirst(piece.count)
            }
            return pieces
        }
    }
}

/// Bytes as a finding's message shows them.
func shown(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self).debugDescription }

extension [UInt8] {
    func contains(_ text: String) -> Bool { count(of: text) > 0 }

    /// How often a text occurs.
    func count(of text: String) -> Int {
        let text = Array(text.utf8)
        guard count >= text.count else { return 0 }
        return (0...count - text.count).count { self[$0] == text[0] && self[$0..<$0 + text.count].elementsEqual(text) }
    }
}
