import Logging
import Testing

@testable import Telemetry

@Suite struct SinkLogHandlerTests {
    static func logged(
        format: LogFormat = .json, secrets: [String] = [], level: Logger.Level = .trace,
        provider: Logger.MetadataProvider? = nil, _ body: (inout Logger) -> Void
    ) -> String {
        LogPipe.capture(format: format) { sink in
            var logger = Logger(label: "test") { _ in
                var handler = SinkLogHandler(
                    sink: sink, redactor: SecretRedactor(secrets), logLevel: level, time: { .fixed })
                handler.metadataProvider = provider
                return handler
            }
            body(&logger)
        }
    }

    @Test func plainEvent() {
        #expect(
            Self.logged { $0.notice("listening") }
                == #"{"time":"2026-08-05T12:34:56.789Z","level":"notice","msg":"listening"}"# + "\n")
        #expect(
            Self.logged(format: .text) { $0.notice("listening on all") }
                == "2026-08-05T12:34:56.789Z notice listening on all\n")
    }

    @Test func levelFilters() {
        let text = Self.logged(level: .warning) { logger in
            logger.info("no")
            logger.error("yes")
            logger.logLevel = .info
            logger.info("now")
        }
        #expect(text.split(separator: "\n").count == 2)
        #expect(!text.contains("\"no\""))
    }

    @Test func metadataIsMergedAndSorted() {
        let provider = Logger.MetadataProvider { ["a": "provider", "c": "provider"] }
        let text = Self.logged(provider: provider) { logger in
            logger[metadataKey: "a"] = "logger"
            logger[metadataKey: "z"] = "logger"
            logger.info("x", metadata: ["c": "event", "b": "event"])
        }
        #expect(text.hasSuffix(#""msg":"x","a":"provider","b":"event","c":"event","z":"logger"}"# + "\n"))
    }

    @Test func structuredMetadata() {
        let metadata: Logger.Metadata = [
            "array": ["one", .stringConvertible(2), .stringConvertible(true), .array([])],
            "dictionary": ["b\"": "\n", "a": [:]],
            "number": .stringConvertible(-7),
            "other": .stringConvertible(1.5),
        ]
        let fields =
            #""array":["one",2,true,[]],"dictionary":{"a":{},"b\"":"\n"},"number":-7,"other":"1.5""#
        #expect(Self.logged { $0.info("x", metadata: metadata) }.hasSuffix(#""msg":"x",\#(fields)}"# + "\n"))
        #expect(
            Self.logged(format: .text) { $0.info("x", metadata: metadata) }.hasSuffix(
                #" x array=["one",2,true,[]] dictionary={"a":{},"b\"":"\n"} number=-7 other="1.5""# + "\n"))
    }

    @Test func metadataCannotTakeTheNameOfAnotherField() throws {
        let text = Self.logged { $0.info("real", metadata: ["msg": "x", "time": "x", "level": "x", "error": "x"]) }
        let object = try parsed(text)
        #expect(object["msg"] as? String == "real")
        #expect(object["_msg"] as? String == "x")
        #expect(object["level"] as? String == "info")
        #expect(object.count == 7)
    }

    @Test func errorIsAField() {
        struct Failure: Error, CustomStringConvertible { var description: String { "broke \"here\"\n" } }
        #expect(
            Self.logged { $0.error("failed", error: Failure()) }
                .hasSuffix(#""msg":"failed","error":"broke \"here\"\n"}"# + "\n"))
    }

    @Test(arguments: [LogFormat.json, .text]) func injectedLinesStayInside(format: LogFormat) {
        let attack = "x\n{\"time\":\"2026\",\"level\":\"info\",\"msg\":\"forged\"}\r\u{85}\u{2028}\u{1B}[2J"
        let text = Self.logged(format: format) { $0.info("\(attack)", metadata: ["\(attack)": "\(attack)"]) }
        #expect(text.dropLast().unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F })
        #expect(text.hasSuffix("\n"))
    }

    @Test func fieldsCannotBeForgedThroughTheMessage() {
        #expect(
            Self.logged(format: .text) { $0.info("done outcome=completed") }.hasSuffix(
                " info \"done outcome=completed\"\n"))
    }

    @Test(arguments: [LogFormat.json, .text]) func secretsAreReplacedEverywhere(format: LogFormat) {
        struct Failure: Error, CustomStringConvertible { var description: String { "key very-secret-key refused" } }
        let secret = "very-secret-key"
        let text = Self.logged(format: format, secrets: [secret]) { logger in
            logger.error(
                "key \(secret)", error: Failure(),
                metadata: [
                    secret: "name", "value": "\(secret)", "array": ["\(secret)"], "nested": [secret: ["\(secret)\n"]],
                    "other": .stringConvertible(Substring(secret)),
                ])
        }
        #expect(!text.contains(secret))
        #expect(text.split(separator: "[redacted]", omittingEmptySubsequences: false).count - 1 == 8)
    }
}
