import JSON
import NIOCore

/// Answers embedding requests with vectors that depend on nothing but the text, the model and the dimensions.
enum Embeddings {
    /// What a model of this kind takes.
    private struct Facts {
        var dimensions: [Int]
        var byDefault = 1024
        var batch = 10
    }

    private static func facts(_ model: String) -> Facts? {
        switch model {
        case "text-embedding-v4": Facts(dimensions: [2048, 1536, 1024, 768, 512, 256, 128, 64])
        case "text-embedding-v3": Facts(dimensions: [1024, 768, 512, 256, 128, 64])
        case "qwen3.7-text-embedding": Facts(dimensions: [2560, 2048, 1536, 1024, 768, 512, 256], batch: 20)
        default: nil
        }
    }

    /// - Parameter document: a text that was scanned, with an object at its root.
    static func answer(to document: borrowing JSONDocument, requestID: String) -> Answer {
        let root = document.root
        let model = document.member("model", of: root).flatMap { document.string($0) } ?? ""
        guard let facts = facts(model) else {
            return SimulatedError(
                refusing: "The model \(model) does not exist or you do not have access to it.", status: 404,
                code: "model_not_found"
            ).answer(requestID: requestID)
        }
        let texts = texts(document)
        guard let texts, !texts.isEmpty else {
            return refusal("Value error, contents is neither str nor list of str.: input.contents", requestID)
        }
        guard texts.count <= facts.batch else {
            return refusal(
                "Value error, batch size is invalid, it should not be larger than \(facts.batch).", requestID)
        }
        let asked = document.member("dimensions", of: root).flatMap { document.integer($0) }
        let dimensions = asked ?? facts.byDefault
        guard facts.dimensions.contains(dimensions) else {
            let list = facts.dimensions.map(String.init).joined(separator: ", ")
            return refusal("Value error, dimension should be in [\(list)]: parameters.dimension", requestID)
        }
        var answer = Answer(requestID: requestID)
        answer.body = body(texts, model, dimensions, requestID)
        return answer
    }

    private static func refusal(_ message: String, _ requestID: String) -> Answer {
        SimulatedError(refusing: message, code: "InvalidParameter", type: "InvalidParameter")
            .answer(requestID: requestID)
    }

    /// The texts of `input`, or nil if it is neither a string nor an array of strings.
    private static func texts(_ document: borrowing JSONDocument) -> [String]? {
        guard let input = document.member("input", of: document.root) else { return nil }
        if let text = document.string(input) { return [text] }
        guard document.kind(of: input) == .array else { return nil }
        var texts: [String] = []
        for element in document.elements(of: input) {
            guard let text = document.string(element) else { return nil }
            texts.append(text)
        }
        return texts
    }

    private static func body(_ texts: [String], _ model: String, _ dimensions: Int, _ requestID: String) -> ByteBuffer {
        var writer = JSONWriter()
        var tokens = 0
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        for (index, text) in texts.enumerated() {
            tokens += text.utf8.count / 4 + 1
            writer.beginObject()
            writer.key("embedding")
            writer.beginArray()
            for value in vector(text, dimensions) { writer.value(.double(value)) }
            writer.endArray()
            writer.member("index", .integer(index))
            writer.member("object", .raw("\"embedding\""))
            writer.endObject()
        }
        writer.endArray()
        writer.member("model", .string(model))
        writer.member("object", .raw("\"list\""))
        writer.key("usage")
        writer.beginObject()
        writer.member("prompt_tokens", .integer(tokens))
        writer.member("total_tokens", .integer(tokens))
        writer.endObject()
        writer.member("id", .string(requestID))
        writer.endObject()
        return writer.buffer
    }

    /// A vector of length 1: the same for the same text.
    static func vector(_ text: String, _ dimensions: Int) -> [Double] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        var values: [Double] = []
        var squares = 0.0
        for index in 0..<dimensions {
            let drawn = AdmissionBehaviour.mix(state &+ UInt64(index))
            let value = Double(drawn >> 11) / Double(1 << 53) * 2 - 1
            values.append(value)
            squares += value * value
        }
        let length = squares.squareRoot()
        return values.map { (($0 / length) * 1e8).rounded() / 1e8 }
    }
}
