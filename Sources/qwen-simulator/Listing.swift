import QwenSimulator

/// The scenarios and the switches, for people to read.
enum Listing {
    static var switches: String {
        Switch.groups.map { group in
            let lines = group.switches.map { entry in
                // Long lists of choices go on a line of their own.
                let form = entry.form.utf8.count <= 60 ? entry.form : "NAME"
                let choices = entry.form.utf8.count <= 60 ? "" : wrapped("one of " + entry.form)
                return line("\(entry.name)=\(form)", entry.help) + choices
            }
            return "\(group.title):\n" + lines.joined()
        }.joined(separator: "\n")
    }

    static var scenarios: String {
        "Scenarios:\n"
            + Scenario.all.map { line($0.name, "\($0.help): \($0.switches)") }.joined()
    }

    private static let column = 26

    private static func line(_ left: String, _ right: String) -> String {
        let gap =
            left.count < column
            ? String(repeating: " ", count: column - left.count) : "\n" + String(repeating: " ", count: column + 2)
        return "  \(left)\(gap)\(right)\n"
    }

    /// A list of choices in lines of a readable length.
    private static func wrapped(_ text: String) -> String {
        let indent = String(repeating: " ", count: column + 2)
        var lines: [String] = []
        var current = ""
        for part in text.split(separator: "|") {
            let piece = current.isEmpty ? String(part) : "|\(part)"
            if current.count + piece.count > 78 {
                lines.append(current + "|")
                current = String(part)
            } else {
                current += piece
            }
        }
        return (lines + [current]).map { "\(indent)\($0)\n" }.joined()
    }
}
