import HTTP

/// What a request's head says about its body, where JSON is wanted.
enum JSONBody {
    /// Why the body is not even read; nil if it is.
    static func refusal(of head: RequestHead, limit: Int) -> APIError? {
        if !head.fields.isValue("application/json", of: "content-type"), let type = head.fields["content-type"],
            !isJSON(type)
        {
            return APIError(
                .unsupportedMediaType, "The body must be JSON: send it with 'Content-Type: application/json'.")
        }
        if let length = head.fields.decimal("content-length"), length > limit { return tooLarge(limit) }
        return nil
    }

    private static func isJSON(_ contentType: String) -> Bool {
        let type = contentType.prefix { $0 != ";" }.lowercased()
        let trimmed = type.split(whereSeparator: { $0 == " " || $0 == "\t" })
        return trimmed.count == 1 && (trimmed[0] == "application/json" || trimmed[0].hasSuffix("+json"))
    }

    static func tooLarge(_ limit: Int) -> APIError {
        APIError(.tooLarge, "The request body is larger than \(limit) bytes, the most that this gateway takes.")
    }
}
