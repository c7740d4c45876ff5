import HTTP
import Testing

/// Weights of media types by Accept (RFC 9110 §12.5.1).
struct AcceptedMediaTests {
    private func weights(_ values: String...) -> [Int] {
        var fields = HeaderFields()
        for value in values { fields.append(name: "accept", value: value) }
        let accepted = AcceptedMedia(fields)
        return [accepted.weight(of: "text", "html"), accepted.weight(of: "application", "json")]
    }

    @Test func withoutAFieldEverythingIsAccepted() {
        #expect(weights() == [1000, 1000])
        #expect(weights("*/*") == [1000, 1000])
    }

    @Test func browsersPreferHTML() {
        #expect(weights("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == [1000, 800])
    }

    @Test func theClosestRangeCounts() {
        #expect(weights("text/*;q=0.5, text/html;q=0.25, */*;q=0.75") == [250, 750])
        #expect(weights("text/html;q=0, */*") == [0, 1000])
        #expect(weights("text/*") == [1000, 0])
    }

    @Test func fieldsAreOneList() {
        #expect(weights("text/html;q=0.001", "application/json;q=1.000") == [1, 1000])
    }

    @Test func caseAndBlanksDoNotCount() {
        #expect(weights("TEXT/Html ; Q=0.5 ,\tapplication/JSON") == [500, 1000])
    }

    @Test func whatIsQuotedSeparatesNothing() {
        #expect(weights(#"text/plain;a="x,text/html;\",application/json", application/json;q=0.3"#) == [0, 300])
    }

    /// What can not be read is not there: alone it says nothing, and beside others nothing of HTML.
    @Test(arguments: [
        "text/html;q=2", "text/html;q=1.001", "text/html;q=0.1234", "text/html;q=", "text/html;q=-1", "text/html;q=x",
        "text", "/html", "text/", "text/html/x", ";;;", ",,,", "\"text/html", "",
    ])
    func whatIsMalformedIsPassedOver(_ value: String) {
        #expect(weights(value) == [1000, 1000])
        #expect(weights(value, "application/json;q=0.5") == [0, 500])
        #expect(weights("application/json;q=0.5", value) == [0, 500])
    }

    @Test func aPointNeedsNoDigits() {
        #expect(weights("text/html;q=0., application/json;q=1.") == [0, 1000])
    }
}
