import Glibc
import NIOCore
import Testing

@testable import Telemetry

@Suite struct LogSinkTests {
    @Test func linesArriveWholeAndInOrder() {
        let pipe = LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: .json)
        let reader = Thread { pipe.readAll() }
        for number in 0..<20_000 { sink.append(line: "line \(number)") }
        #expect(sink.close(within: .seconds(30)))
        pipe.closeWriteEnd()
        let expected = (0..<20_000).map { "line \($0)\n" }.joined()
        #expect(reader.value == expected)
    }

    @Test func linesOfSeveralThreadsStayWhole() {
        let pipe = LogPipe()
        let sink = LogSink(descriptor: pipe.writeEnd, format: .json)
        let reader = Thread { pipe.readAll() }
        let producers = (0..<4).map { producer in
            Thread { () -> String in
                for number in 0..<2000 { sink.append(line: "\(producer) \(number)") }
                return ""
            }
        }
        for producer in producers { _ = producer.value }
        sink.close(within: .seconds(30))
        pipe.closeWriteEnd()
        let lines = reader.value.split(separator: "\n")
        for producer in 0..<4 {
            let own = lines.filter { $0.hasPrefix("\(producer) ") }
            #expect(own.map(String.init) == (0..<2000).map { "\(producer) \($0)" })
        }
        #expect(lines.count == 8000)
    }

    @Test(arguments: [LogFormat.json, .text]) func stalledReaderCostsLinesThatAreCounted(format: LogFormat) throws {
        let pipe = LogPipe(capacity: 4096)
        let sink = LogSink(descriptor: pipe.writeEnd, format: format, backlogLimit: 16 * 1024, time: { .fixed })
        // A producer is never held up: nobody reads, and this loop ends.
        for number in 0..<1000 { sink.append(line: "line \(number) " + String(repeating: ".", count: 100)) }
        #expect(!sink.flush(within: .milliseconds(10)), "the writer is stuck in its write")

        let reader = Thread { pipe.readAll() }
        #expect(sink.flush(within: .seconds(30)))
        sink.append(line: "after")
        #expect(sink.close(within: .seconds(30)))
        pipe.closeWriteEnd()

        let lines = reader.value.split(separator: "\n").map(String.init)
        let kept = lines.filter { $0.hasPrefix("line ") }
        #expect(kept.count > 100 && kept.count < 200, "about 20 KiB of 110 bytes each")
        #expect(kept == (0..<kept.count).map { "line \($0) " + String(repeating: ".", count: 100) })
        let report =
            format == .json
            ? #"{"time":"2026-08-05T12:34:56.789Z","level":"warning","msg":"log lines lost","lines":\#(1000 - kept.count)}"#
            : "2026-08-05T12:34:56.789Z warning log lines lost lines=\(1000 - kept.count)"
        #expect(lines.dropFirst(kept.count) == [report, "after"])
    }

    @Test func lossIsReportedBeforeTheNextLineThatFits() {
        let text = LogPipe.capture { sink in
            sink.append([UInt8](repeating: 0x2E, count: LogSink.backlogLimit + 1), count: 7)
            sink.append(line: "next")
        }
        #expect(
            text == #"""
                {"time":"2026-08-05T12:34:56.789Z","level":"warning","msg":"log lines lost","lines":7}
                next

                """#)
    }

    @Test func aReaderThatLeavesEndsTheLogAndNothingElse() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        #expect(unsafe pipe(&ends) == 0)
        close(ends[0])
        let sink = LogSink(descriptor: ends[1], format: .json)
        for _ in 0..<3 {
            sink.append(line: "to nobody")
            #expect(sink.flush(within: .seconds(30)))
        }
        #expect(sink.close(within: .seconds(30)))
        close(ends[1])
    }

    @Test func descriptorThatDoesNotBlockIsWaitedFor() {
        let pipe = LogPipe(capacity: 4096)
        _ = fcntl(pipe.writeEnd, F_SETFL, O_NONBLOCK)
        let sink = LogSink(descriptor: pipe.writeEnd, format: .json)
        for number in 0..<2000 { sink.append(line: "line \(number)") }
        #expect(!sink.flush(within: .milliseconds(10)))
        let reader = Thread { pipe.readAll() }
        #expect(sink.close(within: .seconds(30)))
        pipe.closeWriteEnd()
        #expect(reader.value == (0..<2000).map { "line \($0)\n" }.joined())
    }

    @Test func closingDoesNotWaitForAStalledReaderForever() {
        let pipe = LogPipe(capacity: 4096)
        let sink = LogSink(descriptor: pipe.writeEnd, format: .json)
        for number in 0..<2000 { sink.append(line: "line \(number)") }
        #expect(!sink.close(within: .milliseconds(10)))
        // The writer lets go of the descriptor before the pipe does.
        let reader = Thread { pipe.readAll() }
        #expect(sink.flush(within: .seconds(30)))
        pipe.closeWriteEnd()
        #expect(reader.value.hasSuffix("line 1999\n"))
    }

    @Test func closedSinkTakesNothing() {
        let text = LogPipe.capture { sink in
            sink.append(line: "before")
            sink.close(within: .seconds(30))
            sink.append(line: "after")
        }
        #expect(text == "before\n")
    }
}

/// A thread that works out a value.
private final class Thread: @unchecked Sendable {
    private let body: @Sendable () -> String
    private var result = ""
    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> String) {
        self.body = body
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let thread = unsafe Unmanaged<Thread>.fromOpaque(context).takeUnretainedValue()
                thread.result = thread.body()
                return nil
            }, context)
        precondition(status == 0)
    }

    /// Waits for the value.
    var value: String {
        pthread_join(thread, nil)
        return result
    }
}
