/// Values by a set of labels, kept by one event loop and added to others' when they are read.
///
/// Bounded: past `capacity` sets of labels, what is new is counted under `overflow`. The two sets that were counted
/// last are found without hashing, for most of what follows is like one of them.
struct LabelTable<Labels: Hashable & Sendable, Value: Sendable>: Sendable {
    private(set) var labels: [Labels] = []
    private(set) var values: [Value] = []
    private var places: [Labels: Int] = [:]
    /// The places of the set that was counted last, and of another one before it.
    private var last = 0
    private var other = 0
    private let capacity: Int
    private let overflow: Labels
    /// What a set of labels begins with.
    private let initial: Value

    init(_ initial: Value, capacity: Int, overflow: Labels) {
        self.initial = initial
        self.capacity = capacity
        self.overflow = overflow
    }

    /// Each set of labels, with its value.
    var entries: Zip2Sequence<[Labels], [Value]> { zip(labels, values) }

    /// Changes the value of a set of labels.
    mutating func update(_ set: Labels, _ body: (inout Value) -> Void) {
        body(&values[place(of: set)])
    }

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
        values.append(initial)
        last = labels.count - 1
        places[set] = last
        return last
    }
}

/// Counts by a set of labels.
typealias CountTable<Labels: Hashable & Sendable> = LabelTable<Labels, UInt64>
/// Histograms of times by a set of labels.
typealias TimeTable<Labels: Hashable & Sendable> = LabelTable<Labels, TimeHistogram>

extension LabelTable where Value == UInt64 {
    init(capacity: Int = 1024, overflow: Labels) {
        self.init(0, capacity: capacity, overflow: overflow)
    }

    mutating func add(_ set: Labels, _ count: UInt64 = 1) {
        update(set) { $0 &+= count }
    }

    mutating func add(_ other: Self) {
        for (set, count) in other.entries { add(set, count) }
    }
}

extension LabelTable where Value == TimeHistogram {
    init(_ bounds: TimeBounds, capacity: Int = 128, overflow: Labels) {
        self.init(TimeHistogram(bounds), capacity: capacity, overflow: overflow)
    }

    mutating func record(_ set: Labels, nanoseconds: Int64) {
        update(set) { $0.record(nanoseconds: nanoseconds) }
    }

    mutating func add(_ other: Self) {
        for (set, histogram) in other.entries { update(set) { $0.add(histogram) } }
    }
}
