package import JSON
package import NIOCore

/// A text completion request (`POST /v1/completions`, OpenAI's older dialect), divided into calls of Qwen.
///
/// Each choice is a call of its own: Qwen answers one prompt at a time, and few of its models know `n`. The calls may
/// be sent in any order and at the same time; a `CompletionAssembler` or a `CompletionStream` joins the answers.
///
/// - A prompt becomes the one message of a user. Prompts are copied as they are written. Tokens are refused: they are
///   those of OpenAI's models.
/// - `suffix` is honoured by the models that `FillInTheMiddle` knows, and refused with all others.
/// - `max_tokens` is 16 unless the request says otherwise, as OpenAI documents.
/// - A model that thinks unless told not to is told not to: this dialect has no place for thoughts, and a client that
///   wants them thought all the same says so (`enable_thinking`, `reasoning_effort`, a model's suffix).
/// - `best_of` has so many candidates written and gives the `n` whose tokens were the most probable; where a model
///   gives no probabilities, the first `n`. As OpenAI has it, it must not be less than `n`, and more than `n` can't be
///   streamed.
/// - `seed` is counted up from candidate to candidate of a prompt, which would all be the same otherwise.
/// - `echo` repeats the prompt in front of the text; not together with `logprobs`, as Qwen gives none for prompts.
/// - Unknown fields are passed on with each call.
package struct CompletionRequest: Sendable {
    /// What the calls go to.
    package enum Endpoint: Sendable, Equatable {
        /// Bodies are chat completion requests; they have yet to go through `ChatRequest`.
        case chat
        /// Bodies go as they are to the provider's `completions`.
        case completions
    }

    /// The most calls of a request; OpenAI's limit to `n`.
    package static let mostCalls = 128
    private static let defaultMaxTokens = 16
    private static let mostLogprobs = 5

    /// The model as Qwen names it, without the suffix that turns thinking on or off.
    package let model: String
    package let endpoint: Endpoint
    /// The client wants an event stream.
    package let isStreaming: Bool
    /// The client wants the usage chunk at the stream's end (`stream_options.include_usage`).
    package let includesUsage: Bool
    /// The bodies of the calls: those of the first prompt, of the second, and so on.
    package let bodies: [ByteBuffer]

    /// How many choices each prompt gets (`n`), and how many calls are made for them (`best_of`).
    let choicesPerPrompt: Int
    let candidatesPerPrompt: Int
    let wantsLogprobs: Bool
    /// What is repeated in front of each prompt's text, as it is written in JSON without quotation marks; nil without
    /// `echo`.
    let echoes: [ByteBuffer]?

    /// Checks a request's body and plans the calls.
    ///
    /// - Parameters:
    ///   - document: scratch storage; it holds the request as the client sent it afterwards.
    ///   - defaultModel: used when the request names none; it may have a suffix too.
    ///   - aliases: names that stand for others.
    package init(
        _ text: ByteBuffer, document: inout JSONDocument, defaultModel: String, aliases: ModelAliases = .none
    ) throws(InvalidRequest) {
        try document.scanRequestObject(text)
        let fields = CompletionFields(document)
        if let foreign = fields.foreign {
            let name = document.string(foreign.key) ?? ""
            throw InvalidRequest(
                "'\(name)' is no parameter of completions: use /v1/chat/completions.", param: name,
                code: "unknown_parameter")
        }
        let asked = try document.stringMember(fields.model, "model") ?? ""
        let resolved = aliases.resolve(asked)
        let name = ModelName(resolved)
        let fallback = ModelName(aliases.resolve(defaultModel))
        model = name.plain.isEmpty ? fallback.plain : name.plain

        let prompts = try CompletionPrompts.read(fields.prompt, in: document)
        isStreaming = try document.flag(fields.stream, "stream") ?? false
        includesUsage = try Self.includesUsage(fields, in: document)
        choicesPerPrompt = try document.integerMember(fields.n, "n", in: 1...Self.mostCalls) ?? 1
        candidatesPerPrompt = try Self.bestOf(
            fields, n: choicesPerPrompt, prompts: prompts.count, isStreaming: isStreaming, in: document)
        let logprobs = try document.integerMember(fields.logprobs, "logprobs", in: 0...Self.mostLogprobs)
        wantsLogprobs = logprobs != nil
        let echo = try document.flag(fields.echo, "echo") ?? false
        if echo, wantsLogprobs {
            throw InvalidRequest(
                "'echo' can't be combined with 'logprobs': Qwen gives no log probabilities of prompts.", param: "echo")
        }
        echoes = echo ? prompts : nil

        var body = CompletionBody()
        body.suffix = try Self.suffix(fields, in: document)
        let fill = FillInTheMiddle(model: model)
        if body.suffix != nil, fill == nil {
            throw InvalidRequest(
                """
                The model '\(InvalidRequest.shown(model))' can't fill in text in front of a 'suffix'. Models \
                that can: qwen3-coder-*, qwen-coder-turbo, qwen2.5-coder-*.
                """, param: "suffix", code: "unsupported_value")
        }
        let isFilling = body.suffix != nil || (fill != nil && prompts.contains { FillInTheMiddle.isMarked($0) })
        body.fill = isFilling ? fill : nil
        endpoint = body.fill == .completions ? .completions : .chat
        body.model = endpoint == .completions ? model : (name.plain.isEmpty ? asked : resolved)
        body.seed = document.given(fields.seed).map { document.text(of: $0) }
        let needsLogprobs = candidatesPerPrompt > choicesPerPrompt
        let maxTokens = try document.integerMember(fields.maxTokens, "max_tokens", in: 1...Int.max)
        body.writeOptions(
            maxTokens: maxTokens ?? (fields.limitsCompletionTokens ? nil : Self.defaultMaxTokens),
            logprobs: logprobs ?? (needsLogprobs ? 0 : nil), isStreaming: isStreaming)
        let thinking = (name.thinking ?? fallback.thinking) != nil || fields.speaksOfThinking
        if endpoint == .chat, !thinking, ModelProfile(of: model).thinking == .hybrid(byDefault: true) {
            body.options.writeStaticString(",\"enable_thinking\":false")
        }
        for member in fields.others { document.copyMember(member, into: &body.options) }
        bodies = body.bodies(prompts, candidates: candidatesPerPrompt)
    }

    /// The prompt that a call answers.
    func prompt(of call: Int) -> Int { call / candidatesPerPrompt }

    private static func includesUsage(
        _ fields: CompletionFields, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Bool {
        guard let options = document.given(fields.streamOptions) else { return false }
        guard document.kind(of: options) == .object else {
            throw InvalidRequest("'stream_options' must be an object.", param: "stream_options")
        }
        try document.checkUniqueKeys(of: options, param: "stream_options")
        return try document.flag(document.member("include_usage", of: options), "include_usage") ?? false
    }

    private static func bestOf(
        _ fields: CompletionFields, n: Int, prompts: Int, isStreaming: Bool, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> Int {
        let bestOf = try document.integerMember(fields.bestOf, "best_of", in: 1...mostCalls) ?? n
        if bestOf < n { throw InvalidRequest("'best_of' must not be less than 'n'.", param: "best_of") }
        if bestOf > n, isStreaming {
            throw InvalidRequest("'best_of' can't be streamed if it is more than 'n'.", param: "best_of")
        }
        guard prompts * bestOf <= mostCalls else {
            let param = bestOf == 1 ? "prompt" : bestOf > n ? "best_of" : "n"
            throw InvalidRequest(
                "\(prompts * bestOf) completions are too many for one request; at most \(mostCalls) are made.",
                param: param)
        }
        return bestOf
    }

    private static func suffix(
        _ fields: CompletionFields, in document: borrowing JSONDocument
    ) throws(InvalidRequest) -> ByteBuffer? {
        guard let node = document.given(fields.suffix) else { return nil }
        guard let suffix = document.rawStringBody(node) else {
            throw InvalidRequest("'suffix' must be a string.", param: "suffix")
        }
        return suffix.readableBytes > 0 ? suffix : nil
    }
}
