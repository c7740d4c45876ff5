package import Vault

/// Why client keys were not read or written. `reason` names the file and says what to do, and holds no secrets.
package struct ClientKeyStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The file cannot be read or written.
        case file(VaultError.Code)
        /// A newer version wrote the file.
        case newerVersion
        /// The file is not what it should be.
        case malformed
        /// There is a key of this name.
        case nameTaken
        /// There is no such key.
        case unknownKey
        /// There are as many keys as are kept.
        case tooMany
        /// OpenSSL has run out of memory or random numbers.
        case internalFailure
    }

    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    init(_ error: VaultError) {
        self.init(.file(error.code), error.reason)
    }

    package var description: String { reason }
}
