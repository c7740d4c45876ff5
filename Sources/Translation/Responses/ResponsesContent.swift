import JSON
import NIOCore

/// The content of messages and outputs, as chat completions have it.
///
/// Content that is text alone becomes one string, its parts divided by a blank line: some of Qwen's models know no
/// parts. Files that only OpenAI has (`file_id`) and files to be fetched (`file_url`) are refused, as nothing of Qwen's
/// chat stands for them.
enum ResponsesContent {
    private static let partTypes = ["input_text", "input_image", "input_file", "input_audio"]

    /// Writes the content of a message that the assistant has not spoken, or the output of a function.
    static func write(
        _ content: JSONNode, _ path: String, into writer: inout JSONWriter, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        switch document.kind(of: content) {
        case .string: writer.value(.bytes(document.text(of: content)))
        case .array where isText(content, in: document): try writeText(content, path, into: &writer, in: document)
        case .array:
            writer.beginArray()
            var index = 0
            for part in document.elements(of: content) {
                try write(part: part, "\(path)[\(index)]", into: &writer, in: document)
                index += 1
            }
            writer.endArray()
        default: throw ResponsesReader.invalidType(path, "a string or an array of parts")
        }
    }

    /// Appends the text that an assistant has spoken, as it is written, without quotation marks.
    static func appendSpokenText(
        of content: JSONNode, _ path: String, to body: inout ByteBuffer, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        switch document.kind(of: content) {
        case .string: body.writeImmutableBuffer(ResponsesReader.body(of: content, in: document))
        case .array:
            var index = 0
            for part in document.elements(of: content) {
                let path = "\(path)[\(index)]"
                index += 1
                try ResponsesReader.checkObject(part, path, in: document)
                let type = try ResponsesReader.requiredName("type", of: part, path, in: document)
                let isRefusal = document.stringEquals(type, "refusal")
                guard isRefusal || isTextType(type, in: document) else {
                    throw ResponsesReader.invalidValue(type, "\(path).type", ["output_text", "refusal"], in: document)
                }
                let name: StaticString = isRefusal ? "refusal" : "text"
                let text = try ResponsesReader.required(
                    ResponsesReader.string(name, of: part, path, in: document), name, path)
                body.writeImmutableBuffer(ResponsesReader.body(of: text, in: document))
            }
        default: throw ResponsesReader.invalidType(path, "a string or an array of parts")
        }
    }

    private static func isText(_ content: JSONNode, in document: borrowing JSONDocument) -> Bool {
        for part in document.elements(of: content) {
            guard let type = document.member("type", of: part), isTextType(type, in: document) else { return false }
        }
        return true
    }

    private static func isTextType(_ type: JSONNode, in document: borrowing JSONDocument) -> Bool {
        document.stringEquals(type, "input_text") || document.stringEquals(type, "output_text")
            || document.stringEquals(type, "text")
    }

    private static func writeText(
        _ content: JSONNode, _ path: String, into writer: inout JSONWriter, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        var string = ByteBuffer()
        string.writeStaticString("\"")
        var index = 0
        for part in document.elements(of: content) {
            let text = try text(of: part, "\(path)[\(index)]", in: document)
            if index > 0 { string.writeStaticString("\\n\\n") }
            string.writeImmutableBuffer(ResponsesReader.body(of: text, in: document))
            index += 1
        }
        string.writeStaticString("\"")
        writer.value(.bytes(string))
    }

    private static func text(
        of part: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        try ResponsesReader.checkObject(part, path, in: document)
        return try ResponsesReader.required(
            ResponsesReader.string("text", of: part, path, in: document), "text", path)
    }
}

// MARK: - Parts

extension ResponsesContent {
    private static func write(
        part: JSONNode, _ path: String, into writer: inout JSONWriter, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        try ResponsesReader.checkObject(part, path, in: document)
        let type = try ResponsesReader.requiredName("type", of: part, path, in: document)
        writer.beginObject()
        if isTextType(type, in: document) {
            writer.member("type", .raw("\"text\""))
            writer.member("text", .bytes(document.text(of: try text(of: part, path, in: document))))
        } else if document.stringEquals(type, "input_image") {
            try writeImage(part, path, into: &writer, in: document)
        } else if document.stringEquals(type, "input_file") {
            try writeFile(part, path, into: &writer, in: document)
        } else if document.stringEquals(type, "input_audio") {
            let audio = try ResponsesReader.required(
                ResponsesReader.object("input_audio", of: part, path, in: document), "input_audio", path)
            writer.member("type", .raw("\"input_audio\""))
            writer.member("input_audio", .bytes(document.text(of: audio)))
        } else {
            throw ResponsesReader.invalidValue(type, "\(path).type", partTypes, in: document)
        }
        writer.endObject()
    }

    /// Writes the members of an image part.
    private static func writeImage(
        _ part: JSONNode, _ path: String, into writer: inout JSONWriter, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let detail = try ResponsesReader.word(
            "detail", of: part, path, among: ["low", "high", "auto", "original"], in: document)
        guard let url = try ResponsesReader.string("image_url", of: part, path, in: document) else {
            try refuse("file_id", of: part, path, "Send the image as 'image_url': its URL, or a data URL.", document)
            _ = try ResponsesReader.required(nil, "image_url", path)
            return
        }
        writer.member("type", .raw("\"image_url\""))
        writer.key("image_url")
        writer.beginObject()
        writer.member("url", .bytes(document.text(of: url)))
        if let detail {
            // The largest that chat completions know.
            let isOriginal = document.stringEquals(detail, "original")
            writer.member("detail", isOriginal ? .raw("\"high\"") : .bytes(document.text(of: detail)))
        }
        writer.endObject()
    }

    /// Writes the members of a file part. Which models read files, and of what kind, is Qwen's to say.
    private static func writeFile(
        _ part: JSONNode, _ path: String, into writer: inout JSONWriter, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        let name = try ResponsesReader.string("filename", of: part, path, in: document)
        guard let data = try ResponsesReader.string("file_data", of: part, path, in: document) else {
            let advice = "Send the file's bytes as 'file_data', a data URL."
            try refuse("file_id", of: part, path, advice, document)
            try refuse("file_url", of: part, path, advice, document)
            _ = try ResponsesReader.required(nil, "file_data", path)
            return
        }
        writer.member("type", .raw("\"file\""))
        writer.key("file")
        writer.beginObject()
        if let name { writer.member("filename", .bytes(document.text(of: name))) }
        writer.member("file_data", .bytes(document.text(of: data)))
        writer.endObject()
    }

    private static func refuse(
        _ name: StaticString, of part: JSONNode, _ path: String, _ advice: String, _ document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard ResponsesReader.given(name, of: part, in: document) != nil else { return }
        throw InvalidRequest(
            "'\(path).\(name)' is not supported here. \(advice)", param: "\(path).\(name)",
            code: "unsupported_parameter")
    }
}
