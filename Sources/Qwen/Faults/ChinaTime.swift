import NIOCore

/// The clock that Qwen's quotas go by: UTC+8, without summer time.
enum ChinaTime {
    private static let offset: Int64 = 8 * 3600
    private static let day: Int64 = 86_400

    /// From `unixTime`, in seconds since 1970-01-01T00:00:00Z, until the next midnight.
    static func untilMidnight(_ unixTime: Int64) -> TimeAmount {
        .seconds(day - secondOfDay(unixTime))
    }

    /// Until the next Monday, 00:00.
    static func untilMonday(_ unixTime: Int64) -> TimeAmount {
        let days = (unixTime + offset - secondOfDay(unixTime)) / day
        // 1970-01-01 was a Thursday, three days behind Monday.
        let weekday = ((days + 3) % 7 + 7) % 7
        return .seconds((7 - weekday) * day - secondOfDay(unixTime))
    }

    private static func secondOfDay(_ unixTime: Int64) -> Int64 {
        let rest = (unixTime + offset) % day
        return rest < 0 ? rest + day : rest
    }
}
