import JSON
package import NIOCore

/// An item of a stored exchange, as JSON.
package struct StoredItem: Sendable, Equatable {
    /// Items that clients send often have none: they get one when they are stored, which `text` does not have.
    package fileprivate(set) var id: String?
    package let text: ByteBuffer

    package init(id: String? = nil, text: ByteBuffer) {
        self.id = id
        self.text = text
    }

    /// Copies an item of a request.
    init(_ item: JSONNode, in document: borrowing JSONDocument) {
        id = document.member("id", of: item).flatMap { document.string($0) }
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(document.text(of: item))
        text = copy
    }

    /// An item that is stored elsewhere too: a slice would keep all that it was stored with.
    init(copying text: ByteBuffer) {
        id = nil
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(text)
        self.text = copy
    }

    /// The message that an input without items stands for; `text` is a JSON string.
    init(userText text: ByteBuffer) {
        id = nil
        var item = ByteBuffer()
        item.writeStaticString(#"{"type":"message","role":"user","content":[{"type":"input_text","text":"#)
        item.writeImmutableBuffer(text)
        item.writeStaticString("}]}")
        self.text = item
    }
}

/// A response that is kept, with what is needed to continue from it.
package struct StoredResponse: Sendable {
    package let id: String
    /// The response object.
    package let body: ByteBuffer
    package let input: [StoredItem]
    /// Slices of `body`.
    package let output: [StoredItem]
    /// The response before this one in the conversation.
    package let previousID: String?

    package init(
        id: String, body: ByteBuffer, input: [StoredItem], output: [StoredItem], previousID: String?
    ) {
        self.id = id
        self.body = body
        let token = id.hasPrefix("resp_") ? id.dropFirst(5) : id[...]
        var named = input
        for place in named.indices where named[place].id == nil { named[place].id = "item_\(token)_\(place)" }
        self.input = named
        self.output = output
        self.previousID = previousID
    }

    /// What an item costs beside its text, in bytes: it can be found by its id.
    private static let cost = 256

    /// What keeping it costs, in bytes: the texts, and about what is needed around them.
    var size: Int {
        input.reduce(512 + body.readableBytes) { $0 + $1.text.readableBytes + Self.cost } + output.count * Self.cost
    }
}
