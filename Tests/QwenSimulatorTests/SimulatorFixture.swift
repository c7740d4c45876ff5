import EventStream
import HTTP
import JSON
import NIOCore
import TLS
import TestSupport

@testable import QwenSimulator

/// A simulator on loopback with a certificate of its own, a client of it, and the way to end both.
struct SimulatorFixture: Sendable {
    let simulator: QwenSimulator
    let client: Client

    /// Runs `body` with a fixture, and ends it whatever happens.
    static func run(
        _ switches: String = "", apiKey: String? = nil, keys: [String] = [],
        over protocol: ApplicationProtocol = .http2,
        _ body: (SimulatorFixture) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates()
        let server = try certificates.issue()
        var options = QwenSimulator.Options()
        options.apiKey = apiKey
        options.behaviour = try SimulatorBehaviour(switches)
        for key in keys { try options.behaviour.setKey(key) }
        let simulator = try await QwenSimulator.start(
            options,
            tls: TLSServerContext(
                certificateChain: server.certificate, privateKey: server.privateKey, alpn: [.http2, .http1]))
        do {
            let client = try await Client(
                port: simulator.port, trustFile: certificates.authority.certificateFile,
                applicationProtocol: `protocol`)
            do {
                try await body(SimulatorFixture(simulator: simulator, client: client))
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        } catch {
            await simulator.shutdown()
            throw error
        }
        await simulator.shutdown()
    }

    // MARK: Requests

    static let path = "/compatible-mode/v1/chat/completions"

    /// The body of a chat completion request.
    ///
    /// - Parameter more: further members, each with a comma in front.
    static func body(_ message: String, model: String = "qwen3-coder-plus", stream: Bool = true, _ more: String = "")
        -> String
    {
        #"{"model":"\#(model)","stream":\#(stream),"messages":[{"role":"user","content":"\#(message)"}]\#(more)}"#
    }

    static func fields(_ key: String) -> [(String, String)] {
        [("authorization", "Bearer \(key)"), ("content-type", "application/json")]
    }

    func chat(
        _ message: String, model: String = "qwen3-coder-plus", stream: Bool = true, key: String = "sk-test",
        path: String = SimulatorFixture.path, _ more: String = ""
    ) async throws -> Reply {
        try await client.send(
            "POST", path, body: Self.body(message, model: model, stream: stream, more), fields: Self.fields(key))
    }

    /// A form, sent as the login's client sends it.
    func post(_ path: String, _ form: String, agent: String? = "test/1") async throws -> Reply {
        var fields = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
        if let agent { fields.append(("user-agent", agent)) }
        return try await client.send("POST", path, body: form, fields: fields)
    }
}

/// A whole response.
struct Reply: Sendable {
    var status: Int
    var fields: HeaderFields
    /// The body as it came: one entry for each write that could be told from the next.
    var writes: [ByteBuffer]
    /// Whether it ended as its framing says.
    var isWhole: Bool

    var body: ByteBuffer {
        var body = ByteBuffer()
        for write in writes { body.writeImmutableBuffer(write) }
        return body
    }

    var text: String { String(buffer: body) }

    /// The events of a stream.
    var events: [ServerSentEvent] {
        var parser = EventStreamParser()
        var chunk = body
        var events: [ServerSentEvent] = []
        while let event = try? parser.next(in: &chunk) { events.append(event) }
        if case .incomplete(let event?) = parser.finish() { events.append(event) }
        return events
    }

    /// The data of the events of a stream.
    var frames: [String] { events.map { String(buffer: $0.data) } }

    /// The value at a path of keys and indices in a JSON body: a string as it is, anything else as its text.
    func value(_ path: String) -> String? { jsonValue(text, path) }
}

/// The value at a path such as `choices.0.delta.content`; nil where there is none.
func jsonValue(_ text: String, _ path: String) -> String? {
    var document = JSONDocument()
    guard (try? document.scan(ByteBuffer(string: text))) != nil else { return nil }
    var node = document.root
    for step in path.split(separator: ".") {
        var next: JSONNode?
        if let index = Int(step), document.kind(of: node) == .array {
            for (position, element) in document.elements(of: node).enumerated() where position == index {
                next = element
            }
        } else {
            next = document.member(named: String(step), of: node)
        }
        guard let next else { return nil }
        node = next
    }
    return document.string(node) ?? String(buffer: document.text(of: node))
}

/// What the chunks of a stream make when a client puts them together.
struct Assembled {
    var content = ""
    var reasoning = ""
    var finishes: [String] = []

    init(_ frames: [String]) {
        for frame in frames {
            if let text = jsonValue(frame, "choices.0.delta.content"), text != "null" { content += text }
            if let text = jsonValue(frame, "choices.0.delta.reasoning_content"), text != "null" { reasoning += text }
            if let text = jsonValue(frame, "choices.0.finish_reason"), text != "null" { finishes.append(text) }
        }
    }
}
