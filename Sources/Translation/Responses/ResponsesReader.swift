import JSON
import NIOCore

/// Reads members of a request, and says in OpenAI's words what is wrong with one. A member that is null counts as
/// missing. A path is the place of the object in the request, empty for the request itself.
enum ResponsesReader {
    static func given(_ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument) -> JSONNode? {
        guard let node = document.member(name, of: object), !document.isNull(node) else { return nil }
        return node
    }

    static func string(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        try member(name, of: object, path, .string, "a string", in: document)
    }

    static func number(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        try member(name, of: object, path, .number, "a number", in: document)
    }

    static func array(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        try member(name, of: object, path, .array, "an array", in: document)
    }

    /// An object that names no member twice.
    static func object(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        guard let node = given(name, of: object, in: document) else { return nil }
        try checkObject(node, join(path, name), in: document)
        return node
    }

    static func flag(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Bool? {
        guard let node = given(name, of: object, in: document) else { return nil }
        guard let value = document.bool(node) else { throw invalidType(join(path, name), "true or false") }
        return value
    }

    static func integer(
        _ name: StaticString, of object: JSONNode, _ path: String = "", in range: ClosedRange<Int>,
        _ document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Int? {
        guard let node = given(name, of: object, in: document) else { return nil }
        guard let value = document.integer(node) else { throw invalidType(join(path, name), "an integer") }
        guard value >= range.lowerBound else {
            throw InvalidRequest(
                "Invalid '\(join(path, name))': integer below minimum value. Expected a value >= \(range.lowerBound), "
                    + "but got \(value) instead.", param: join(path, name), code: "integer_below_min_value")
        }
        guard value <= range.upperBound else {
            throw InvalidRequest(
                "Invalid '\(join(path, name))': integer above maximum value. Expected a value <= \(range.upperBound), "
                    + "but got \(value) instead.", param: join(path, name), code: "integer_above_max_value")
        }
        return value
    }

    static func required(
        _ node: JSONNode?, _ name: StaticString, _ path: String = ""
    ) throws(InvalidRequest) -> JSONNode {
        guard let node else {
            throw InvalidRequest(
                "Missing required parameter: '\(join(path, name))'.", param: join(path, name),
                code: "missing_required_parameter")
        }
        return node
    }

    /// A string that is not empty.
    static func requiredName(
        _ name: StaticString, of object: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        let node = try required(string(name, of: object, path, in: document), name, path)
        if document.stringEquals(node, "") {
            throw InvalidRequest(
                "Invalid '\(join(path, name))': empty string.", param: join(path, name), code: "empty_string")
        }
        return node
    }

    static func checkObject(
        _ node: JSONNode, _ path: String, in document: borrowing JSONDocument
    ) throws(InvalidRequest) {
        guard document.kind(of: node) == .object else { throw invalidType(path, "an object") }
        try document.checkUniqueKeys(of: node, param: path)
    }

    /// One of a few words, if there is any.
    static func word(
        _ name: StaticString, of object: JSONNode, _ path: String = "", among words: [String],
        in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        guard let node = try string(name, of: object, path, in: document) else { return nil }
        for word in words where document.stringEquals(node, word) { return node }
        throw invalidValue(node, join(path, name), words, in: document)
    }

    static func invalidType(_ param: String, _ expected: String) -> InvalidRequest {
        InvalidRequest("Invalid type for '\(param)': expected \(expected).", param: param, code: "invalid_type")
    }

    static func invalidValue(
        _ node: JSONNode, _ param: String, _ words: [String], in document: borrowing JSONDocument
    ) -> InvalidRequest {
        let supported = words.map { "'\($0)'" }.joined(separator: ", ")
        return InvalidRequest(
            "Invalid value: '\(shown(node, in: document))'. Supported values are: \(supported).", param: param,
            code: "invalid_value")
    }

    /// A string of the client's for a message, not longer than 64 bytes.
    static func shown(_ node: JSONNode, in document: borrowing JSONDocument) -> String {
        InvalidRequest.shown(document.string(node) ?? "")
    }

    /// A string's characters as they are written, escapes and all, without the quotation marks; nothing for other
    /// kinds.
    static func body(of node: JSONNode, in document: borrowing JSONDocument) -> ByteBuffer {
        guard document.kind(of: node) == .string else { return ByteBuffer() }
        var text = document.text(of: node)
        text.moveReaderIndex(forwardBy: 1)
        text.moveWriterIndex(to: text.writerIndex - 1)
        return text
    }

    static func join(_ path: String, _ name: StaticString) -> String {
        path.isEmpty ? "\(name)" : "\(path).\(name)"
    }

    private static func member(
        _ name: StaticString, of object: JSONNode, _ path: String, _ kind: JSONKind, _ expected: String,
        in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        guard let node = given(name, of: object, in: document) else { return nil }
        guard document.kind(of: node) == kind else { throw invalidType(join(path, name), expected) }
        return node
    }
}
