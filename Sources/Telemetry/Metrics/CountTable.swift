/// Counts by a set of labels, kept by one event loop and added to others' when they are read.
///
/// Bounded: past `capacity` sets of labels, what is new is counted under `overflow`. The two sets that were counted
/// last are found without hashing, for most of what follows is like one of them.
struct CountTable<Labels: Hashable & Sendable>: Sendable {
    private(set) var labels: [Labels] = []
    private(set) var counts: [UInt64] = []
    private var places: [Labels: Int] = [:]
    /// The places of the set that was counted last, and of another one before it.
    private var last = 0
    private var other = 0
    private let capacity: Int
    private let overflow: Labels

    init(capacity: Int = 1024, overflow: Labels) {
        self.capacity = capacity
        self.overflow = overflow
    }

    mutating func add(_ set: Labels, _ count: UInt64 = 1) {
        counts[place(of: set)] &+= count
    }

    mutating func add(_ other: CountTable) {
        for (set, count) in zip(other.labels, other.counts) { add(set, count) }
    }

    /// The count of a set of labels.
    subscript(_ set: Labels) -> UInt64 { places[set].map { counts[$0] } ?? 0 }

    private mutating func place(of set: Labels) -> Int {
        if last < labels.count, labels[last] == set { return last }
        swap(&last, &other)
        if last < labels.count, labels[last] == set { return last }
        if let place = places[set] {
            last = place
            return place
        }
        guard labels.count < capacity || set == overflow else { return place(of: overflow) }
        labels.append(set)
        counts.append(0)
        last = labels.count - 1
        places[set] = last
        return last
    }
}

/// Histograms of times by a set of labels; bounded as `CountTable` is.
struct TimeTable<Labels: Hashable & Sendable>: Sendable {
    private(set) var labels: [Labels] = []
    private(set) var histograms: [TimeHistogram] = []
    private var places: [Labels: Int] = [:]
    private var last = 0
    private let capacity: Int
    private let overflow: Labels
    private let bounds: TimeBounds

    init(_ bounds: TimeBounds, capacity: Int = 128, overflow: Labels) {
        self.bounds = bounds
        self.capacity = capacity
        self.overflow = overflow
    }

    mutating func record(_ set: Labels, nanoseconds: Int64) {
        histograms[place(of: set)].record(nanoseconds: nanoseconds)
    }

    mutating func add(_ other: TimeTable) {
        for (set, histogram) in zip(other.labels, other.histograms) { histograms[place(of: set)].add(histogram) }
    }

    private mutating func place(of set: Labels) -> Int {
        if last < labels.count, labels[last] == set { return last }
        if let place = places[set] {
            last = place
            return place
        }
        guard labels.count < capacity || set == overflow else { return place(of: overflow) }
        labels.append(set)
        histograms.append(TimeHistogram(bounds))
        last = labels.count - 1
        places[set] = last
        return last
    }
}
