import HTTP
import JSON
import NIOCore

/// What is served under `/simulator/`: the state is read and the behaviour changed while the simulator runs.
///
/// It is on the same listener and knows no key: the simulator is for the machine that it runs on.
enum ControlEndpoint {
    private static let help = """
        GET  /simulator/state                    calls and tokens, counted
        GET  /simulator/requests?last=N          the last requests, as they came
        GET  /simulator/behaviour                the switches that are set
        POST /simulator/behaviour                sets the switches in the body: error=throttling times=2
        POST /simulator/keys                     lets in the key in the body, with the switches behind it
        POST /simulator/reset                    back to the start: behaviour, counts of keys, records
        POST /simulator/approve?user_code=CODE   approves a login, or all that wait
        POST /simulator/deny?user_code=CODE      denies it
        POST /simulator/expire                   lets all access tokens expire
        POST /simulator/revoke                   makes all tokens invalid

        """

    /// - Parameters:
    ///   - path: what follows `/simulator`, with the query.
    ///   - now: milliseconds.
    static func answer(
        _ head: RequestHead, path: Substring, body: ByteBuffer, state: SimulatorState, now: Int, requestID: String
    ) -> Answer {
        let parts = path.split(separator: "?", maxSplits: 1)
        let name = parts.first ?? ""
        let query = FormFields(parts.count > 1 ? parts[1] : "")
        var answer = Answer(requestID: requestID)
        switch (head.method, name) {
        case ("GET", ""), ("GET", "/"):
            answer.contentType = "text/plain; charset=utf-8"
            answer.body = ByteBuffer(string: help)
        case ("GET", "/state"): answer.body = stateDocument(state, now)
        case ("GET", "/requests"):
            answer.body = requestsDocument(state, last: query["last"].flatMap { Int($0) } ?? .max)
        case ("GET", "/behaviour"): answer.body = switchesDocument(state)
        case ("POST", "/behaviour"):
            return change(state, requestID) { (value) throws(SwitchError) in
                try value.apply(String(buffer: body))
            }
        case ("POST", "/keys"):
            return change(state, requestID) { (value) throws(SwitchError) in
                try value.setKey(String(buffer: body))
            }
        case ("POST", "/reset"):
            state.reset()
            answer.body = switchesDocument(state)
        case ("POST", "/approve"), ("POST", "/deny"):
            let count = state.withOAuth { $0.decide(query["user_code"], approve: name == "/approve") }
            let isPerson = head.fields["accept"]?.contains("text/html") == true
            guard !isPerson else {
                return LoginPage.decided(count, approved: name == "/approve", requestID: requestID)
            }
            answer.body = ByteBuffer(string: #"{"decided":\#(count)}"#)
        case ("POST", "/expire"):
            state.withOAuth { $0.expireAccessTokens() }
            answer.body = ByteBuffer(string: "{}")
        case ("POST", "/revoke"):
            state.withOAuth { $0.revoke() }
            answer.body = ByteBuffer(string: "{}")
        default:
            answer.status = 404
            answer.contentType = "text/plain; charset=utf-8"
            answer.body = ByteBuffer(string: help)
        }
        return answer
    }

    private static func change(
        _ state: SimulatorState, _ requestID: String,
        _ body: (inout SimulatorBehaviour) throws(SwitchError) -> Void
    ) -> Answer {
        var answer = Answer(requestID: requestID)
        do throws(SwitchError) {
            try state.update(body)
            answer.body = switchesDocument(state)
        } catch {
            answer.status = 400
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("error", .string(error.description))
            writer.endObject()
            answer.body = writer.buffer
        }
        return answer
    }

    // MARK: Documents

    private static func switchesDocument(_ state: SimulatorState) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("switches")
        writer.beginArray()
        for entry in state.readBehaviour().switches { writer.value(.string(entry)) }
        writer.endArray()
        writer.endObject()
        return writer.buffer
    }

    private static func stateDocument(_ state: SimulatorState, _ now: Int) -> ByteBuffer {
        let calls = state.counters.read()
        let (counts, open) = state.withOAuth { ($0.counts, $0.openLogins(now: now)) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("calls")
        write(
            [
                ("active", calls.active), ("started", calls.started), ("completed", calls.completed),
                ("cancelled", calls.cancelled),
            ], into: &writer)
        writer.key("login")
        write(
            [
                ("logins", counts.logins), ("polls", counts.polls), ("granted", counts.granted),
                ("refreshes", counts.refreshes), ("refreshes_refused", counts.refreshesRefused),
                ("reused", counts.reused),
            ], into: &writer)
        writer.key("open_logins")
        writer.beginArray()
        for code in open { writer.value(.string(code)) }
        writer.endArray()
        // Keys are told by their ends: they may be real ones.
        writer.key("keys")
        writer.beginObject()
        for (key, calls) in state.ledger.read().sorted(by: { $0.key < $1.key }) {
            writer.key(key.utf8.count > 8 ? "…\(key.suffix(4))" : key)
            write([("calls", calls.calls), ("refused", calls.refused), ("active", calls.active)], into: &writer)
        }
        writer.endObject()
        writer.endObject()
        return writer.buffer
    }

    private static func write(_ counts: [(name: String, value: Int)], into writer: inout JSONWriter) {
        writer.beginObject()
        for (name, value) in counts { writer.member(name, .integer(value)) }
        writer.endObject()
    }

    private static func requestsDocument(_ state: SimulatorState, last: Int) -> ByteBuffer {
        var writer = JSONWriter()
        writer.beginArray()
        for request in state.recorder.read().suffix(max(0, last)) {
            writer.beginObject()
            writer.member("number", .integer(request.number))
            writer.member("method", .string(request.head.method))
            writer.member("path", .string(request.head.path))
            writer.member("authority", .string(request.head.authority))
            writer.member("version", .string(request.head.version.rawValue))
            writer.member("whole", .bool(request.isWhole))
            writer.member("body_size", .integer(request.bodySize))
            writer.key("fields")
            writer.beginArray()
            let fields = request.head.fields
            for index in 0..<fields.count {
                writer.beginArray()
                writer.value(.string(fields.name(at: index)))
                writer.value(.string(fields.value(at: index)))
                writer.endArray()
            }
            writer.endArray()
            writer.key("body")
            writer.value(utf8: request.body.readableBytesSpan)
            writer.endObject()
        }
        writer.endArray()
        return writer.buffer
    }
}
