import JSON

/// Where in a request something stands, and what is wrong with it, both in Anthropic's words:
/// `messages.2.content.0.text: Field required`.
struct MessagesPath: CustomStringConvertible {
    /// A member of the request.
    let field: StaticString
    /// The element, if the field is a list.
    var element: Int?
    /// The block of that element's content.
    var block: Int?
    /// The block in the content of that block, which is the result of a tool.
    var inner: Int?

    init(_ field: StaticString, _ element: Int? = nil, block: Int? = nil, inner: Int? = nil) {
        self.field = field
        self.element = element
        self.block = block
        self.inner = inner
    }

    var description: String {
        var path = "\(field)"
        if let element { path += ".\(element)" }
        if let block { path += ".content.\(block)" }
        if let inner { path += ".content.\(inner)" }
        return path
    }

    /// The error for what stands here.
    func fault(_ reason: String) -> InvalidRequest {
        InvalidRequest("\(self): \(reason)", param: description)
    }

    /// The error for the member `name` of what stands here.
    func fault(_ name: StaticString, _ reason: String) -> InvalidRequest {
        InvalidRequest("\(self).\(name): \(reason)", param: "\(self).\(name)")
    }
}

// MARK: - Checked reading

extension MessagesPath {
    /// Throws unless the node is an object that names each member once.
    func checkObject(_ node: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) {
        guard document.kind(of: node) == .object else { throw fault("Input should be an object") }
        do {
            try document.checkUniqueKeys(of: node)
        } catch {
            throw fault("\(error)")
        }
    }

    /// A member that must be there, and not be null.
    func required(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        guard let node = document.given(document.member(name, of: object)) else { throw fault(name, "Field required") }
        return node
    }

    /// A string that must be there.
    func string(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode {
        let node = try required(name, of: object, in: document)
        guard document.kind(of: node) == .string else { throw fault(name, "Input should be a valid string") }
        return node
    }

    /// A string that may be missing or null.
    func optionalString(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> JSONNode? {
        guard let node = document.given(document.member(name, of: object)) else { return nil }
        guard document.kind(of: node) == .string else { throw fault(name, "Input should be a valid string") }
        return node
    }

    /// A Boolean that may be missing or null.
    func flag(
        _ name: StaticString, of object: JSONNode, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Bool? {
        guard let node = document.given(document.member(name, of: object)) else { return nil }
        guard let value = document.bool(node) else { throw fault(name, "Input should be a valid boolean") }
        return value
    }

    /// The `type` of an object: which of its kinds it is.
    func type(of object: JSONNode, in document: borrowing JSONDocument) throws(InvalidRequest) -> String {
        document.string(try string("type", of: object, in: document)) ?? ""
    }

    /// The error for a `type` that is none of those that may stand here.
    func unknownType(_ type: String, expected: [String]) -> InvalidRequest {
        let tags = expected.map { "'\($0)'" }.joined(separator: ", ")
        return fault(
            """
            Input tag '\(InvalidRequest.shown(type))' found using 'type' does not match any of the expected tags: \
            \(tags)
            """)
    }
}
