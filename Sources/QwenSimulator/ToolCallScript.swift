import JSON
import NIOCore

/// The tool calls of one answer: as a list for a whole answer, and as deltas for a stream, with the quirks that Qwen's
/// have: the identifier and the name are empty, null or absent after the first delta of a call.
struct ToolCallScript {
    struct Call {
        var id: String
        var name: String
        var arguments: String
    }

    private(set) var calls: [Call] = []
    /// The elements of `tool_calls`, one for each delta.
    private(set) var deltas: [String] = []

    /// - Parameter id: a text that no other answer has.
    init(_ request: ChatRequest, _ behaviour: ToolCallBehaviour, id: String) {
        guard !request.tools.isEmpty, !request.endsWithToolResult, request.toolChoice != .none else { return }
        let count = behaviour.count ?? (request.toolChoice.isForced ? 1 : 0)
        for index in 0..<count {
            var tool = request.tools[index % request.tools.count]
            if case .function(let name) = request.toolChoice { tool = Self.find(name, request) }
            if let name = behaviour.function { tool = Self.find(name, request) }
            let arguments = behaviour.quirks.contains(.noArguments) ? "" : behaviour.arguments ?? tool.arguments
            calls.append(Call(id: "call_\(id)\(index)", name: tool.name, arguments: arguments))
        }
        writeDeltas(behaviour)
    }

    private static func find(_ name: String, _ request: ChatRequest) -> ChatRequest.Tool {
        request.tools.first { $0.name == name } ?? ChatRequest.Tool(name: name, arguments: "{}")
    }

    // MARK: Deltas

    private mutating func writeDeltas(_ behaviour: ToolCallBehaviour) {
        let quirks = behaviour.quirks
        var perCall: [[String]] = []
        for (ordinal, call) in calls.enumerated() {
            let index = quirks.contains(.reuseIndex) ? 0 : ordinal
            var pieces = Self.pieces(of: call.arguments, behaviour.pieces)
            if quirks.contains(.unterminated), let last = pieces.popLast() { pieces.append(String(last.dropLast(2))) }
            var deltas: [String] = []
            let isLate = quirks.contains(.lateID)
            deltas.append(Self.delta(index, id: isLate ? "" : call.id, name: .string(isLate ? "" : call.name), ""))
            for (number, piece) in pieces.enumerated() {
                if quirks.contains(.clean) {
                    deltas.append(#"{"index":\#(index),"function":{"arguments":\#(Self.quoted(piece))}}"#)
                } else {
                    deltas.append(Self.delta(index, id: "", name: number % 2 == 0 ? .null : .empty, piece))
                }
            }
            if quirks.contains(.null) {
                deltas.append(
                    #"{"index":\#(index),"id":"","type":"function","function":{"name":null,"arguments":null}}"#)
            }
            if isLate { deltas.append(Self.delta(index, id: call.id, name: .string(call.name), "")) }
            if quirks.contains(.replay) {
                deltas.append(Self.delta(index, id: call.id, name: .string(call.name), call.arguments))
            }
            perCall.append(deltas)
        }
        guard quirks.contains(.interleave) else {
            deltas = perCall.flatMap { $0 }
            return
        }
        for turn in 0..<(perCall.map(\.count).max() ?? 0) {
            for call in perCall where turn < call.count { deltas.append(call[turn]) }
        }
    }

    private enum Name {
        case string(String)
        case null
        /// Behind the arguments, as Qwen has it in some deltas.
        case empty
    }

    private static func delta(_ index: Int, id: String, name: Name, _ arguments: String) -> String {
        let function =
            switch name {
            case .string(let name): #"{"name":\#(quoted(name)),"arguments":\#(quoted(arguments))}"#
            case .null: #"{"name":null,"arguments":\#(quoted(arguments))}"#
            case .empty: #"{"arguments":\#(quoted(arguments)),"name":""}"#
            }
        return #"{"index":\#(index),"id":\#(quoted(id)),"type":"function","function":\#(function)}"#
    }

    private static func quoted(_ text: String) -> String {
        var output = ByteBuffer()
        JSONWriter.writeString(text, into: &output)
        return String(buffer: output)
    }

    /// The text in so many pieces of about the same length.
    private static func pieces(of text: String, _ count: Int) -> [String] {
        guard !text.isEmpty else { return [] }
        let scalars = Array(text.unicodeScalars)
        let count = min(max(1, count), scalars.count)
        return (0..<count).map { piece in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[scalars.count * piece / count..<scalars.count * (piece + 1) / count])
            return String(view)
        }
    }

    /// The list of a whole answer.
    func writeList(into output: inout ByteBuffer) {
        output.writeStaticString("[")
        for (index, call) in calls.enumerated() {
            if index > 0 { output.writeStaticString(",") }
            output.writeString(
                #"{"index":\#(index),"id":\#(Self.quoted(call.id)),"type":"function","function":{"name":"#)
            JSONWriter.writeString(call.name, into: &output)
            output.writeStaticString(#","arguments":"#)
            JSONWriter.writeString(call.arguments, into: &output)
            output.writeStaticString("}}")
        }
        output.writeStaticString("]")
    }
}
