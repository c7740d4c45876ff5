import JSON
import NIOCore

/// Edits at random on any JSON text, against a model that writes down what must come out.
enum JSONEditTarget {
    static func edit(_ input: [UInt8]) {
        var document = JSONDocument()
        guard (try? document.scan(ByteBuffer(bytes: input), limits: JSONTarget.limits)) != nil else { return }
        omit(document, Choices(input))
        var choices = Choices(input)
        let expected = change(document.root, of: &document, &choices)
        var output = ByteBuffer()
        let isWritten = (try? document.write(into: &output)) != nil
        check(isWritten, "edits that do not overlap were refused")
        check(compact(output) == expected, "\(String(buffer: output)) in place of \(expected)")
    }

    /// Edits a value or what it holds; returns the text that must come of it, without white space.
    private static func change(
        _ node: JSONNode, of document: inout JSONDocument, _ choices: inout Choices
    ) -> String {
        if choices.chance(10) {
            let (fragment, text) = fragment(&choices)
            document.replace(node, with: fragment)
            return text
        }
        switch document.kind(of: node) {
        case .object: return changeObject(node, of: &document, &choices)
        case .array: return changeArray(node, of: &document, &choices)
        case .string where choices.chance(20):
            document.appendText("é\"\n", to: node)
            return String(buffer: document.text(of: node)).dropLast() + #"é\"\n""#
        default: return String(buffer: document.text(of: node))
        }
    }

    private static func changeObject(
        _ object: JSONNode, of document: inout JSONDocument, _ choices: inout Choices
    ) -> String {
        var parts: [String] = []
        while choices.chance(20) {
            let (fragment, text) = fragment(&choices)
            document.prepend("f\"", fragment, to: object)
            parts.append(#""f\"":"# + text)
        }
        let removal = choices.below(3) * 40
        for member in document.members(of: object) {
            if choices.chance(removal) {
                document.remove(choices.flag() ? member.key : member.value, from: object)
                continue
            }
            var name = String(buffer: document.text(of: member.key))
            if choices.chance(20) {
                document.rename(member.key, to: "n")
                name = "\"n\""
            }
            parts.append(name + ":" + change(member.value, of: &document, &choices))
        }
        while choices.chance(20) {
            let (fragment, text) = fragment(&choices)
            document.append("l", fragment, to: object)
            parts.append("\"l\":" + text)
        }
        return "{" + parts.joined(separator: ",") + "}"
    }

    private static func changeArray(
        _ array: JSONNode, of document: inout JSONDocument, _ choices: inout Choices
    ) -> String {
        var parts: [String] = []
        while choices.chance(20) {
            let (fragment, text) = fragment(&choices)
            document.prepend(fragment, to: array)
            parts.append(text)
        }
        let removal = choices.below(3) * 40
        for element in document.elements(of: array) {
            if choices.chance(removal) {
                document.remove(element, from: array)
                continue
            }
            if choices.chance(20) {
                let (fragment, text) = fragment(&choices)
                document.insert(fragment, before: element, in: array)
                // In front of the first element it is the same as a prepended one.
                parts.append(text)
            }
            parts.append(change(element, of: &document, &choices))
        }
        while choices.chance(20) {
            let (fragment, text) = fragment(&choices)
            document.append(fragment, to: array)
            parts.append(text)
        }
        return "[" + parts.joined(separator: ",") + "]"
    }

    private static func fragment(_ choices: inout Choices) -> (JSONFragment, String) {
        switch choices.below(4) {
        case 0: return (.string("s\\"), #""s\\""#)
        case 1:
            let number = choices.below(2000) - 1000
            return (.integer(number), String(number))
        case 2: return (.null, "null")
        default: return (.bytes(ByteBuffer(string: #"{"b":[]}"#)), #"{"b":[]}"#)
        }
    }

    /// One child of the root left out, on the short way and on the long one.
    private static func omit(_ document: borrowing JSONDocument, _ choices: Choices) {
        var choices = choices
        var children: [JSONNode] = document.members(of: document.root).map(\.key)
        children += document.elements(of: document.root)
        guard !children.isEmpty else { return }
        let child = children[choices.below(children.count)]
        var quick = ByteBuffer()
        document.write(omitting: child, from: document.root, into: &quick)
        var other = JSONDocument()
        // The same text has the same nodes.
        guard (try? other.scan(document.bytes, limits: JSONTarget.limits)) != nil else { return }
        other.remove(child, from: other.root)
        var slow = ByteBuffer()
        check((try? other.write(into: &slow)) != nil && quick == slow, "one member left out in two ways")
    }

    /// The text without white space between its values.
    private static func compact(_ text: ByteBuffer) -> String {
        var document = JSONDocument()
        let limits = JSONLimits(depth: JSONTarget.limits.depth + 4)
        guard (try? document.scan(text, limits: limits)) != nil else { fatalError("an edited text is no JSON") }
        return compact(document.root, of: document)
    }

    private static func compact(_ node: JSONNode, of document: borrowing JSONDocument) -> String {
        var parts: [String] = []
        switch document.kind(of: node) {
        case .object:
            for member in document.members(of: node) {
                parts.append(String(buffer: document.text(of: member.key)) + ":" + compact(member.value, of: document))
            }
            return "{" + parts.joined(separator: ",") + "}"
        case .array:
            for element in document.elements(of: node) { parts.append(compact(element, of: document)) }
            return "[" + parts.joined(separator: ",") + "]"
        default: return String(buffer: document.text(of: node))
        }
    }
}
