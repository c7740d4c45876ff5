internal import HTTP
internal import TLS

/// The key that a request presents: `Authorization: Bearer …`, or else `x-api-key`.
enum PresentedKey {
    case none
    /// Credentials that can be no key: of another scheme, empty, twice. Of two nobody can tell which one counts
    /// elsewhere on the way.
    case unusable
    case digest(SHA256Digest)

    init(_ fields: HeaderFields, _ hasher: SHA256Hasher) {
        var place: (index: Int, skipped: Int)?
        if let index = fields.firstIndex(of: "authorization") {
            guard fields.hasPrefix("bearer ", at: index) else {
                self = .unusable
                return
            }
            place = (index, 7)
        }
        let other = fields.firstIndex(of: "x-api-key")
        guard fields.count(of: "authorization") < 2, fields.count(of: "x-api-key") < 2 else {
            self = .unusable
            return
        }
        guard let (index, skipped) = place ?? other.map({ ($0, 0) }) else {
            self = .none
            return
        }
        self = fields.withValueSpan(at: index) { value in
            var start = skipped
            while skipped > 0, start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
            guard start < value.count, value.count - start <= ClientKeyText.longest,
                let digest = try? hasher.hash(value.extracting(start..<value.count))
            else { return .unusable }
            return .digest(digest)
        }
    }
}
