internal import Glibc

/// A header section while it arrives, with its pseudo-header fields apart (RFC 9113 §8.3) and its decoded size counted.
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
    /// The Content-Length of a response, which is kept out of its fields.
    private(set) var contentLength: Int?
    private let isResponse: Bool
    /// Crumbs of a Cookie field that came apart.
    private var cookies = 0

    init(isResponse: Bool = false) {
        self.isResponse = isResponse
    }

    /// Takes one field in, unless the list is past its limits: then it is only counted.
    ///
    /// - Returns: false when the list is so far past them that it is no mistake but an attack.
    mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, limits: HTTPLimits) -> Bool {
        listSize += name.count + value.count + 32
        let isPseudo = unsafe name.first == UInt8(ascii: ":")
        if isPseudo {
            unsafe setPseudo(name, value, limits)
        } else {
            count += 1
        }
        if listSize > limits.headerListSize || count > limits.headerCount {
            exceedsLimits = true
            return listSize <= 4 * limits.headerListSize && count <= 10 * limits.headerCount
        }
        if isPseudo { return true }
        if fields.isEmpty { fields.reserve(fields: 12, bytes: 384) }
        if isResponse, unsafe name.isText("content-length") {
            contentLength = unsafe value.decimal
            return true
        }
        unsafe fields.append(name: name, value: value)
        if name.count == 6, fields.isNamed(fields.count - 1, "cookie") { cookies += 1 }
        return true
    }

    /// nghttp2 has checked that each is known, comes once and before the regular fields, and holds ASCII only.
    private mutating func setPseudo(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ limits: HTTPLimits
    ) {
        // A longer one puts the list past its limits: it need not be kept.
        guard value.count <= limits.headerListSize, name.count > 2 else { return }
        // The length and the second letter tell them apart: :method, :status, :scheme, :authority, :path.
        switch unsafe (name.count, name[1]) {
        case (7, UInt8(ascii: "m")): method = unsafe value.controlText
        case (7, _):
            if unsafe name[2] == UInt8(ascii: "t") {
                status = unsafe value.decimal ?? 0
            } else {
                scheme = unsafe value.controlText
            }
        case (10, _): authority = unsafe value.controlText
        default: path = unsafe value.controlText
        }
    }

    /// Joins the crumbs of a Cookie field, as must be done before it leaves HTTP/2 (RFC 9113 §8.2.3).
    mutating func joinCookies() {
        guard cookies > 1 else { return }
        var joined = HeaderFields()
        joined.reserve(fields: fields.count, bytes: fields.byteCount + 2 * cookies)
        var cookie: [UInt8] = []
        for index in 0..<fields.count {
            if fields.isNamed(index, "cookie") {
                if !cookie.isEmpty { cookie += [UInt8(ascii: ";"), UInt8(ascii: " ")] }
                cookie += fields.valueBytes(at: index)
            } else {
                joined.append(name: fields.name(at: index), fields.valueBytes(at: index)[...])
            }
        }
        joined.append(name: "cookie", cookie[...])
        fields = joined
        cookies = 1
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func isText(_ text: StaticString) -> Bool {
        guard let base = baseAddress, count == text.utf8CodeUnitCount else { return false }
        return unsafe memcmp(base, text.utf8Start, count) == 0
    }

    /// The bytes as text; that which nearly all requests have is not made anew.
    fileprivate var controlText: String {
        switch count {
        case 3 where unsafe isText("GET"): "GET"
        case 4 where unsafe isText("POST"): "POST"
        case 5 where unsafe isText("https"): "https"
        default: unsafe String(decoding: self, as: UTF8.self)
        }
    }
}

extension HeaderFields {
    fileprivate mutating func append(name: String, _ value: ArraySlice<UInt8>) {
        unsafe Array(name.utf8).withUnsafeBytes { name in
            unsafe value.withUnsafeBytes { value in unsafe append(name: name, value: value) }
        }
    }
}
