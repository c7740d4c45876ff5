import EventStream
import JSON
import NIOCore
import Translation

/// The bytes of one upstream stream through parser and translation, as the relay runs them.
struct StreamRun: Equatable {
    var output = ByteBuffer()
    var actions: [ChatStream.Action] = []
    /// The client was told that nothing is missing.
    var isWhole = false

    /// What a dialect's stream does.
    struct Steps {
        var receive: (ByteBuffer, inout JSONDocument, inout ByteBuffer) -> ChatStream.Action
        var end: (inout ByteBuffer) -> Bool
        var fail: (inout ByteBuffer) -> Void
        var keepAlive: (inout ByteBuffer) -> Void
    }

    init(_ input: [UInt8], _ cut: Cut, isSilent: Bool = false, _ steps: Steps) {
        var parser = EventStreamParser()
        var document = JSONDocument()
        var choices = Choices(input)
        pieces: for piece in cut.pieces(of: input) {
            var chunk = ByteBuffer(bytes: piece)
            while let event = try? parser.next(in: &chunk) {
                if isSilent, choices.flag() { steps.keepAlive(&output) }
                let action = steps.receive(event.data, &document, &output)
                actions.append(action)
                switch action {
                case .proceed: break
                case .done:
                    isWhole = true
                    break pieces
                case .fault, .malformed:
                    steps.fail(&output)
                    break pieces
                }
            }
        }
        if !isWhole, actions.last ?? .proceed == .proceed {
            // An end within an event is no clean one.
            isWhole = parser.finish() == .clean && steps.end(&output)
            if !isWhole { steps.fail(&output) }
        }
        // Nothing comes behind the end.
        let length = output.readableBytes
        steps.keepAlive(&output)
        steps.fail(&output)
        let done = steps.receive(ByteBuffer(string: "[DONE]"), &document, &output)
        check(output.readableBytes == length && done == .proceed, "something follows the end")
    }

    /// The run of the whole input, after the other cuts have given the same.
    static func checked(_ input: [UInt8], _ steps: () -> Steps) -> StreamRun {
        let whole = StreamRun(input, .whole, steps())
        for cut in [Cut.bytes, .random] {
            check(StreamRun(input, cut, steps()) == whole, "it matters where the bytes are cut (\(cut))")
        }
        return whole
    }

    /// The events that the client gets, each of which is JSON or `[DONE]`.
    var events: [ServerSentEvent] {
        var parser = EventStreamParser()
        var rest = output
        var document = JSONDocument()
        var events: [ServerSentEvent] = []
        while let event = try? parser.next(in: &rest) {
            let isJSON = (try? document.scan(event.data)) != nil
            check(isJSON || event.hasData("[DONE]"), "an event that is no JSON: \(String(buffer: event.data))")
            events.append(event)
        }
        check(parser.finish() == .clean, "the output ends within an event")
        return events
    }

    /// Whether the upstream can have said why an answer ended. `[DONE]` alone does not say it.
    static func saysEnd(_ input: [UInt8]) -> Bool {
        let open = input.count(of: "\"finish_reason\":null")
        return input.count(of: "finish_reason") > open || input.contains("\\u")
    }
}

/// The string member of a JSON object.
func string(_ name: String, in data: ByteBuffer) -> String? {
    var document = JSONDocument()
    guard (try? document.scan(data)) != nil else { return nil }
    return document.member(named: name, of: document.root).flatMap { document.string($0) }
}

/// The integer member of a JSON object.
func integer(_ name: String, in data: ByteBuffer) -> Int? {
    var document = JSONDocument()
    guard (try? document.scan(data)) != nil else { return nil }
    return document.member(named: name, of: document.root).flatMap { document.integer($0) }
}

let chatIdentity = ChatIdentity(id: "chatcmpl-own", created: 1, model: "m")
