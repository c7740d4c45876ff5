import JSON
import NIOCore

/// About how many tokens a request costs.
///
/// It is an estimate: the gateway has no tokenizer, and Qwen's differs from Anthropic's. Texts are weighed by what
/// their characters usually cost with Qwen's: a word of Latin letters about one token for 4.6 of them, a digit one
/// each, a Chinese character two thirds of one. It was not calibrated against a tokenizer: take it for a hint.
/// Images and files are taken at a flat rate. Thoughts of earlier turns do not count, as Qwen leaves them out.
enum MessagesTokenEstimate {
    /// What the form of a request costs, in tokens, beside its texts.
    enum Cost {
        /// The frame of a message: its role and two markers.
        static let message = 5
        /// How the answer begins.
        static let answer = 3
        /// The frame of a call, or of its result.
        static let call = 12
        /// The explanation that goes with any tools.
        static let tools = 120
        static let tool = 14
        /// Qwen's usual limit for an image.
        static let image = 1280
        /// The least for a file.
        static let file = 1500
        /// A page of a document, some 50 kB, makes about 1,500 tokens: bytes of Base64 for each.
        static let fileBytesPerToken = 44
    }

    /// The tokens of a scanned request. What has not the form of one costs nothing.
    static func tokens(of document: borrowing JSONDocument) -> Int {
        let root = document.root
        var total = Cost.answer
        if let system = document.given(document.member("system", of: root)) {
            total += Cost.message + tokens(system: system, in: document)
        }
        if let messages = document.member("messages", of: root) {
            for message in document.elements(of: messages) {
                total += Cost.message
                if let content = document.member("content", of: message) { total += tokens(content, in: document) }
            }
        }
        if let tools = document.member("tools", of: root), !document.isEmptyList(tools) {
            total += Cost.tools
            for tool in document.elements(of: tools) {
                total += Cost.tool
                for name: StaticString in ["name", "description", "input_schema"] {
                    total += MessagesTokenWeight.tokens(of: document.member(name, of: tool), in: document)
                }
            }
        }
        return total
    }

    private static func tokens(system: JSONNode, in document: borrowing JSONDocument) -> Int {
        if document.kind(of: system) == .string { return MessagesTokenWeight.tokens(of: system, in: document) }
        var total = 0
        for block in document.elements(of: system) {
            guard let text = document.member("text", of: block) else { continue }
            if !MessagesSystem.isAttribution(text, in: document) {
                total += MessagesTokenWeight.tokens(of: text, in: document)
            }
        }
        return total
    }

    /// The content of a message, of a tool's result or of a document.
    private static func tokens(_ content: JSONNode, in document: borrowing JSONDocument) -> Int {
        if document.kind(of: content) == .string { return MessagesTokenWeight.tokens(of: content, in: document) }
        var total = 0
        for block in document.elements(of: content) { total += tokens(block: block, in: document) }
        return total
    }

    private static func tokens(block: JSONNode, in document: borrowing JSONDocument) -> Int {
        guard let node = document.member("type", of: block), let type = document.string(node) else { return 0 }
        switch type {
        case "text": return MessagesTokenWeight.tokens(of: document.member("text", of: block), in: document)
        case "image": return Cost.image
        case "document": return tokens(file: block, in: document)
        case "tool_use":
            return Cost.call + MessagesTokenWeight.tokens(of: document.member("name", of: block), in: document)
                + MessagesTokenWeight.tokens(of: document.member("input", of: block), in: document)
        case "tool_result":
            return Cost.call + (document.member("content", of: block).map { tokens($0, in: document) } ?? 0)
        case "search_result":
            return MessagesTokenWeight.tokens(of: document.member("title", of: block), in: document)
                + MessagesTokenWeight.tokens(of: document.member("source", of: block), in: document)
                + (document.member("content", of: block).map { tokens($0, in: document) } ?? 0)
        default: return 0
        }
    }

    private static func tokens(file: JSONNode, in document: borrowing JSONDocument) -> Int {
        let about =
            MessagesTokenWeight.tokens(of: document.member("title", of: file), in: document)
            + MessagesTokenWeight.tokens(of: document.member("context", of: file), in: document)
        guard let source = document.member("source", of: file) else { return about }
        if let content = document.member("content", of: source) { return about + tokens(content, in: document) }
        guard let data = document.member("data", of: source) else { return about }
        if let type = document.member("type", of: source), document.stringEquals(type, "text") {
            return about + MessagesTokenWeight.tokens(of: data, in: document)
        }
        return about + max(Cost.file, document.range(of: data).count / Cost.fileBytesPerToken)
    }
}
