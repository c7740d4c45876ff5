import Admission
import ArgumentParser
import Gateway
import HTTP
import Vault

/// `qwen-gateway keys`: what clients present to the gateway, kept as digests in QWEN_DIR.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make, list and end the keys of clients.",
        discussion: """
            They are kept in QWEN_DIR/keys, as digests: a key is shown once, when it is made. A gateway that runs with the
            same directory lets a new key in, and a revoked one no more, within a second.
            """,
        subcommands: [Add.self, List.self, Revoke.self, Rotate.self])

    /// `keys add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key.",
            discussion: """
                Prints the key, alone, to standard output. What is not limited here has the gateway's own limits
                (RATE_LIMIT_RPS and the others); 0 turns a limit off.
                  qwen-gateway keys add n8n --rps 5 --daily-tokens 2000000 --models 'qwen3-*' --expires 90d
                """)

        @Argument(help: "Whose it is: letters, digits, dots, hyphens, underscores, in lower case.")
        var name: String

        @OptionGroup var settings: KeySettings

        @Flag(help: "As JSON, for programs.")
        var json = false

        func validate() throws {
            try KeySupport.checkName(name)
            _ = try settings.expiry(now: CommandSupport.now)
        }

        func run() async throws {
            let store = try KeySupport.store()
            let now = CommandSupport.now
            let key = try KeySupport.stored { () throws(ClientKeyStoreError) in try ClientKeyText() }
            let record = ClientRecord(
                id: key.id, name: name,
                digest: try KeySupport.stored { () throws(ClientKeyStoreError) in
                    try ClientKeyText.digest(of: key.secret)
                }, created: now, expires: try settings.expiry(now: now), isAdmin: settings.admin,
                models: Array(settings.models.joined()), networks: Array(settings.cidr.joined()),
                limits: settings.limits)
            try KeySupport.stored { () throws(ClientKeyStoreError) in try store.add(record) }
            KeySupport.show(
                key, record, asJSON: json, now: now,
                saying: "This is the key of \"\(name)\". It is not kept and will not be shown again.")
        }
    }

    /// `keys list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys, their limits, and when they were last used.",
            discussion: "The keys of GATEWAY_API_KEYS and GATEWAY_ADMIN_KEYS are not among them.")

        @Flag(help: "As JSON, for programs.")
        var json = false

        func run() async throws {
            let store = try KeySupport.store()
            let records = try KeySupport.stored { () throws(ClientKeyStoreError) in try store.load() }
            let usage = (try? store.loadUsage()) ?? [:]
            let now = CommandSupport.now
            let lines = records.map { KeyLine($0, usage[$0.id], now: now) }
            print(json ? KeyLine.json(lines) : KeyLine.table(lines))
        }
    }

    /// `keys revoke`.
    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key.",
            discussion: "It opens nothing more within a second. Answers that are under way go on to their end.")

        @Argument(help: "Its name or id, as `keys list` tells them.")
        var key: String

        func run() async throws {
            let store = try KeySupport.store()
            let record = try KeySupport.stored { () throws(ClientKeyStoreError) in try store.revoke(key) }
            CommandSupport.say("The key \"\(record.name)\" (\(record.id)) is revoked.")
        }
    }

    /// `keys rotate`.
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a new key in the place of one, with the same settings.",
            discussion: """
                Prints the new key, alone, to standard output. The old one opens nothing more, unless it is given time:
                  qwen-gateway keys rotate n8n --grace 24h
                """)

        @Argument(help: "Its name or id, as `keys list` tells them.")
        var key: String

        @Option(help: "For how long the old key opens too: 30m, 24h, 7d.", transform: KeyArguments.length)
        var grace: KeyTime?

        @Flag(help: "As JSON, for programs.")
        var json = false

        func run() async throws {
            let store = try KeySupport.store()
            let now = CommandSupport.now
            let until = grace?.instant(now: now)
            let (new, record) = try KeySupport.stored { () throws(ClientKeyStoreError) in
                try store.rotate(key, oldKeyUntil: until)
            }
            var old = "The old one opens nothing more."
            if case .length(_, let text)? = grace { old = "The old one opens for \(text) more." }
            KeySupport.show(
                new, record, asJSON: json, now: now,
                saying: "This is the new key of \"\(record.name)\". It will not be shown again. \(old)")
        }
    }
}

/// What a key may do, as options.
struct KeySettings: ParsableArguments {
    @Option(help: "Requests per second; 0.5 is one in two seconds.", transform: KeyArguments.rate)
    var rps: RequestRate?

    @Option(help: "Requests at once. Twice the rate unless given.")
    var burst: Int?

    @Option(help: "Tokens per minute, of prompts and answers.")
    var tpm: Int?

    @Option(help: "Tokens per day (UTC).")
    var dailyTokens: Int?

    @Option(help: "Requests that Qwen is answering at the same time, streamed or not.")
    var streams: Int?

    @Option(
        help: """
            Models that it may use, divided by commas: names, or beginnings of names with a star behind them (qwen3-*). \
            All, unless given.
            """,
        transform: KeyArguments.models)
    var models: [[String]] = []

    @Option(
        help: """
            Networks that it may be used from, divided by commas: 10.0.0.0/8,2001:db8::/32. All, unless given.
            """,
        transform: KeyArguments.networks)
    var cidr: [[NetworkPrefix]] = []

    @Option(
        help: "When it ends: 12h, 90d, or a date (2027-06-30, the end of that day in UTC).",
        transform: KeyArguments.time)
    var expires: KeyTime?

    @Flag(help: "It opens what is for the operator too.")
    var admin = false

    var limits: ClientLimits {
        ClientLimits(requestRate: rps, burst: burst, tokensPerMinute: tpm, tokensPerDay: dailyTokens, streams: streams)
    }

    func validate() throws {
        try Self.check(burst, "--burst", 1...ClientLimits.mostRequests)
        try Self.check(tpm, "--tpm", 0...ClientLimits.mostTokens)
        try Self.check(dailyTokens, "--daily-tokens", 0...ClientLimits.mostTokens)
        try Self.check(streams, "--streams", 0...ClientLimits.mostRequests)
        guard models.joined().count <= ModelPatterns.most else {
            throw ValidationError(
                "--models names more than \(ModelPatterns.most) models. A star at the end of one stands for many.")
        }
    }

    private static func check(_ value: Int?, _ name: String, _ range: ClosedRange<Int>) throws {
        guard let value, !range.contains(value) else { return }
        throw ValidationError("\(name) must be in \(range.lowerBound)...\(range.upperBound), and \(value) is not.")
    }

    /// Milliseconds since 1970; nil for never.
    func expiry(now: Int64) throws -> Int64? {
        guard let instant = expires?.instant(now: now) else { return nil }
        guard instant > now else {
            throw ValidationError("--expires is in the past: the key would never open anything.")
        }
        return instant
    }
}
