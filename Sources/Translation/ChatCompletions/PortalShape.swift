import JSON
import NIOCore

/// The form of messages that the portal insists on: exactly one system message, in front, whose content is an array
/// that begins with an empty text part marked for the cache. All system texts of the request follow in it, in order.
enum PortalShape {
    private static let opening: StaticString = #"{"type":"text","text":"","cache_control":{"type":"ephemeral"}}"#

    /// Gives a request's body this form. What has it already, and what can't be read, stays as it is.
    static func applied(to body: ByteBuffer, document: inout JSONDocument) -> ByteBuffer {
        defer { document.removeAll() }
        // The body was scanned when it came; it can only fail for having grown beyond a limit.
        guard (try? document.scan(body)) != nil, let messages = document.member("messages", of: document.root) else {
            return body
        }
        let systems = document.elements(of: messages).filter { document.isSystem($0) }
        var elements = document.elements(of: messages)
        let leading = elements.next().flatMap { $0 == systems.first ? $0 : nil }
        if systems.count == 1, let leading, isShaped(leading, in: document) { return body }

        let parts = JSONFragment.bytes(merged(systems, in: document))
        if let leading {
            if let content = document.member("content", of: leading) {
                document.replace(content, with: parts)
            } else {
                document.append("content", parts, to: leading)
            }
        } else {
            document.prepend(.bytes(message(parts: parts)), to: messages)
        }
        for message in systems where message != leading { document.remove(message, from: messages) }
        var shaped = ByteBuffer()
        shaped.reserveCapacity(body.readableBytes + 256)
        guard (try? document.write(into: &shaped)) != nil else { return body }
        return shaped
    }

    /// Whether a message's content begins with the part that the portal looks for.
    private static func isShaped(_ message: JSONNode, in document: borrowing JSONDocument) -> Bool {
        guard let content = document.member("content", of: message) else { return false }
        var parts = document.elements(of: content)
        return parts.next().map { isOpening($0, in: document) } ?? false
    }

    private static func isOpening(_ part: JSONNode, in document: borrowing JSONDocument) -> Bool {
        guard let text = document.member("text", of: part), let mark = document.member("cache_control", of: part)
        else { return false }
        return document.stringEquals(text, "") && document.kind(of: mark) == .object
    }

    /// The content: the opening part, then the texts of the system messages.
    private static func merged(_ systems: [JSONNode], in document: borrowing JSONDocument) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginArray()
        writer.value(.raw(opening))
        for message in systems {
            guard let content = document.member("content", of: message) else { continue }
            switch document.kind(of: content) {
            case .string where !document.stringEquals(content, ""):
                writer.beginObject()
                writer.member("type", .raw("\"text\""))
                writer.member("text", .bytes(document.text(of: content)))
                writer.endObject()
            case .array:
                for part in document.elements(of: content) where !isOpening(part, in: document) {
                    writer.value(.bytes(document.text(of: part)))
                }
            default: break
            }
        }
        writer.endArray()
        return writer.buffer
    }

    private static func message(parts: JSONFragment) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("role", .raw("\"system\""))
        writer.member("content", parts)
        writer.endObject()
        return writer.buffer
    }
}
