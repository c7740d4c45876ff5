/// Everything in which the simulator can differ from one that is well.
///
/// It is made of values: given at the start, changed at run time as a whole, and read once for each request.
package struct SimulatorBehaviour: Sendable, Equatable {
    package var oauth = OAuthBehaviour()
    package var portal = PortalBehaviour()
    /// How calls are answered that present none of `keys`.
    package var calls = CallBehaviour()
    /// API keys that are let in, each with its own behaviour. With any, or an API key in the options, other keys are
    /// refused.
    package var keys: [String: CallBehaviour] = [:]
    /// Whether requests are checked as Qwen checks them.
    package var validates = true
    /// Whether models that are not in the list are refused with 404.
    package var checksModel = false
    /// Whether there is a list of models; the plan hosts have none and answer 404.
    package var listsModels = true
    /// Whether answers carry the fields that Qwen's edge adds, and not only those that a client needs.
    package var sendsEdgeFields = false
    /// Seconds that the simulator's clock is ahead.
    package var clockSkew = 0
    /// The switches that were applied, in order, for people to read.
    package private(set) var switches: [String] = []

    package init() {}

    /// The behaviour that a text of switches describes.
    package init(_ switches: String) throws(SwitchError) {
        try apply(switches)
    }

    /// Applies a text of switches, `name=value` words; `scenario=NAME` stands for those of the scenario.
    ///
    /// - Throws: `SwitchError` for the first word that can not be used. What came before it is applied.
    package mutating func apply(_ text: String) throws(SwitchError) {
        try apply(text, onlyCalls: false)
    }

    mutating func apply(_ text: String, onlyCalls: Bool) throws(SwitchError) {
        for word in text.split(whereSeparator: \.isWhitespace) {
            guard let equals = word.firstIndex(of: "=") else { throw .notASwitch(String(word)) }
            let name = String(word[..<equals])
            let value = word[word.index(after: equals)...]
            if name == "scenario" {
                guard let scenario = Scenario.all.first(where: { $0.name == value }) else {
                    throw .unknownScenario(String(value))
                }
                try apply(scenario.switches, onlyCalls: onlyCalls)
                continue
            }
            guard let found = Switch.all[name] else { throw .unknown(name) }
            let isSet =
                switch found.effect {
                case .chat(let set): set(&calls.chat, value)
                case .admission(let set): set(&calls.admission, value)
                case .simulator(let set): try applySimulatorSwitch(name, set, value, onlyCalls)
                }
            guard isSet else { throw .unusable(String(word), form: found.form) }
            switches.append(String(word))
        }
    }

    private mutating func applySimulatorSwitch(
        _ name: String, _ set: Switch.Setter<SimulatorBehaviour>, _ value: Substring, _ onlyCalls: Bool
    ) throws(SwitchError) -> Bool {
        guard !onlyCalls else { throw .notOfCalls(name) }
        return set(&self, value)
    }

    /// Lets a key in, with a behaviour of its own: the key, then its switches.
    package mutating func setKey(_ text: String) throws(SwitchError) {
        guard let key = text.split(whereSeparator: \.isWhitespace).first else { throw .notASwitch(text) }
        keys[String(key)] = try CallBehaviour(String(text[key.endIndex...]))
    }
}

/// A word that is no switch, or not here.
package enum SwitchError: Error, Equatable, CustomStringConvertible {
    case notASwitch(String)
    case unknown(String)
    case unknownScenario(String)
    case unusable(String, form: String)
    /// The switch is one of the whole simulator, not of the calls with one key.
    case notOfCalls(String)

    package var description: String {
        switch self {
        case .notASwitch(let word): "'\(word)' is no switch: switches have the form name=value"
        case .unknown(let name): "there is no switch '\(name)': qwen-simulator --list shows them all"
        case .unknownScenario(let name): "there is no scenario '\(name)': qwen-simulator --list shows them all"
        case .unusable(let word, let form): "'\(word)' can not be used: its value has the form \(form)"
        case .notOfCalls(let name): "'\(name)' is of the whole simulator, not of the calls with one key"
        }
    }
}
