/// A header list while it arrives, with its pseudo-header fields apart (RFC 9113 §8.3) and its decoded size counted.
struct IncomingHeaders {
    var method = ""
    var scheme = ""
    var authority: String?
    var path = ""
    var status = 0
    var fields = HeaderFields()
    /// The decoded size (RFC 9113 §6.5.2) and the number of the fields that came, kept or not.
    private(set) var listSize = 0
    private(set) var count = 0
    private(set) var exceedsLimits = false

    /// Takes one field in, unless the list is past its limits: then it is only counted.
    mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, limits: HTTPLimits) {
        listSize += name.count + value.count + 32
        let isPseudo = unsafe name.first == UInt8(ascii: ":")
        if !isPseudo { count += 1 }
        if listSize > limits.headerListSize || count > limits.headerCount { exceedsLimits = true }
        if exceedsLimits { return }
        guard isPseudo else {
            if fields.isEmpty { fields.reserve(fields: 12, bytes: 384) }
            return unsafe fields.append(name: name, value: value)
        }
        // nghttp2 has checked that each is known, comes once and before the regular fields. The second letter tells
        // them apart, but for :path and :protocol, which is never enabled, and :scheme and :status.
        let text = unsafe String(decoding: value, as: UTF8.self)
        switch unsafe (name.count, name.count > 1 ? name[1] : 0) {
        case (7, UInt8(ascii: "m")): method = text
        case (7, UInt8(ascii: "s")): if unsafe name[3] == UInt8(ascii: "c") { scheme = text } else { status = Int(text) ?? 0 }
        case (10, _): authority = text
        case (5, _): path = text
        default: break
        }
    }
}
