import NIOCore

/// The page on which a person approves or denies a login.
enum LoginPage {
    /// - Parameter userCodes: those of the logins that wait, or the one that the page was called with.
    static func answer(userCodes: [String], requestID: String) -> Answer {
        var answer = Answer(requestID: requestID)
        answer.contentType = "text/html; charset=utf-8"
        let forms = userCodes.map { code in
            "<form method=\"post\"><p>A device asks to use your account. Its code: <strong>\(code)</strong></p>"
                + "<button formaction=\"/simulator/approve?user_code=\(code)\">Approve</button> "
                + "<button formaction=\"/simulator/deny?user_code=\(code)\">Deny</button></form>"
        }
        let body = forms.isEmpty ? "<p>No login waits for a decision.</p>" : forms.joined()
        answer.body = ByteBuffer(
            string: "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated Qwen</title>"
                + "</head><body><h1>Simulated Qwen</h1>\(body)</body></html>\n")
        return answer
    }

    /// What the person sees afterwards.
    static func decided(_ count: Int, approved: Bool, requestID: String) -> Answer {
        var answer = Answer(requestID: requestID)
        answer.contentType = "text/html; charset=utf-8"
        let text = count == 0 ? "No login waits for a decision." : approved ? "Approved." : "Denied."
        answer.body = ByteBuffer(
            string: "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated Qwen</title>"
                + "</head><body><h1>\(text)</h1><p>You may close this page.</p></body></html>\n")
        return answer
    }
}
