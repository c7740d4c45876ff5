import JSON
import NIOCore

@testable import Translation

/// A generator that gives the same numbers for the same seed (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// The identity that the gateway would give.
let ownIdentity = ChatIdentity(id: "chatcmpl-own", created: 7, model: "own")

/// The body that a request becomes.
func translated(_ text: String, defaultModel: String = "qwen-default") throws -> ChatRequest {
    var document = JSONDocument()
    return try ChatRequest(ByteBuffer(string: text), document: &document, defaultModel: defaultModel)
}

/// What a client of OpenAI's would put together from the events of a stream: texts joined, ids and names too, as its
/// SDKs do.
struct ClientView: Equatable {
    struct Call: Equatable {
        var id = ""
        var name = ""
        var arguments = ""
    }

    var role = ""
    var content = ""
    var reasoning = ""
    var calls: [Int: Call] = [:]
    var finishReasons: [String] = []
    var usages: [Int] = []
    var chunksWithUsageKey = 0
    var chunks = 0
    var isDone = false

    /// Reads the text of a stream: events and comments with LF.
    init(_ stream: String) throws {
        for event in stream.split(separator: "\n\n", omittingEmptySubsequences: true) {
            if event.hasPrefix(":") { continue }
            let data = event.dropFirst("data: ".count)
            if data == "[DONE]" {
                isDone = true
                continue
            }
            try take(String(data))
        }
    }

    private mutating func take(_ chunk: String) throws {
        var document = JSONDocument()
        try document.scan(ByteBuffer(string: chunk))
        chunks += 1
        if let usage = document.member("usage", of: document.root) {
            chunksWithUsageKey += 1
            if let total = document.member("total_tokens", of: usage).flatMap({ document.integer($0) }) {
                usages.append(total)
            }
        }
        guard let choices = document.member("choices", of: document.root) else { return }
        for choice in document.elements(of: choices) {
            if let reason = document.member("finish_reason", of: choice).flatMap({ document.string($0) }) {
                finishReasons.append(reason)
            }
            guard let delta = document.member("delta", of: choice) else { continue }
            role += text("role", of: delta, document)
            content += text("content", of: delta, document)
            reasoning += text("reasoning_content", of: delta, document)
            guard let pieces = document.member("tool_calls", of: delta) else { continue }
            for piece in document.elements(of: pieces) {
                let index = document.member("index", of: piece).flatMap { document.integer($0) } ?? -1
                var call = calls[index] ?? Call()
                call.id += text("id", of: piece, document)
                if let function = document.member("function", of: piece) {
                    call.name += text("name", of: function, document)
                    call.arguments += text("arguments", of: function, document)
                }
                calls[index] = call
            }
        }
    }

    private func text(_ name: String, of object: JSONNode, _ document: borrowing JSONDocument) -> String {
        document.member(named: name, of: object).flatMap { document.string($0) } ?? ""
    }
}

/// The same of an answer in one document.
func assembledView(_ text: String) throws -> (content: String?, reasoning: String, calls: [ClientView.Call]) {
    var document = JSONDocument()
    try document.scan(ByteBuffer(string: text))
    func string(_ name: String, of object: JSONNode?) -> String? {
        object.flatMap { document.member(named: name, of: $0) }.flatMap { document.string($0) }
    }
    let choices = document.member("choices", of: document.root)
    var elements = choices.map { document.elements(of: $0) }
    let message = elements?.next().flatMap { document.member("message", of: $0) }
    var calls: [ClientView.Call] = []
    if let list = message.flatMap({ document.member("tool_calls", of: $0) }) {
        for call in document.elements(of: list) {
            let function = document.member("function", of: call)
            calls.append(
                ClientView.Call(
                    id: string("id", of: call) ?? "", name: string("name", of: function) ?? "",
                    arguments: string("arguments", of: function) ?? ""))
        }
    }
    return (string("content", of: message), string("reasoning_content", of: message) ?? "", calls)
}
