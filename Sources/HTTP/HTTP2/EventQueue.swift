/// A first-in first-out queue whose storage is kept: in the steady state adding and taking allocate nothing.
struct EventQueue<Event> {
    private var events: [Event?] = []
    private var next = 0

    mutating func append(_ event: Event) {
        events.append(event)
    }

    /// - Parameter isIdle: whether no more is to be expected soon: storage is then given back with the last event.
    mutating func popFirst(isIdle: Bool = false) -> Event? {
        guard next < events.count else {
            if next > 0 {
                events.removeAll(keepingCapacity: !isIdle && next <= 256)
                next = 0
            }
            return nil
        }
        // Taken out, not copied: a copy would count references to all that the event holds.
        var event: Event?
        swap(&event, &events[next])
        next += 1
        return event
    }
}
