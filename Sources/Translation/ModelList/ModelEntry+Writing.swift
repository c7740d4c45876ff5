import JSON
package import NIOCore

extension ModelEntry {
    /// Appends the model as OpenAI has it.
    package func write(into output: inout ByteBuffer) {
        output.writeStaticString("{\"id\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"object\":\"model\",\"created\":")
        JSONWriter.writeInteger(created, into: &output)
        output.writeStaticString(",\"owned_by\":")
        JSONWriter.writeString(owner, into: &output)
        output.writeStaticString("}")
    }

    /// Appends the model as Anthropic has it. A time that is not known is 1970, as their reference says; a model that
    /// is offered is `active`.
    package func writeAnthropic(into output: inout ByteBuffer) {
        output.writeStaticString("{\"type\":\"model\",\"id\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"display_name\":")
        JSONWriter.writeString(id, into: &output)
        output.writeStaticString(",\"created_at\":\"")
        output.writeString(Self.timestamp(created))
        output.writeStaticString("\",\"lifecycle\":\"active\"}")
    }

    /// Seconds since 1970, of a year up to 9999, as RFC 3339 has them.
    static func timestamp(_ seconds: Int) -> String {
        let seconds = min(max(seconds, 0), 253_402_300_799)
        let (hours, minutes) = (seconds % 86_400 / 3_600, seconds % 3_600 / 60)
        // Years begin with March here, so that a leap day is a year's last; 1970 begins 719,468 days after 0000-03-01.
        let days = seconds / 86_400 + 719_468
        let (era, day) = (days / 146_097, days % 146_097)
        let yearOfEra = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let date = [padded(year, 4), padded(month, 2), padded(dayOfYear - (153 * shifted + 2) / 5 + 1, 2)]
        let time = [hours, minutes, seconds % 60].map { padded($0, 2) }
        return date.joined(separator: "-") + "T" + time.joined(separator: ":") + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
