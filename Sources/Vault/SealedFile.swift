/// The format of a sealed file, version 1. Integers are big-endian.
///
///     offset  bytes
///          0      8  magic: the ASCII characters "QGSEALED"
///          8      1  version: 1
///          9      1  key derivation: 1 = scrypt (RFC 7914) of the secret, 32 bytes of key
///         10      1  cipher: 1 = AES-256-GCM (NIST SP 800-38D)
///         11      1  log2 of scrypt's N: 15
///         12      2  scrypt's r: 8
///         14      2  scrypt's p: 1
///         16      4  number of bytes of ciphertext, n
///         20     16  salt, random; files of one secret may share it, and then share a key
///         36     12  nonce, random and new for each write
///         48      n  ciphertext
///     48 + n     16  tag
///
/// The additional authenticated data are the 48 bytes of the header followed by the record's name in ASCII: no field
/// can be changed, and no file can take the place of another. Nothing follows the tag.
///
/// A later version keeps the first nine bytes and may change everything behind them.
struct SealedFile: Equatable, Sendable {
    static let magic = Array("QGSEALED".utf8)
    static let version: UInt8 = 1
    static let headerSize = 48
    static let saltSize = 16
    static let nonceSize = 12
    static let tagSize = 16
    private static let scrypt: UInt8 = 1
    private static let aes256GCM: UInt8 = 1

    var parameters: ScryptParameters
    var salt: [UInt8]
    var nonce: [UInt8]
    /// The ciphertext with the tag behind it.
    var sealed: [UInt8]

    /// The header, as it is written and authenticated.
    var header: [UInt8] {
        var header = Self.magic
        header.reserveCapacity(Self.headerSize)
        header += [Self.version, Self.scrypt, Self.aes256GCM, parameters.logN]
        header.appendBigEndian(parameters.r)
        header.appendBigEndian(parameters.p)
        header.appendBigEndian(UInt32(clamping: sealed.count - Self.tagSize))
        return header + salt + nonce
    }

    /// The whole file.
    var bytes: [UInt8] { header + sealed }
}

extension SealedFile {
    /// Takes a file apart. Nothing in it is authenticated yet.
    init(parsing file: [UInt8]) throws(SealedFault) {
        guard !file.isEmpty else { throw .truncated(found: 0, expected: nil) }
        guard file.starts(with: Self.magic.prefix(file.count)) else { throw .notSealed }
        guard file.count > Self.magic.count else { throw .truncated(found: file.count, expected: nil) }
        let version = file[8]
        guard version <= Self.version else { throw .newerVersion(version) }
        guard version == Self.version else { throw .damaged("version 0") }
        guard file.count >= Self.headerSize + Self.tagSize else { throw .truncated(found: file.count, expected: nil) }
        guard file[9] == Self.scrypt else { throw .damaged("unknown key derivation \(file[9])") }
        guard file[10] == Self.aes256GCM else { throw .damaged("unknown cipher \(file[10])") }
        let parameters = ScryptParameters(
            logN: file[11], r: file.bigEndian(UInt16.self, at: 12), p: file.bigEndian(UInt16.self, at: 14))
        guard parameters.arePossible else { throw .damaged("impossible parameters for scrypt") }
        guard parameters.areAffordable else { throw .excessiveCost }
        let expected = Self.headerSize + Int(file.bigEndian(UInt32.self, at: 16)) + Self.tagSize
        guard file.count >= expected else { throw .truncated(found: file.count, expected: expected) }
        guard file.count == expected else { throw .damaged("\(file.count - expected) bytes follow its end") }
        self.parameters = parameters
        salt = Array(file[20..<36])
        nonce = Array(file[36..<48])
        sealed = Array(file[48...])
    }
}

/// What is wrong with the content of a sealed file.
enum SealedFault: Error, Equatable {
    case notSealed
    case newerVersion(UInt8)
    /// `expected` is nil where the file ends before it says how long it is.
    case truncated(found: Int, expected: Int?)
    case damaged(String)
    case excessiveCost
    /// The tag is not that of this key, header, name and ciphertext.
    case unopenable
    /// OpenSSL failed at what is said.
    case failed(String)
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// The integer at an offset that is known to be in range.
    fileprivate func bigEndian<Integer: FixedWidthInteger>(_: Integer.Type, at offset: Int) -> Integer {
        self[offset..<offset + Integer.bitWidth / 8].reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
    }
}
