/// Why an event stream cannot be read on.
package enum EventStreamError: Error, Equatable, Sendable {
    /// One event is longer than the limit, which is given in bytes.
    case eventTooLarge(limit: Int)
}
