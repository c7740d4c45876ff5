import NIOCore

@testable import HTTP

/// Drives an `HTTP1Server` as a connection would, and writes down what happened.
///
/// Consecutive body events are written as one, so that transcripts do not depend on how the input was cut.
struct ServerDriver {
    let server: HTTP1Server
    private(set) var transcript: [String] = []
    private(set) var output = ""
    private(set) var faults: [RequestFault] = []
    private(set) var heads: [RequestHead] = []
    /// Answers every whole request with its path, and every fault with its status.
    var answers = true

    init(limits: HTTPLimits = HTTPLimits()) {
        server = HTTP1Server(limits: limits, scheme: "https")
    }

    mutating func feed(_ bytes: some Collection<UInt8>) throws {
        var input = ByteBuffer(bytes: bytes)
        try server.receive(&input, now: .uptimeNanoseconds(0))
        run()
    }

    mutating func feed(_ text: String) throws { try feed(Array(text.utf8)) }

    /// Works through events and output until there are none.
    mutating func run() {
        var goesOn = true
        while goesOn {
            goesOn = false
            while let event = server.nextEvent() {
                note(event)
                goesOn = true
            }
            if !flush().isEmpty { goesOn = true }
        }
    }

    /// Takes the output that is there.
    @discardableResult
    mutating func flush(limit: Int = 1 << 20) -> String {
        var buffer = ByteBuffer()
        while server.writeOutput(into: &buffer, limit: limit) {}
        let text = String(buffer: buffer)
        output += text
        return text
    }

    mutating func takeOutput() -> String {
        defer { output = "" }
        return output
    }

    mutating func takeTranscript() -> [String] {
        defer { transcript = [] }
        return transcript
    }

    private mutating func note(_ event: ServerEvent) {
        switch event {
        case .head(let id, let head, let hasBody):
            heads.append(head)
            transcript.append(
                "head \(id.rawValue) \(head.method) \(head.authority) \(head.path)\(hasBody ? " +body" : "")")
        case .body(let id, let bytes):
            server.consume(id, bytes.readableBytes)
            let prefix = "body \(id.rawValue) "
            if let last = transcript.last, last.hasPrefix(prefix) {
                transcript[transcript.count - 1] = last + String(buffer: bytes)
            } else {
                transcript.append(prefix + String(buffer: bytes))
            }
        case .end(let id):
            transcript.append("end \(id.rawValue)")
            if answers, let head = heads.last { answer(id, 200, head.path) }
        case .fault(let id, let fault):
            faults.append(fault)
            transcript.append("fault \(id.rawValue) \(fault.status)")
            if answers { answer(id, fault.status, "fault") }
        case .reset(let id): transcript.append("reset \(id.rawValue)")
        case .drained(let id): transcript.append("drained \(id.rawValue)")
        case .closed(let id): transcript.append("closed \(id.rawValue)")
        }
    }

    private func answer(_ id: StreamID, _ status: Int, _ body: String) {
        server.respond(id, ResponseHead(status: status, contentLength: body.utf8.count), end: false)
        server.write(id) { $0.writeString(body) }
        server.end(id)
    }
}

/// The ways in which every input is cut: whole, in two at each byte, and into single bytes.
func cuts(of bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
    var all = [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
    for index in bytes.indices.dropFirst() { all.append([bytes[..<index], bytes[index...]]) }
    return all
}

/// A text with a byte for each character up to U+00FF, so that tests can spell bytes that are not UTF-8.
func latin1(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
}
