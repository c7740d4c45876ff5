import JSON
import NIOCore

/// The list of models, in OpenAI's shape.
enum ModelList {
    static func answer(created: Int, requestID: String) -> Answer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", .raw("\"list\""))
        writer.key("data")
        writer.beginArray()
        for model in ModelFacts.listed { write(model, created, into: &writer) }
        writer.endArray()
        writer.endObject()
        var answer = Answer(requestID: requestID)
        answer.body = writer.buffer
        return answer
    }

    /// One model, or nil if it is not in the list.
    static func answer(model: String, created: Int, requestID: String) -> Answer? {
        guard ModelFacts.listed.contains(model) else { return nil }
        var writer = JSONWriter()
        write(model, created, into: &writer)
        var answer = Answer(requestID: requestID)
        answer.body = writer.buffer
        return answer
    }

    private static func write(_ model: String, _ created: Int, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", .string(model))
        writer.member("object", .raw("\"model\""))
        writer.member("created", .integer(created))
        writer.member("owned_by", .raw("\"system\""))
        writer.endObject()
    }
}
