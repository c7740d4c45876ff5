/// How a line of the log is written (`LOG_FORMAT`).
package enum LogFormat: String, Sendable, CaseIterable {
    /// One JSON object a line, for machines.
    case json
    /// Time, level, message and `name=value` pairs, for people.
    case text
}
