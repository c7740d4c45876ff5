internal import Glibc

/// A moment of civil time, for log lines. What is measured or scheduled uses the monotonic clock instead.
package struct WallTime: Sendable, Equatable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The system's clock now.
    package static func now() -> WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }
}

extension WallTime {
    /// Whole seconds since 1970-01-01T00:00:00Z.
    package var seconds: Int64 { nanoseconds / 1_000_000_000 }
    /// Whole milliseconds since 1970-01-01T00:00:00Z.
    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
