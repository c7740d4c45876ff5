import NIOCore
import Testing

@testable import Telemetry

@Suite struct AccessLogTests {
    static var full: AccessRecord {
        AccessRecord(
            time: .fixed, requestID: "req_0123456789abcdefghjkmnpq", client: "2001:db8::1", key: "env-1",
            method: "POST",
            path: "/v1/chat/completions?api_key=sk-in-the-query", status: 200, httpVersion: "HTTP/2",
            tlsVersion: "TLSv1.3",
            model: "qwen3-coder-plus", stream: true, bytesIn: 331, bytesOut: 40_213, upstreamStatus: 200,
            upstreamTime: .microseconds(81_234), firstByteTime: .nanoseconds(82_000_999), duration: .seconds(61),
            outcome: .completed)
    }

    static var sparse: AccessRecord {
        AccessRecord(
            time: .fixed, requestID: "a", client: "192.0.2.7", method: "GET", path: "/", httpVersion: "HTTP/1.1",
            duration: .nanoseconds(999), outcome: .clientCancelled, errorCode: "client_closed")
    }

    static func line(_ record: borrowing AccessRecord, format: LogFormat, secrets: [String] = []) -> String {
        LogPipe.capture(format: format) { sink in
            let log = AccessLog(sink: sink, redactor: SecretRedactor(secrets))
            log.append(record, now: .now())
            log.flush()
        }
    }

    @Test func fullLineInJSON() {
        #expect(
            Self.line(Self.full, format: .json) == #"""
                {"time":"2026-08-05T12:34:56.789Z","level":"info","msg":"access",\#
                "request_id":"req_0123456789abcdefghjkmnpq","client":"2001:db8::1","key":"env-1","method":"POST",\#
                "path":"/v1/chat/completions","status":200,"protocol":"HTTP/2","tls":"TLSv1.3",\#
                "model":"qwen3-coder-plus","stream":true,"bytes_in":331,"bytes_out":40213,"upstream_status":200,\#
                "upstream_ms":81.234,"first_byte_ms":82.000,"duration_ms":61000.000,"outcome":"completed"}

                """#)
    }

    @Test func sparseLineInJSON() {
        #expect(
            Self.line(Self.sparse, format: .json) == #"""
                {"time":"2026-08-05T12:34:56.789Z","level":"info","msg":"access","request_id":"a",\#
                "client":"192.0.2.7","method":"GET","path":"/","protocol":"HTTP/1.1","bytes_in":0,"bytes_out":0,\#
                "duration_ms":0.000,"outcome":"client_cancelled","error_code":"client_closed"}

                """#)
    }

    @Test func fullLineInText() {
        #expect(
            Self.line(Self.full, format: .text) == """
                2026-08-05T12:34:56.789Z info access request_id=req_0123456789abcdefghjkmnpq client=2001:db8::1 \
                key=env-1 method=POST path=/v1/chat/completions status=200 protocol=HTTP/2 tls=TLSv1.3 \
                model=qwen3-coder-plus stream=true bytes_in=331 bytes_out=40213 upstream_status=200 \
                upstream_ms=81.234 first_byte_ms=82.000 duration_ms=61000.000 outcome=completed

                """)
    }

    @Test func outcomesHaveTheirNames() {
        #expect(
            Outcome.allCases.map(\.rawValue) == [
                "completed", "client_cancelled", "upstream_truncated", "upstream_error", "upstream_timeout", "rejected",
                "timeout", "internal_error", "shutdown",
            ])
    }

    @Test(
        arguments: [LogFormat.json, .text],
        [
            "x\",\"outcome\":\"completed", "a\nb", "a\r\nb", "a b=c", "\u{1B}[31mred", "\u{9B}31m", "nul\0nul",
            "back\\slash",
            "\u{202E}reversed", "\u{2028}", "\u{FEFF}", "\u{7F}", "tab\tbed", "", "通义千问", "𝄞", " outcome=completed",
        ])
    func nothingInAValueLeavesIt(format: LogFormat, value: String) throws {
        var record = Self.full
        record.requestID = value
        record.client = value
        record.key = value
        record.method = value
        record.path = value
        record.model = value
        record.errorCode = value
        let text = Self.line(record, format: format)

        #expect(text.hasSuffix("\n") && !text.dropLast().contains(where: \.isNewline), "one line")
        #expect(text.dropLast().unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        #expect(!text.unicodeScalars.contains { ["\u{202E}", "\u{2028}", "\u{FEFF}"].contains($0) })
        if format == .json {
            let object = try parsed(text)
            for name in ["request_id", "client", "key", "method", "path", "model", "error_code"] {
                #expect((object[name] as? String)?.utf8.elementsEqual(value.utf8) == true)
            }
            #expect(object["outcome"] as? String == "completed")
            #expect(object.count == 21)
        } else {
            // A field begins at each space outside of quotes.
            var isQuoted = false
            var isEscaped = false
            var spaces = 0
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                if byte == UInt8(ascii: " "), !isQuoted { spaces += 1 }
            }
            #expect(!isQuoted)
            #expect(spaces == 20)
        }
    }

    @Test func secretsInFieldsOfTheClientAreReplaced() {
        let secret = "sk-0123456789abcdef"
        var record = Self.full
        record.path = "/v1/\(secret)/x?\(secret)"
        record.model = secret
        record.requestID = "\(secret)\(secret)"
        let text = Self.line(record, format: .json, secrets: [secret])
        #expect(!text.contains(secret))
        #expect(text.contains(#""path":"/v1/[redacted]/x""#))
        #expect(text.contains(#""model":"[redacted]""#))
        #expect(text.contains(#""request_id":"[redacted][redacted]""#))
    }

    // MARK: Coalescing

    @Test func linesWaitForTimeOrSize() {
        let pipe = LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: .json)
        let log = AccessLog(sink: sink, redactor: SecretRedactor())
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        #expect(log.flushDue == nil)

        log.append(Self.sparse, now: start)
        #expect(log.flushDue == start + .milliseconds(100))
        log.append(Self.sparse, now: start + .milliseconds(99))
        log.tick(now: start + .milliseconds(99))
        #expect(log.flushDue == start + .milliseconds(100), "the oldest line counts")
        log.tick(now: start + .milliseconds(100))
        #expect(log.flushDue == nil)

        log.append(Self.sparse, now: start)
        log.append(Self.sparse, now: start + .milliseconds(100))
        #expect(log.flushDue == nil, "a line is as good as a tick")

        let size = Self.line(Self.sparse, format: .json).utf8.count
        for _ in 0..<(LogBuffer.sizeLimit / size) { log.append(Self.sparse, now: start) }
        #expect(log.flushDue != nil)
        log.append(Self.sparse, now: start)
        #expect(log.flushDue == nil, "a full buffer is handed over at once")

        #expect(sink.close(within: .seconds(30)))
        pipe.closeWriteEnd()
        #expect(pipe.readAll().split(separator: "\n").count == 5 + LogBuffer.sizeLimit / size)
    }

    @Test func secretsRegisteredLaterAreFoundFromTheNextBatchOn() {
        let secret = "token-that-came-later"
        let redactor = SecretRedactor()
        var record = Self.sparse
        record.path = "/\(secret)"
        let text = LogPipe.capture { sink in
            let log = AccessLog(sink: sink, redactor: redactor)
            redactor.register([secret])
            log.append(Self.sparse, now: .now())
            log.flush()
            log.append(record, now: .now())
            log.flush()
        }
        #expect(text.contains("/[redacted]"))
        #expect(!text.contains(secret))
    }
}
