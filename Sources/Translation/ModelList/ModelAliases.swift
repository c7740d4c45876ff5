/// Names that stand for others, as the operator gives them: `MODEL_ALIASES="gpt-4o=qwen3.7-plus,o3=qwen3.7-max:thinking"`
/// serves clients that are stuck with the names of other models.
///
/// A name is looked up once: an alias stands for a model and never for another alias.
package struct ModelAliases: Sendable, Equatable {
    /// What is wrong with a list of aliases. Its description names the entry and says what is expected.
    package struct Fault: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package static let none = ModelAliases()

    /// The longest name in bytes, and the most aliases.
    private static let longestName = 128
    private static let most = 1_000

    /// The aliases in the order in which they were given.
    package let names: [String]
    private let targets: [String: String]

    private init() {
        names = []
        targets = [:]
    }

    /// Reads a list: `alias=model`, divided by commas; white space around names is ignored, and so is what is empty
    /// between two commas.
    package init(parsing text: String) throws(Fault) {
        var names: [String] = []
        var targets: [String: String] = [:]
        for entry in text.split(separator: ",") {
            let entry = entry.trimmed
            if entry.isEmpty { continue }
            let (alias, target) = try Self.divide(entry)
            guard targets.updateValue(target, forKey: alias) == nil else {
                throw Fault(description: "the alias '\(alias)' is given twice")
            }
            names.append(alias)
            guard names.count <= Self.most else {
                throw Fault(description: "there are more than \(Self.most) aliases")
            }
        }
        for alias in names {
            guard let target = targets[alias], let end = targets[target] ?? targets[ModelName(target).plain] else {
                continue
            }
            let fault =
                target == alias || ModelName(target).plain == alias
                ? "the alias '\(alias)' stands for itself"
                : "the alias '\(alias)' stands for '\(target)', which is an alias too: name the model '\(end)'"
            throw Fault(description: fault)
        }
        self.names = names
        self.targets = targets
    }

    /// The model that a name stands for: the name itself if it is no alias.
    ///
    /// A suffix that turns thinking on or off may follow an alias too, and then counts instead of the model's own.
    package func resolve(_ name: String) -> String {
        if targets.isEmpty { return name }
        if let target = targets[name] { return target }
        let asked = ModelName(name)
        guard let thinking = asked.thinking, let target = targets[asked.plain] else { return name }
        return ModelName(target).plain + (thinking ? ":thinking" : ":no-think")
    }

    /// Whether a name is one of the aliases, apart from a suffix.
    package func contains(_ name: String) -> Bool { targets[name] != nil }

    private static func divide(_ entry: Substring) throws(Fault) -> (alias: String, target: String) {
        guard let sign = entry.firstIndex(of: "=") else {
            throw Fault(description: "'\(shown(entry))' has no '=': write alias=model")
        }
        let alias = entry[..<sign].trimmed
        let target = entry[entry.index(after: sign)...].trimmed
        for (name, what) in [(alias, "alias"), (target, "model")] {
            if name.isEmpty { throw Fault(description: "'\(shown(entry))' names no \(what): write alias=model") }
            guard name.utf8.count <= longestName else {
                throw Fault(description: "the \(what) in '\(shown(entry))' is longer than \(longestName) bytes")
            }
            guard name.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && $0 != "=" }) else {
                throw Fault(description: "the \(what) in '\(shown(entry))' holds a space, a control character or '='")
            }
        }
        return (String(alias), String(target))
    }

    /// An entry, fit for a message.
    private static func shown(_ entry: Substring) -> String {
        var text = ""
        for scalar in entry.unicodeScalars.prefix(64) {
            text.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? "?" : scalar)
        }
        return text
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
