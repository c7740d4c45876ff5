import CAllocations
import JSON
import NIOCore
import Translation

/// Passes a long stream of Qwen's through each dialect, and counts for each delta: blocks asked of the heap, bytes for
/// the client, and time. In the steady state no delta needs the heap: the program ends with 1 if one does.
///
/// What a dialect must keep of an answer to its end (responses repeat the whole text) grows by doubling, which the count
/// allows for.
@main
enum DeltaBench {
    private static let warmUp = 2_000
    private static let deltas = 200_000
    /// Doublings of the texts that are kept.
    private static let mostGrowths = 40

    static func main() throws {
        print("dialect      delta      allocations  bytes in  bytes out    ns")
        var isClean = true
        for recording in [Recording.text, .reasoning, .arguments] {
            var chat = ChatStream(includesUsage: false)
            isClean = run("chat", recording) { chat.receive($0, document: &$1, into: &$2) } && isClean
            var counted = ChatStream(includesUsage: true)
            isClean = run("chat+usage", recording) { counted.receive($0, document: &$1, into: &$2) } && isClean
            if recording.name != "arguments" {
                var completions = try completionStream()
                isClean = run("completions", recording) { completions.receive($0, document: &$1, into: &$2) } && isClean
            }
            var responses = try responsesStream()
            isClean = run("responses", recording) { responses.receive($0, document: &$1, into: &$2) } && isClean
            var messages = MessagesStream(
                identity: MessagesIdentity(id: "msg_1", model: "m"), showsThinking: true, estimatedInputTokens: 1)
            isClean = run("messages", recording) { messages.receive($0, document: &$1, into: &$2) } && isClean
        }
        if !isClean { throw Failure.allocates }
    }

    enum Failure: Error {
        /// A delta needs the heap.
        case allocates
    }

    private static func completionStream() throws -> CompletionStream {
        var document = JSONDocument()
        let request = try CompletionRequest(
            ByteBuffer(string: #"{"model":"m","prompt":"p","stream":true}"#), document: &document, defaultModel: "m")
        return CompletionStream(request, identity: ChatIdentity(id: "cmpl-1", created: 1, model: "m"))
    }

    private static func responsesStream() throws -> ResponsesStream {
        var document = JSONDocument()
        let request = try ResponsesRequest(
            ByteBuffer(string: #"{"model":"m","input":"p","stream":true}"#), document: &document)
        return ResponsesStream(ResponsesIdentity(token: "t", created: 1, model: "m"), echo: request.echo)
    }

    /// - Returns: whether no delta needed the heap.
    private static func run(
        _ dialect: String, _ recording: Recording,
        _ receive: (ByteBuffer, inout JSONDocument, inout ByteBuffer) -> ChatStream.Action
    ) -> Bool {
        var document = JSONDocument()
        var output = ByteBuffer()
        var bytes = 0
        func pass(_ data: ByteBuffer, _ count: Int) {
            for _ in 0..<count {
                output.clear()
                guard receive(data, &document, &output) == .proceed else { fatalError("\(dialect): no chunk") }
                bytes += output.readableBytes
            }
        }
        for data in recording.start { pass(data, 1) }
        pass(recording.delta, warmUp)
        bytes = 0
        let before = allocations_count()
        let time = ContinuousClock().measure { pass(recording.delta, deltas) }
        let allocations = allocations_count() - before
        let nanoseconds = Int(time / .nanoseconds(1)) / deltas
        print(
            column(dialect, 13) + column(recording.name, 11) + column("\(allocations)", 13)
                + column("\(recording.delta.readableBytes)", 10) + column("\(bytes / deltas)", 11) + "\(nanoseconds)")
        return allocations <= mostGrowths
    }

    private static func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(width - text.count, 1))
    }
}
