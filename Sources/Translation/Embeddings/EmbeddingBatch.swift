import JSON
import NIOCore

/// How many inputs a call may have, and which.
enum EmbeddingBatch {
    /// What Qwen takes at once: ten inputs, or more on the models of which more is known. A larger batch is refused
    /// with "batch size is invalid".
    static func limit(of model: String) -> Int {
        model.utf8.starts(with: "qwen3.7-text-embedding".utf8) ? 20 : 10
    }

    /// Checks the inputs and divides them: the place of each call's inputs, and the text that they are written as.
    static func divide(
        _ input: JSONNode, limit: Int, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> (calls: [Range<Int>], texts: [ByteBuffer]) {
        switch document.kind(of: input) {
        case .string:
            if document.text(of: input).readableBytes == 2 { throw empty("input") }
            return ([0..<1], [document.text(of: input)])
        case .array: return try divide(list: input, limit: limit, in: document)
        default: throw InvalidRequest("'input' must be a string or an array of strings.", param: "input")
        }
    }

    private static func divide(
        list: JSONNode, limit: Int, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> (calls: [Range<Int>], texts: [ByteBuffer]) {
        var calls: [Range<Int>] = []
        var texts: [ByteBuffer] = []
        var count = 0
        var first = 0
        var text = 0..<0
        for element in document.elements(of: list) {
            try check(element, count, in: document)
            let range = document.range(of: element)
            if count - first == limit {
                calls.append(first..<count)
                texts.append(document.slice(text))
                first = count
            }
            text = (count == first ? range.lowerBound : text.lowerBound)..<range.upperBound
            count += 1
        }
        guard count > 0 else { throw InvalidRequest("'input' must hold at least one string.", param: "input") }
        guard count <= EmbeddingRequest.mostInputs else {
            throw InvalidRequest(
                "'input' holds \(count) strings; at most \(EmbeddingRequest.mostInputs) are taken in one request.",
                param: "input")
        }
        calls.append(first..<count)
        texts.append(document.slice(text))
        return (calls, texts)
    }

    private static func check(
        _ element: JSONNode, _ place: Int, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        switch document.kind(of: element) {
        case .string:
            // An empty one would be refused by Qwen, when the other calls are paid for.
            if document.text(of: element).readableBytes == 2 { throw empty("input[\(place)]") }
        case .number, .array:
            throw InvalidRequest(
                "'input' holds token ids, which are those of other models: send the text itself.", param: "input")
        default: throw InvalidRequest("'input[\(place)]' must be a string.", param: "input[\(place)]")
        }
    }

    private static func empty(_ param: String) -> InvalidRequest {
        InvalidRequest("'\(param)' must not be an empty string.", param: param)
    }
}
