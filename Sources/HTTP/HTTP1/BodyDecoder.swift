import NIOCore

/// Takes a message body out of the input as its framing says (RFC 9112 §6.3).
enum BodyDecoder {
    /// The bytes that are still to come.
    case counted(Int)
    case chunked(ChunkedDecoder)
    /// A response that ends with its connection.
    case untilClose

    /// Consumes `input` up to the next piece of the body, or what it can of it.
    mutating func next(_ input: inout ByteBuffer) throws(RequestFault) -> BodyPiece {
        switch self {
        case .counted(0):
            return .end
        case .counted(let remaining):
            let count = min(remaining, input.readableBytes)
            guard count > 0, let bytes = input.readSlice(length: count) else { return .needsMore }
            self = .counted(remaining - count)
            return .bytes(bytes)
        case .chunked(var decoder):
            defer { self = .chunked(decoder) }
            return try decoder.next(&input)
        case .untilClose:
            let count = input.readableBytes
            guard count > 0, let bytes = input.readSlice(length: count) else { return .needsMore }
            return .bytes(bytes)
        }
    }
}
