/// Sizes in bytes: a whole number, alone or with a suffix. All suffixes are binary: `k`, `K`, `KiB` 1024; `m`, `M`,
/// `MiB` 1024²; `g`, `G`, `GiB` 1024³.
enum ByteCountText {
    /// - Throws: The fault of text that is not a size or does not fit.
    static func parse(_ text: String) throws(ValueFault) -> Int {
        let digits = text.utf8.prefix { $0.isASCIIDigit }
        guard let number = Int(Substring(digits)) else { throw ValueFault("is not a size in bytes") }
        let unit: Int
        switch String(Substring(text.utf8.dropFirst(digits.count))) {
        case "": unit = 1
        case "k", "K", "KiB": unit = 1024
        case "m", "M", "MiB": unit = 1024 * 1024
        case "g", "G", "GiB": unit = 1024 * 1024 * 1024
        default: throw ValueFault("has a unit other than KiB, MiB and GiB")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { throw ValueFault("is too large") }
        return bytes
    }
}
