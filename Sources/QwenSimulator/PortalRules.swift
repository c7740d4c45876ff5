import JSON

/// What the portal refuses and Model Studio does not.
enum PortalRules {
    /// The first thing that is wrong with a request of a holder of an access token, or nil.
    static func fault(
        in document: borrowing JSONDocument, _ request: ChatRequest, _ behaviour: PortalBehaviour
    ) -> SimulatedError? {
        if behaviour.checksModel, !ModelFacts.ofPortal.contains(request.model) {
            return SimulatedError(refusing: "The model `\(request.model)` is not supported.")
        }
        return behaviour.requiresSystem && !hasSystemMessage(document) ? SimulatedError.named("bad-request") : nil
    }

    /// Whether the first message is the only system message, its content an array whose first part is a text that is
    /// marked for the cache, or the portal's own greeting.
    private static func hasSystemMessage(_ document: borrowing JSONDocument) -> Bool {
        guard let messages = document.member("messages", of: document.root) else { return false }
        var index = 0
        var isRight = false
        for message in document.elements(of: messages) {
            defer { index += 1 }
            guard let role = document.member("role", of: message), document.stringEquals(role, "system") else {
                continue
            }
            guard index == 0, let content = document.member("content", of: message) else { return false }
            isRight = isMarked(document, content)
        }
        return isRight
    }

    private static func isMarked(_ document: borrowing JSONDocument, _ content: JSONNode) -> Bool {
        for part in document.elements(of: content) {
            guard let type = document.member("type", of: part), document.stringEquals(type, "text"),
                let text = document.member("text", of: part), document.kind(of: text) == .string
            else { return false }
            return document.member("cache_control", of: part) != nil
                || document.stringEquals(text, "You are Qwen Code.")
        }
        return false
    }
}
