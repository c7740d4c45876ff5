import JSON
import NIOCore

/// `prompt`: a string, or an array of them.
enum CompletionPrompts {
    /// The prompts as they are written in JSON, without quotation marks and without a copy.
    static func read(
        _ node: JSONNode?, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> [ByteBuffer] {
        guard let node = document.given(node) else {
            throw InvalidRequest("Missing required parameter: 'prompt'.", param: "prompt")
        }
        if let text = document.rawStringBody(node) { return [try checked(text, "prompt")] }
        guard document.kind(of: node) == .array else {
            throw InvalidRequest("'prompt' must be a string or an array of strings.", param: "prompt")
        }
        var prompts: [ByteBuffer] = []
        for element in document.elements(of: node) {
            let place = prompts.count
            switch document.kind(of: element) {
            case .string: prompts.append(try checked(document.rawStringBody(element), "prompt[\(place)]"))
            case .number, .array:
                throw InvalidRequest(
                    "'prompt' holds token ids, which are those of other models: send the text itself.",
                    param: "prompt")
            default: throw InvalidRequest("'prompt[\(place)]' must be a string.", param: "prompt[\(place)]")
            }
        }
        if prompts.isEmpty { throw InvalidRequest("'prompt' must hold at least one string.", param: "prompt") }
        return prompts
    }

    private static func checked(_ text: ByteBuffer?, _ param: String) throws(InvalidRequest) -> ByteBuffer {
        guard let text, text.readableBytes > 0 else {
            throw InvalidRequest("'\(param)' must not be an empty string.", param: param)
        }
        return text
    }
}
