import JSON
import NIOCore

/// One element of a chunk's `tool_calls`: a piece of a call.
struct ResponsesCallPiece {
    /// Qwen's index of the call.
    let index: Int?
    /// Id and name as they are written, without quotation marks; nil where they are empty, as they are in most pieces.
    let id: ByteBuffer?
    let name: ByteBuffer?
    /// A piece of a JSON string's text.
    let arguments: ByteBuffer

    init(_ node: JSONNode, in document: borrowing JSONDocument) {
        index = document.member("index", of: node).flatMap { document.integer($0) }
        id = Self.word(document.member("id", of: node), in: document)
        guard let function = document.member("function", of: node) else {
            name = nil
            arguments = ByteBuffer()
            return
        }
        name = Self.word(document.member("name", of: function), in: document)
        arguments =
            document.member("arguments", of: function).map { Self.arguments($0, in: document) } ?? ByteBuffer()
    }

    private static func word(_ node: JSONNode?, in document: borrowing JSONDocument) -> ByteBuffer? {
        guard let node else { return nil }
        let body = ResponsesReader.body(of: node, in: document)
        return body.readableBytes > 0 ? body : nil
    }

    /// Some servings write the arguments as the JSON that they are, instead of a string that holds it.
    private static func arguments(_ node: JSONNode, in document: borrowing JSONDocument) -> ByteBuffer {
        switch document.kind(of: node) {
        case .string: return ResponsesReader.body(of: node, in: document)
        case .null: return ByteBuffer()
        default:
            var body = ByteBuffer()
            JSONWriter.writeStringBody(utf8: document.text(of: node).readableBytesSpan, into: &body)
            return body
        }
    }
}

/// The calls of a stream, and which of them each piece belongs to.
///
/// Qwen's index says so, but for some servings: an index may be used again by a call with a new id and a name, an id
/// may come late or be made up anew for every piece, and an index may be missing.
struct ResponsesCalls: Sendable {
    /// More calls than any model makes in one answer.
    static let most = 256

    struct Call: Sendable {
        /// Qwen's index; nil once another call has taken it.
        var index: Int?
        var id: ByteBuffer?
        var name: ByteBuffer?
        /// What came of the arguments before the client was told of the call.
        var pending = ByteBuffer()
        /// The call's place in the output, once the client was told.
        var item: Int?
    }

    private(set) var calls: [Call] = []

    subscript(call: Int) -> Call {
        _read { yield calls[call] }
        _modify { yield &calls[call] }
    }

    /// Finds the call of a piece, or begins one, and keeps the id and name that the piece brings. nil if there are too
    /// many.
    mutating func place(_ piece: ResponsesCallPiece) -> Int? {
        guard let call = find(piece) ?? begin(piece.index) else { return nil }
        if calls[call].id == nil, let id = piece.id { calls[call].id = Self.copy(id) }
        if calls[call].name == nil, let name = piece.name { calls[call].name = Self.copy(name) }
        return call
    }

    private mutating func find(_ piece: ResponsesCallPiece) -> Int? {
        let current = calls.lastIndex { piece.index == nil || $0.index == piece.index }
        guard let id = piece.id else { return current }
        if let current {
            guard let known = calls[current].id, known != id else { return current }
        }
        if let known = calls.lastIndex(where: { $0.id == id }) { return known }
        guard let current else { return nil }
        // A new call brings its name along; otherwise the id was made up for the piece.
        if piece.name == nil, piece.index != nil { return current }
        calls[current].index = nil
        return nil
    }

    private mutating func begin(_ index: Int?) -> Int? {
        guard calls.count < Self.most else { return nil }
        calls.append(Call(index: index))
        return calls.count - 1
    }

    /// A copy of its own: a slice would hold on to the bytes that were read from the network.
    private static func copy(_ text: ByteBuffer) -> ByteBuffer {
        var copy = ByteBuffer()
        copy.writeImmutableBuffer(text)
        return copy
    }
}
