import Foundation
import JSON
import NIOCore
import Testing

/// The scanner against Foundation's parser, on generated texts and on mutations of them.
///
/// They are known to differ where Foundation detects other encodings and skips a byte order mark, refuses surrogates
/// that stand alone, and refuses numbers that no Double can hold.
@Suite struct JSONDifferentialTests {
    private func foundation(_ bytes: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }

    private func isSame(_ document: borrowing JSONDocument, _ node: JSONNode, _ other: Any) -> Bool {
        switch document.kind(of: node) {
        case .object:
            guard let other = other as? [String: Any] else { return false }
            var count = 0
            for member in document.members(of: node) {
                guard let key = document.string(member.key), let value = other[key] else { return false }
                guard isSame(document, member.value, value) else { return false }
                count += 1
            }
            return count == other.count
        case .array:
            guard let other = other as? [Any] else { return false }
            let elements = Array(document.elements(of: node))
            guard elements.count == other.count else { return false }
            for (element, value) in zip(elements, other) where !isSame(document, element, value) { return false }
            return true
        case .string: return document.string(node) == other as? String
        case .number: return document.double(node) == (other as? NSNumber)?.doubleValue
        case .true, .false: return document.bool(node) == other as? Bool
        case .null: return other is NSNull
        }
    }

    @Test(arguments: 0..<20) func generatedTextsGiveTheSameValues(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<50 {
            let text = Tree(&random, depth: 5).text(&random)
            let document = try scanned(text)
            if (try? checkAllKeys(document, document.root)) == nil { continue }
            let other = try #require(foundation(Array(text.utf8)), "\(text)")
            let isEqual = isSame(document, document.root, other)
            #expect(isEqual, "\(text)")
        }
    }

    private func checkAllKeys(_ document: borrowing JSONDocument, _ node: JSONNode) throws {
        try document.checkUniqueKeys(of: node)
        for member in document.members(of: node) { try checkAllKeys(document, member.value) }
        for element in document.elements(of: node) { try checkAllKeys(document, element) }
    }

    @Test(arguments: 0..<40) func mutatedTextsAreJudgedTheSame(_ seed: UInt64) {
        var random = SplitMix(seed: seed + 1000)
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "0", "-", ".", "e", "+", "1", "true",
            "nul",
            " ", "\n", "\0", "\u{1F}", "é", "千", "/", "'", "\u{FEFF}",
        ]
        var accepted = 0
        for _ in 0..<300 {
            var bytes = Array(Tree(&random, depth: 3).text(&random).utf8)
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count + 1)
                switch random.below(5) {
                case 0 where place < bytes.count: bytes.remove(at: place)
                case 1 where place < bytes.count: bytes[place] = UInt8(random.below(256))
                case 2 where place < bytes.count: bytes[place] ^= 1 << UInt8(random.below(8))
                case 3: bytes.removeSubrange(place...)
                default: bytes.insert(contentsOf: Array(random.pick(tokens).utf8), at: place)
                }
            }
            // Foundation takes a NUL at the beginning for another encoding.
            if bytes.prefix(4).contains(0) || bytes.starts(with: [0xEF, 0xBB, 0xBF]) || bytes.isEmpty { continue }
            if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { continue }
            let isAccepted = refusal(of: bytes) == nil
            accepted += isAccepted ? 1 : 0
            let other = foundation(bytes)
            if isAccepted, other == nil, isBeyondFoundation(bytes) { continue }
            #expect(isAccepted == (other != nil), "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(accepted > 10, "some mutations leave the text valid")
    }

    /// Whether an accepted text holds a surrogate that stands alone or a number that no Double can hold.
    private func isBeyondFoundation(_ bytes: [UInt8]) -> Bool {
        guard let document = try? scanned(bytes) else { return false }
        return isBeyond(document, document.root)
    }

    private func isBeyond(_ document: borrowing JSONDocument, _ node: JSONNode) -> Bool {
        switch document.kind(of: node) {
        case .object:
            for member in document.members(of: node)
            where isBeyond(document, member.key) || isBeyond(document, member.value) { return true }
            return false
        case .array:
            for element in document.elements(of: node) where isBeyond(document, element) { return true }
            return false
        case .string: return document.string(node)?.unicodeScalars.contains("\u{FFFD}") ?? false
        case .number: return document.double(node) == nil
        default: return false
        }
    }
}
