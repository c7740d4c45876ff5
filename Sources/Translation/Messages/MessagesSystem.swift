import JSON
import NIOCore

/// System prompts: a string or text blocks, at the head of the conversation or in the midst of it.
enum MessagesSystem {
    /// With this begins a block in which a coding agent tells Anthropic whom to bill. It is none of Qwen's business,
    /// and it changes with each request, which would spoil Qwen's cache.
    static let attribution: StaticString = "x-anthropic-billing-header:"

    /// Writes the request's system prompt as a message, if it has one.
    static func write(
        into body: inout MessagesChatWriter, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard let system = document.given(document.member("system", of: document.root)) else { return }
        try write(system, at: MessagesPath("system"), isMarked: false, into: &body, document)
    }

    /// Writes a system message.
    ///
    /// One text is written as a string, which every model takes; several stay apart, so that markers keep their places.
    ///
    /// - Parameters:
    ///   - path: of the prompt; its blocks are its elements or, in the midst of a conversation, a message's content.
    ///   - isMarked: the request's own marker falls on the prompt's end.
    static func write(
        _ system: JSONNode, at path: MessagesPath, isMarked: Bool, into body: inout MessagesChatWriter,
        _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        var texts: [MessagesText] = []
        switch document.kind(of: system) {
        case .string: texts.append(MessagesText(text: system, isMarked: false))
        case .array:
            var count = 0
            for block in document.elements(of: system) {
                var place = path
                if path.element == nil { place.element = count } else { place.block = count }
                count += 1
                try place.checkObject(block, in: document)
                let type = try place.type(of: block, in: document)
                guard type == "text" else { throw place.unknownType(type, expected: ["text"]) }
                let text = try place.string("text", of: block, in: document)
                if isAttribution(text, in: document) { continue }
                let isMarked = document.given(document.member("cache_control", of: block)) != nil
                texts.append(MessagesText(text: text, isMarked: isMarked))
            }
        default: throw path.fault("Input should be a valid string or a list of text blocks")
        }
        texts.removeAll { document.stringEquals($0.text, "") }
        if texts.isEmpty { return }
        if isMarked { texts[texts.count - 1].isMarked = true }
        body.json.beginObject()
        body.json.member("role", .raw("\"system\""))
        body.json.key("content")
        MessagesText.write(texts, into: &body, document)
        body.json.endObject()
    }

    static func isAttribution(_ text: JSONNode, in document: borrowing JSONDocument) -> Bool {
        let prefix = attribution
        let length = prefix.utf8CodeUnitCount
        let bytes = document.text(of: text).readableBytesView.dropFirst().prefix(length)
        return bytes.count == length && prefix.withUTF8Buffer { unsafe bytes.elementsEqual($0) }
    }
}

/// A text block.
struct MessagesText {
    /// A string.
    let text: JSONNode
    /// Qwen is to keep in its cache what stands up to here.
    var isMarked: Bool

    /// Writes a message's content: one text as a string, anything else as parts.
    static func write(_ texts: [MessagesText], into body: inout MessagesChatWriter, _ document: borrowing JSONDocument)
    {
        if texts.count == 1, !texts[0].isMarked {
            body.json.value(.bytes(document.text(of: texts[0].text)))
            return
        }
        body.json.beginArray()
        for text in texts { body.textPart(text.text, isMarked: text.isMarked, in: document) }
        body.json.endArray()
    }
}
