package import HTTP
internal import Synchronization

/// What is known of the addresses of clients: how many requests came from each without a key, and how many with a wrong
/// one. One for the process; all event loops use it at the same time and without a lock.
///
/// Its memory is taken once and never grows: 65,536 subscribers (an IPv4 address, or an IPv6 /64) in sets of eight.
/// An address belongs to one set, which a secret number chooses. A new address takes the place of the one in its set
/// that would be the first to have its bucket full again, and takes over what that one still owed: as a rule nothing,
/// for it was idle. In a table that is full of busy addresses a newcomer may so have to wait for another's debt; but
/// nobody, however many addresses he has, gets rid of a debt by being forgotten: each place gives out what one address
/// gets and no more, and who owes most is forgotten last.
package final class AddressTable: Sendable {
    private static let ways = 8

    /// A place: who has it, and the buckets. The zeros of a new one are an empty place.
    private struct Place: ~Copyable, Sendable {
        let subscriber = Atomic<UInt64>(0)
        /// Theoretical arrival times (`RateLimit`).
        let requests = Atomic<UInt64>(0)
        let failures = Atomic<UInt64>(0)
        /// Refusals that nobody has been told of, and when somebody was told last.
        let untold = Atomic<Int>(0)
        let told = Atomic<UInt64>(0)

        /// When all of its buckets are full.
        var isIdleAt: UInt64 { max(requests.load(ordering: .relaxed), failures.load(ordering: .relaxed)) }
    }

    private final class PlaceSet: Sendable {
        let places = InlineArray<8, Place> { _ in Place() }
    }

    private let sets: [PlaceSet]
    private let seed: UInt64

    /// - Parameters:
    ///   - setCount: a power of two.
    ///   - seed: random, so that nobody can choose addresses that all fall into one set.
    package init(setCount: Int = 8192, seed: UInt64 = .random(in: .min ... .max)) {
        sets = (0..<setCount).map { _ in PlaceSet() }
        self.seed = seed
    }

    /// How many subscribers there is room for.
    package var capacity: Int { sets.count * Self.ways }

    // MARK: Requests

    /// Takes one request from an address's bucket.
    package func takeRequest(_ address: NetworkAddress, _ limit: RateLimit, now: UInt64) -> RateLimit.Level {
        let (set, way) = find(address)
        return limit.take(from: set.places[way].requests, now: now)
    }

    // MARK: Failures

    /// What becomes of a failed authentication.
    package enum Failure: Sendable, Equatable {
        /// The client is told so.
        case allowed
        /// There were too many: the client must wait so many nanoseconds.
        ///
        /// - Parameter untold: how many were refused since that was last told of, this one among them, if it is time
        ///   to tell of it: with the first one of an episode, and then once a minute.
        case refused(wait: UInt64, untold: Int?)
    }

    /// Ten wrong keys at once, then one in six seconds.
    static let failureLimit = RateLimit(10, each: 60_000_000_000, burst: 10)
    private static let tellingInterval: UInt64 = 60_000_000_000

    /// Takes note of a failed authentication.
    package func fail(_ address: NetworkAddress, now: UInt64) -> Failure {
        let (set, way) = find(address)
        let wait = Self.failureLimit.take(from: set.places[way].failures, now: now).wait
        guard wait > 0 else { return .allowed }
        let told = set.places[way].told.load(ordering: .relaxed)
        set.places[way].untold.add(1, ordering: .relaxed)
        guard told == 0 || now > told + Self.tellingInterval,
            set.places[way].told.compareExchange(expected: told, desired: now, ordering: .relaxed).exchanged
        else { return .refused(wait: wait, untold: nil) }
        return .refused(wait: wait, untold: set.places[way].untold.exchange(0, ordering: .relaxed))
    }

    // MARK: Places

    /// The place of an address, which it gets now unless it has one. Another thread may give it to another address at
    /// any time after: then one request is counted for the wrong one.
    private func find(_ address: NetworkAddress) -> (PlaceSet, Int) {
        let subscriber = address.subscriberNumber
        let set = sets[Int(truncatingIfNeeded: Self.mixed(subscriber ^ seed)) & (sets.count - 1)]
        while true {
            var victim = 0
            var (owner, idle) = (UInt64(0), UInt64.max)
            for way in 0..<Self.ways {
                let found = set.places[way].subscriber.load(ordering: .relaxed)
                if found == subscriber { return (set, way) }
                let isIdleAt = set.places[way].isIdleAt
                if isIdleAt < idle { (victim, owner, idle) = (way, found, isIdleAt) }
            }
            guard
                set.places[victim].subscriber.compareExchange(
                    expected: owner, desired: subscriber, ordering: .relaxed
                ).exchanged
            else { continue }
            set.places[victim].untold.store(0, ordering: .relaxed)
            set.places[victim].told.store(0, ordering: .relaxed)
            return (set, victim)
        }
    }

    /// Every bit of the result depends on every bit of the number.
    private static func mixed(_ number: UInt64) -> UInt64 {
        let product = number.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let folded = product.high ^ product.low
        return (folded ^ folded >> 32) &* 0xD6E8_FEB8_6659_FD93 >> 16
    }
}
