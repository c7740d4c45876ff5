import JSON
import NIOCore

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// Scans text or bytes; the bytes stand behind others in their buffer, at an odd place.
func scanned(_ bytes: some Sequence<UInt8>, _ limits: JSONLimits = .default) throws(JSONError) -> JSONDocument {
    var buffer = ByteBuffer(string: "junk\"")
    buffer.moveReaderIndex(to: buffer.writerIndex)
    buffer.writeBytes(bytes)
    var document = JSONDocument()
    try document.scan(buffer, limits: limits)
    return document
}

func scanned(_ text: String, _ limits: JSONLimits = .default) throws(JSONError) -> JSONDocument {
    try scanned(text.utf8, limits)
}

/// Why the text is refused, nil if it is not.
func refusal(of bytes: some Sequence<UInt8>, _ limits: JSONLimits = .default) -> JSONError? {
    do throws(JSONError) {
        _ = try scanned(bytes, limits)
        return nil
    } catch {
        return error
    }
}

func refusal(of text: String, _ limits: JSONLimits = .default) -> JSONError? {
    refusal(of: text.utf8, limits)
}

/// A JSON value whose keys and scalars are kept as they are written.
indirect enum Tree: Equatable {
    struct Member: Equatable {
        var key: String
        var value: Tree
    }

    case object([Member])
    case array([Tree])
    case scalar(String)

    init(_ document: borrowing JSONDocument, _ node: JSONNode) {
        switch document.kind(of: node) {
        case .object:
            var members: [Member] = []
            for member in document.members(of: node) {
                let key = String(buffer: document.text(of: member.key))
                members.append(Member(key: key, value: Tree(document, member.value)))
            }
            self = .object(members)
        case .array:
            var elements: [Tree] = []
            for element in document.elements(of: node) { elements.append(Tree(document, element)) }
            self = .array(elements)
        default: self = .scalar(String(buffer: document.text(of: node)))
        }
    }

    /// A random value. Keys may be doubled.
    init(_ random: inout SplitMix, depth: Int) {
        switch depth > 0 ? random.below(10) : 9 {
        case 0...3:
            self = .object(
                (0..<random.below(6)).map { _ in
                    Member(key: Self.string(&random), value: Tree(&random, depth: depth - 1))
                })
        case 4...6: self = .array((0..<random.below(6)).map { _ in Tree(&random, depth: depth - 1) })
        default:
            let isString = random.chance(50)
            self = .scalar(isString ? Self.string(&random) : random.pick(Self.scalars))
        }
    }

    private static let scalars = [
        "true", "false", "null", "0", "-0", "-1", "12", "1795000001", "0.5", "-10.25", "1e3", "1E+2", "25e-2", "1.0",
        "9223372036854775807", "-9223372036854775808", "123456789012345678901234567890", "2.2250738585072014e-308",
    ]

    /// A string as it is written.
    static func string(_ random: inout SplitMix) -> String {
        let pieces = [
            "a", "model", "content of eight", " ", "é", "千问", "😀", "\u{7F}", "\u{2028}", "\\n", "\\\"", "\\\\", "\\/",
            "\\u0041", "\\u00e9", "\\uD83D\\uDE00", "\\u0000", "{", "]", ":", ",", "'",
        ]
        return "\"" + (0..<random.below(6)).map { _ in random.pick(pieces) }.joined() + "\""
    }

    /// The value as text, with white space strewn in.
    func text(_ random: inout SplitMix) -> String {
        func space() -> String { random.chance(20) ? random.pick([" ", "\n", "\t", "\r\n", "   "]) : "" }
        switch self {
        case .object(let members):
            var text = "{" + space()
            for (index, member) in members.enumerated() {
                text += (index > 0 ? "," + space() : "") + member.key + space() + ":" + space()
                text += member.value.text(&random) + space()
            }
            return text + "}"
        case .array(let elements):
            var text = "[" + space()
            for (index, element) in elements.enumerated() {
                text += (index > 0 ? "," + space() : "") + element.text(&random) + space()
            }
            return text + "]"
        case .scalar(let text): return text
        }
    }
}
