/// One behaviour that can be turned on by a word `name=value`.
///
/// The table of switches is the one place that knows their names: the command line, the control endpoint, the words of
/// a message and the help all read it.
package struct Switch: Sendable {
    /// Sets a property from a switch's value; false if the value can not be used.
    package typealias Setter<Root> = @Sendable (inout Root, Substring) -> Bool

    /// What a switch changes, and so where it may stand.
    package enum Effect: Sendable {
        /// One answer: everywhere, the last user message of a request included.
        case chat(Setter<ChatBehaviour>)
        /// Which calls are let in: of all of them or of those with one key.
        case admission(Setter<AdmissionBehaviour>)
        /// The whole simulator.
        case simulator(Setter<SimulatorBehaviour>)
    }

    package let name: String
    /// What the value looks like: the choices with `|` between them, or a letter for each number.
    package let form: String
    /// What it does, in a line.
    package let help: String
    package let effect: Effect

    init(_ name: String, _ form: String, _ help: String, _ effect: Effect) {
        self.name = name
        self.form = form
        self.help = help
        self.effect = effect
    }

    /// The switches in groups, in the order in which they are to be read.
    package static let groups: [(title: String, switches: [Switch])] = [
        ("The answer", answer), ("Tool calls", toolCalls), ("Chunks and frames", frames),
        ("Failures and errors", errors), ("Which calls are let in, for all or for one key", admission),
        ("Login", login), ("Portal and the rest", service),
    ]

    /// All switches by name.
    package static let all: [String: Switch] = {
        var all: [String: Switch] = [:]
        for group in groups {
            for entry in group.switches { all[entry.name] = entry }
        }
        return all
    }()

    /// The switches that may stand in a message.
    static let perMessage: [String: Setter<ChatBehaviour>] = all.compactMapValues { entry in
        if case .chat(let set) = entry.effect { set } else { nil }
    }
}

// MARK: - Values

extension Switch {
    /// The longest time, in milliseconds: an hour.
    static let longest = 3_600_000
    /// The largest count.
    static let most = 1_000_000

    /// A number from 0; a larger one than `limit` counts as `limit`.
    static func parse(_ text: Substring, upTo limit: Int = most) -> Int? {
        guard let number = Int(text), number >= 0 else { return nil }
        return min(number, limit)
    }

    /// `X@K`, split at the sign.
    static func parsePosition(_ text: Substring) -> (head: Substring, after: Int)? {
        let parts = text.split(separator: "@", maxSplits: 1)
        guard parts.count == 2, let after = parse(parts[1]) else { return nil }
        return (parts[0], after)
    }

    static func number<Root>(
        _ path: any (WritableKeyPath<Root, Int> & Sendable), from least: Int = 0, upTo limit: Int = most
    ) -> Setter<Root> {
        { root, text in
            guard let value = parse(text, upTo: limit), value >= least else { return false }
            root[keyPath: path] = value
            return true
        }
    }

    static func number<Root>(
        _ path: any (WritableKeyPath<Root, Int?> & Sendable), from least: Int = 0, upTo limit: Int = most
    ) -> Setter<Root> {
        { root, text in
            guard let value = parse(text, upTo: limit), value >= least else { return false }
            root[keyPath: path] = value
            return true
        }
    }

    static func flag<Root>(_ path: any (WritableKeyPath<Root, Bool> & Sendable)) -> Setter<Root> {
        { root, text in
            guard text == "on" || text == "off" else { return false }
            root[keyPath: path] = text == "on"
            return true
        }
    }

    static func text<Root>(_ path: any (WritableKeyPath<Root, String?> & Sendable)) -> Setter<Root> {
        { root, text in
            root[keyPath: path] = String(text)
            return true
        }
    }

    static func choice<Root, Value: RawRepresentable<String> & SendableMetatype>(
        _ path: any (WritableKeyPath<Root, Value> & Sendable)
    ) -> Setter<Root> {
        { root, text in
            guard let value = Value(rawValue: String(text)) else { return false }
            root[keyPath: path] = value
            return true
        }
    }

    static func choice<Root, Value: RawRepresentable<String> & SendableMetatype>(
        _ path: any (WritableKeyPath<Root, Value?> & Sendable)
    ) -> Setter<Root> {
        { root, text in
            guard let value = Value(rawValue: String(text)) else { return false }
            root[keyPath: path] = value
            return true
        }
    }

    /// The choices of a switch, as its form shows them.
    static func form<Value: CaseIterable & RawRepresentable<String>>(_ type: Value.Type) -> String {
        Value.allCases.map(\.rawValue).joined(separator: "|")
    }
}
