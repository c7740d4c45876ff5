/// Why something in the vault was not read, written or locked. `code` is stable and for programs, `reason` is for
/// people: it names the file and says what to do, and holds no secrets. The file it is about was left as it is.
package struct VaultError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The secret is too short.
        case weakSecret
        /// A name that no record can have.
        case invalidName
        /// The directory cannot be made or opened, or belongs to someone else.
        case unusableDirectory
        /// A file cannot be opened or read, or is no regular file.
        case unreadable
        /// The file belongs to, or is open to, someone else.
        case exposed
        /// The file was not made by the vault.
        case notSealed
        /// The file was made by a newer version.
        case newerVersion
        /// The file is shorter than it says.
        case truncated
        /// The file contradicts itself: its damage is certain, whatever the secret is.
        case damaged
        /// The file asks for more time or memory to open it than the vault gives.
        case excessiveCost
        /// The file was sealed with another secret or is damaged: the two cannot be told apart.
        case unopenable
        /// A record, or a file, is larger than the vault keeps.
        case tooLarge
        /// The file system refused to write, rename, remove or lock.
        case unwritable
        /// Another process has held the vault's guard for longer than is waited.
        case busy
        /// OpenSSL has run out of memory or random numbers, or lacks an algorithm.
        case internalFailure
    }

    /// The kind of failure.
    package let code: Code
    /// What happened, to which file, and what to do.
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { reason }
}
