package import JSON
package import NIOCore

/// A chat completion request (`POST /v1/chat/completions`), made ready for Qwen.
///
/// The body is the client's own, byte for byte, but for what had to be spliced in or cut out: Qwen speaks this
/// dialect, with the exceptions that `ThinkingPlan` and the methods here deal with. Only what the gateway interprets is
/// checked; everything else is Qwen's to judge, and its words reach the client.
package struct ChatRequest: Sendable {
    /// The form that a way into Qwen expects.
    package enum Shape: Sendable {
        /// Model Studio's compatible mode: OpenAI's form.
        case compatible
        /// The portal's: one leading system message in array form.
        case portal
    }

    /// The model as Qwen names it: the default where the request names none, without the suffix that turns thinking
    /// on or off.
    package let model: String
    /// The client wants an event stream.
    package let isStreaming: Bool
    /// The client wants the usage chunk at the stream's end (`stream_options.include_usage`). Qwen is asked for it in
    /// any case.
    package let includesUsage: Bool
    /// The client wants one document, but Qwen must be asked for a stream: the model may think, which many models do
    /// in streams only and which can outlast the 300 seconds that other answers get, or it always streams. A
    /// `ChatAssembler` makes the document.
    package let mustStream: Bool
    /// The body in the compatible shape.
    package let body: ByteBuffer

    /// Whether Qwen is asked for an event stream.
    package var isStreamedUpstream: Bool { isStreaming || mustStream }

    /// Checks and translates a request's body.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the request as the client sent it afterwards.
    ///   - defaultModel: used when the request names none; it may have a suffix too.
    ///   - aliases: names that stand for others.
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, defaultModel: String, aliases: ModelAliases = .none
    ) throws(InvalidRequest) {
        try document.scanRequestObject(text)
        let fields = ChatRequestFields(document)
        try Self.adaptMessages(fields, in: &document)
        let name = try Self.adaptModel(fields, defaultModel, aliases, in: &document)
        let profile = ModelProfile(of: name.plain)
        let wantsJSON = try Self.adaptResponseFormat(fields, in: &document)
        let plan = try Self.adaptOptions(fields, name, profile, wantsJSON: wantsJSON, in: &document)

        model = name.plain
        isStreaming = try document.flag(fields.stream, "stream") ?? false
        mustStream = !isStreaming && (plan.thinks || profile.isStreamOnly)
        includesUsage = try Self.adaptStreaming(fields, isStreamed: isStreaming || mustStream, in: &document)
        body = try Self.written(text, &document)
    }

    /// The body in another shape.
    ///
    /// The same request may be tried with credentials of several kinds: a shape is made when it is asked for, from the
    /// compatible one.
    ///
    /// - Parameter document: scratch storage.
    package func body(for shape: Shape, document: inout JSONDocument) -> ByteBuffer {
        switch shape {
        case .compatible: body
        case .portal: PortalShape.applied(to: body, document: &document)
        }
    }

    private static func written(_ text: ByteBuffer, _ document: inout JSONDocument) throws(InvalidRequest) -> ByteBuffer
    {
        guard document.isEdited else { return text }
        var edited = ByteBuffer()
        edited.reserveCapacity(text.readableBytes + 128)
        do {
            try document.write(into: &edited)
        } catch {
            throw InvalidRequest("\(error)")
        }
        return edited
    }
}

// MARK: - Model and streaming

extension ChatRequest {
    /// Puts in the default model, and takes the suffix off.
    private static func adaptModel(
        _ fields: ChatRequestFields, _ defaultModel: String, _ aliases: ModelAliases, in document: inout JSONDocument
    ) throws(InvalidRequest) -> ModelName {
        let given = document.given(fields.model)
        if let given, document.kind(of: given) != .string {
            throw InvalidRequest("'model' must be a string.", param: "model")
        }
        let asked = given.flatMap { document.string($0) } ?? ""
        var name = ModelName(aliases.resolve(asked))
        if name.plain.isEmpty {
            let fallback = ModelName(aliases.resolve(defaultModel))
            name = ModelName(plain: fallback.plain, thinking: name.thinking ?? fallback.thinking)
        }
        if let node = fields.model {
            if name.plain != asked { document.replace(node, with: .string(name.plain)) }
        } else {
            document.append("model", .string(name.plain), to: document.root)
        }
        return name
    }

    /// Has Qwen stream, with usage, for the gateway keeps account of it; or takes out the options of streams.
    ///
    /// - Returns: whether the client asked for usage.
    private static func adaptStreaming(
        _ fields: ChatRequestFields, isStreamed: Bool, in document: inout JSONDocument
    ) throws(InvalidRequest) -> Bool {
        let root = document.root
        var includesUsage = false
        let options = document.given(fields.streamOptions)
        if let options {
            guard document.kind(of: options) == .object else {
                throw InvalidRequest("'stream_options' must be an object.", param: "stream_options")
            }
            try document.checkUniqueKeys(of: options, param: "stream_options")
            includesUsage = try document.flag(document.member("include_usage", of: options), "include_usage") ?? false
        }
        guard isStreamed else {
            // Qwen refuses them without a stream.
            if let options { document.remove(options, from: root) }
            return includesUsage
        }
        if let stream = fields.stream {
            if document.bool(stream) != true { document.replace(stream, with: .bool(true)) }
        } else {
            document.append("stream", .bool(true), to: root)
        }
        if includesUsage { return true }
        if let options {
            if let flag = document.member("include_usage", of: options) {
                document.replace(flag, with: .bool(true))
            } else {
                document.append("include_usage", .bool(true), to: options)
            }
        } else if let null = fields.streamOptions {
            document.replace(null, with: .raw(#"{"include_usage":true}"#))
        } else {
            document.append("stream_options", .raw(#"{"include_usage":true}"#), to: root)
        }
        return false
    }
}
