/// Makes words of the authorization server fit for a log and a terminal: short, on one line, without secrets.
enum ServerText {
    private static let longest = 200
    /// Words this long are tokens rather than words.
    private static let longestWord = 32

    /// The error in brackets, to be put behind a sentence's last word: ` (invalid_grant: the code is unknown)`.
    ///
    /// - Parameter secrets: what was sent, which the server may repeat.
    static func words(_ error: OAuthServerError, hiding secrets: [String]) -> String {
        let code = clean(error.code, hiding: secrets)
        guard let description = error.description else { return " (\(code))" }
        return " (\(code): \(clean(description, hiding: secrets)))"
    }

    static func clean(_ text: String, hiding secrets: [String]) -> String {
        var result = ""
        for word in text.split(whereSeparator: { $0 == " " || $0.isNewline || $0 == "\t" }) {
            let isHidden =
                word.utf8.count > longestWord || secrets.contains { contains($0, in: word) }
            let piece = isHidden ? "[redacted]" : String(word.filter(isShown))
            guard result.utf8.count + piece.utf8.count < longest else { return result + " …" }
            result += (result.isEmpty ? "" : " ") + piece
        }
        return result
    }

    private static func contains(_ secret: String, in word: Substring) -> Bool {
        !secret.isEmpty && word.utf8.indices.contains { word.utf8[$0...].starts(with: secret.utf8) }
    }

    /// Neither controls nor what turns a line around (Unicode categories Cc, Cf, Co, Cs, Cn).
    private static func isShown(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .privateUse, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }
}
