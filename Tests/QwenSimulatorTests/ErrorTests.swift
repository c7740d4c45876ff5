import EventStream
import HTTP
import NIOCore
import Testing

@testable import QwenSimulator

/// Every error, in each of the shapes in which it can come.
@Suite(.timeLimit(.minutes(2))) struct ErrorTests {
    @Test func everyErrorComesWithItsStatus() async throws {
        try await SimulatorFixture.run { fixture in
            for error in SimulatedError.all {
                for stream in [true, false] {
                    let reply = try await fixture.chat("error=\(error.name)", stream: stream)
                    #expect(reply.status == error.status, "\(error.name)")
                    #expect(reply.isWhole)
                    switch error.envelope {
                    case .compatible:
                        #expect(reply.value("error.code") == error.code)
                        #expect(reply.value("error.type") == error.type)
                        #expect(reply.value("error.message") == error.message)
                        #expect(reply.value("error.param") == "null")
                    case .text: #expect(reply.value("error") == error.message)
                    case .edge: #expect(reply.text == error.message)
                    default: #expect(reply.value("errorType") == error.code)
                    }
                }
            }
        }
    }

    @Test func statusOverridesAndStandsAlone() async throws {
        try await SimulatorFixture.run { fixture in
            for (status, code) in [
                (401, "invalid_api_key"), (403, "access_denied"), (404, "model_not_found"), (429, "limit_requests"),
                (422, "invalid_parameter_error"), (500, "internal_error"), (503, "ModelUnavailable"),
            ] {
                let reply = try await fixture.chat("status=\(status)")
                #expect(reply.status == status)
                #expect(reply.value("error.code") == code)
            }
            let page = try await fixture.chat("error=html status=403 retry-after=7")
            #expect(page.status == 403)
            #expect(page.fields["content-type"] == "text/html; charset=utf-8")
            #expect(page.fields["retry-after"] == "7")
            let blocked = try await fixture.chat("error=html")
            #expect(blocked.status == 200)
            let empty = try await fixture.chat("error=empty")
            #expect(empty.status == 429)
            #expect(empty.body.readableBytes == 0)
            #expect(empty.fields["content-type"] == nil)
        }
    }

    // MARK: With a status

    @Test func flatEnvelope() async throws {
        try await SimulatorFixture.run { fixture in
            let reply = try await fixture.chat("error=throttling envelope=E2")
            #expect(reply.status == 429)
            #expect(reply.value("code") == "Throttling")
            #expect(reply.value("message") == "Requests throttling triggered.")
            #expect(reply.value("request_id") == reply.fields["x-request-id"])
        }
    }

    @Test func framedEnvelope() async throws {
        try await SimulatorFixture.run { fixture in
            let reply = try await fixture.chat("error=moderation envelope=E3")
            #expect(reply.status == 400)
            #expect(reply.fields["content-type"] == "text/event-stream;charset=UTF-8")
            #expect(reply.text.hasPrefix("data: {"))
            #expect(reply.text.hasSuffix("}\n\n"))
            #expect(jsonValue(reply.frames[0], "error.code") == "data_inspection_failed")
            let named = try await fixture.chat("error=moderation envelope=E3 event-style=named eol=crlf")
            #expect(named.text.hasPrefix("event: error\r\ndata: {"))
            #expect(named.text.hasSuffix("\r\n\r\n"))
            let open = try await fixture.chat("error=moderation envelope=E3 event-style=open")
            #expect(open.text.hasSuffix("}"))
        }
    }

    // MARK: In a stream

    private func stream(_ message: String) async throws -> Reply {
        var reply: Reply?
        try await SimulatorFixture.run { reply = try await $0.chat(message) }
        let found = try #require(reply)
        #expect(found.status == 200)
        #expect(found.isWhole)
        return found
    }

    @Test(arguments: [nil, 0, 2]) func nativeEvent(_ position: Int?) async throws {
        let at = position.map { " at=\($0)" } ?? ""
        let reply = try await stream("chunks=5 error=allocation-quota envelope=E4\(at)")
        #expect(reply.frames.count == (position ?? 0) + (position ?? 0 > 0 ? 2 : 1))
        #expect(reply.text.contains("id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"))
        let event = try #require(reply.events.last)
        #expect(event.status == 429)
        #expect(event.isNamed("error"))
        #expect(jsonValue(String(buffer: event.data), "code") == "Throttling.AllocationQuota")
        #expect(!reply.text.contains("[DONE]"))
    }

    @Test func errorAsFinishChunk() async throws {
        let reply = try await stream("chunks=3 error=serving envelope=E5 at=1")
        #expect(Assembled(reply.frames).finishes == ["error_finish"])
        #expect(Assembled(reply.frames).content.hasSuffix("<500> ModelServingError: " + message("serving")))
        #expect(reply.frames.last == "[DONE]")
    }

    @Test func errorAsText() async throws {
        let reply = try await stream("chunks=3 error=allocation-quota envelope=E6")
        let content = Assembled(reply.frames).content
        #expect(content.hasPrefix("id:1\nevent:error\n:HTTP_STATUS/429\ndata:{"))
        #expect(Assembled(reply.frames).finishes == ["stop"])
    }

    @Test func responsesAndMessagesEvents() async throws {
        let failed = try await stream("error=invalid-parameter envelope=E7")
        #expect(failed.text.hasPrefix("event:response.failed\ndata:{"))
        #expect(jsonValue(failed.frames[0], "response.status") == "failed")
        #expect(jsonValue(failed.frames[0], "response.error.message") == message("invalid-parameter"))
        let event = try await stream("error=throttling envelope=E8 at=1")
        #expect(event.events.last?.isNamed("error") == true)
        let inner = try #require(jsonValue(event.frames.last ?? "", "error.message"))
        #expect(jsonValue(inner, "message") == "Requests throttling triggered.")
    }

    @Test(arguments: ["E1", "E2", "E9", "E10"]) func documentsAsFramesOfAStream(_ envelope: String) async throws {
        let reply = try await stream("chunks=3 error=internal envelope=\(envelope) at=1")
        let last = reply.frames.last ?? ""
        switch envelope {
        case "E1": #expect(jsonValue(last, "error.code") == "internal_error")
        case "E2": #expect(jsonValue(last, "code") == "internal_error")
        case "E9": #expect(jsonValue(last, "error") == message("internal"))
        default: #expect(reply.text.hasSuffix(message("internal")))
        }
        #expect(!reply.text.contains("[DONE]"))
    }

    @Test func streamErrorOfAWholeAnswerHasAStatus() async throws {
        try await SimulatorFixture.run { fixture in
            let reply = try await fixture.chat("error=throttling envelope=E4 at=3", stream: false)
            #expect(reply.status == 429)
            #expect(reply.value("code") == "Throttling")
        }
    }

    private func message(_ name: String) -> String { SimulatedError.named(name)?.message ?? "" }
}
