import JSON
import NIOCore

/// Log probabilities in the form of text completions: four lists with a place for each token.
///
/// `text_offset` counts code points from the beginning of a choice's text, so that a stream has one of these for each
/// choice.
struct CompletionLogprobs: Sendable {
    private var offset = 0

    /// Appends the object that a chat's `logprobs` becomes. What the completions endpoint gives has the form already
    /// and is copied. Without tokens it is null.
    mutating func write(_ node: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer) {
        guard let tokens = document.member("content", of: node), document.kind(of: tokens) == .array else {
            let isLegacy = document.member("tokens", of: node) != nil
            output.writeImmutableBuffer(isLegacy ? document.text(of: node) : ByteBuffer(staticString: "null"))
            return
        }
        output.writeStaticString("{\"tokens\":[")
        for (place, token) in document.elements(of: tokens).enumerated() {
            if place > 0 { output.writeStaticString(",") }
            Self.writeToken(token, in: document, into: &output)
        }
        output.writeStaticString("],\"token_logprobs\":[")
        for (place, token) in document.elements(of: tokens).enumerated() {
            if place > 0 { output.writeStaticString(",") }
            Self.writeLogprob(token, in: document, into: &output)
        }
        output.writeStaticString("],\"top_logprobs\":[")
        for (place, token) in document.elements(of: tokens).enumerated() {
            if place > 0 { output.writeStaticString(",") }
            Self.writeAlternatives(token, in: document, into: &output)
        }
        output.writeStaticString("],\"text_offset\":[")
        for (place, token) in document.elements(of: tokens).enumerated() {
            if place > 0 { output.writeStaticString(",") }
            JSONWriter.writeInteger(offset, into: &output)
            offset += Self.length(token, in: document)
        }
        output.writeStaticString("]}")
    }

    /// Sum and number of the tokens' log probabilities, in either form.
    static func total(_ node: JSONNode, in document: borrowing JSONDocument) -> (sum: Double, count: Int) {
        var total = (sum: 0.0, count: 0)
        let chat = document.member("content", of: node)
        guard let list = chat ?? document.member("token_logprobs", of: node) else { return total }
        for element in document.elements(of: list) {
            let value = chat == nil ? element : document.member("logprob", of: element)
            guard let logprob = value.flatMap({ document.double($0) }) else { continue }
            total.sum += logprob
            total.count += 1
        }
        return total
    }

    private static func writeToken(
        _ token: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        if let text = document.member("token", of: token), document.kind(of: text) == .string {
            output.writeImmutableBuffer(document.text(of: text))
        } else {
            output.writeStaticString("\"\"")
        }
    }

    private static func writeLogprob(
        _ token: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        if let number = document.member("logprob", of: token), document.kind(of: number) == .number {
            output.writeImmutableBuffer(document.text(of: number))
        } else {
            output.writeStaticString("null")
        }
    }

    /// An object with a member for each alternative, and the token itself if it is not among them. Different tokens
    /// may be spelt the same; the more probable one comes first and is kept.
    private static func writeAlternatives(
        _ token: JSONNode, in document: borrowing JSONDocument, into output: inout ByteBuffer
    ) {
        output.writeStaticString("{")
        var names: [ByteBuffer] = []
        func write(_ entry: JSONNode) {
            guard let name = document.member("token", of: entry), document.kind(of: name) == .string else { return }
            let text = document.text(of: name)
            if names.contains(text) { return }
            if !names.isEmpty { output.writeStaticString(",") }
            names.append(text)
            output.writeImmutableBuffer(text)
            output.writeStaticString(":")
            writeLogprob(entry, in: document, into: &output)
        }
        if let list = document.member("top_logprobs", of: token) {
            for entry in document.elements(of: list) { write(entry) }
        }
        write(token)
        output.writeStaticString("}")
    }

    private static func length(_ token: JSONNode, in document: borrowing JSONDocument) -> Int {
        let text = document.member("token", of: token).flatMap { document.string($0) }
        return text?.unicodeScalars.count ?? 0
    }
}
