package import JSON
package import NIOCore

/// About how many tokens calls of Qwen will cost, by the bodies that they are sent with: chat completions, completions
/// or embeddings.
///
/// An estimate, as `MessagesTokenEstimate` is: texts are weighed by their characters, images and files taken at a flat
/// rate. What limits are set by is put right with Qwen's own count when the answer is there.
package struct RequestTokenEstimate: Sendable, Equatable {
    package private(set) var prompt = 0
    /// The most that the answers may have, as the requests say it; zero where they do not.
    package private(set) var answer = 0

    private typealias Cost = MessagesTokenEstimate.Cost

    /// More than any model can take: sums of it must not overflow.
    private static let most = 1 << 40

    /// - Parameter document: scratch storage.
    package init(_ bodies: [ByteBuffer], document: inout JSONDocument) {
        for body in bodies {
            // Each was made by a request's reader: there is none that is no JSON.
            guard (try? document.scan(body)) != nil else { continue }
            add(document)
        }
        document.removeAll()
    }

    private mutating func add(_ document: borrowing JSONDocument) {
        var limit = 0
        var choices = 1
        prompt += Cost.answer
        for member in document.members(of: document.root) {
            switch document.string(member.key) {
            case "messages":
                for message in document.elements(of: member.value) { prompt += Self.message(message, document) }
            case "tools": prompt += Cost.tools + MessagesTokenWeight.tokens(of: member.value, in: document)
            case "prompt", "suffix", "input": prompt += Self.text(member.value, document)
            case "max_tokens", "max_completion_tokens":
                limit = max(limit, document.integer(member.value) ?? 0)
            case "n": choices = max(choices, document.integer(member.value) ?? 1)
            default: break
            }
        }
        let (total, overflow) = limit.multipliedReportingOverflow(by: choices)
        answer = min(answer + (overflow ? Self.most : min(total, Self.most)), Self.most)
        prompt = min(prompt, Self.most)
    }

    private static func message(_ message: JSONNode, _ document: borrowing JSONDocument) -> Int {
        var total = Cost.message
        for member in document.members(of: message) {
            switch document.string(member.key) {
            case "content": total += text(member.value, document)
            case "tool_calls":
                for call in document.elements(of: member.value) {
                    total += Cost.call + MessagesTokenWeight.tokens(of: call, in: document)
                }
            default: break
            }
        }
        return total
    }

    /// A string, a list of strings, or a list of parts. What is no text is taken for an image.
    private static func text(_ node: JSONNode, _ document: borrowing JSONDocument) -> Int {
        if document.kind(of: node) == .string { return MessagesTokenWeight.tokens(of: node, in: document) }
        var total = 0
        for part in document.elements(of: node) {
            if document.kind(of: part) == .object {
                total +=
                    document.member("text", of: part).map { MessagesTokenWeight.tokens(of: $0, in: document) }
                    ?? Cost.image
            } else {
                total += MessagesTokenWeight.tokens(of: part, in: document)
            }
        }
        return total
    }
}
