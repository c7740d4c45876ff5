package import Vault

/// Why a credential was not loaded, saved or imported. `reason` names the file and says what to do, and holds no
/// secrets.
package struct CredentialStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Hashable, Sendable {
        /// The vault cannot read or write the file.
        case vault(VaultError.Code)
        /// The record was opened, but a newer version wrote it.
        case newerRecord
        /// The record was opened, but holds no credential.
        case malformedRecord
        /// A file to be imported holds no credential.
        case unusableImport
        /// The name that an import would get belongs to a credential of another kind.
        case nameTaken
        /// A plain file could not be removed, because it was changed while it was sealed.
        case changedMeanwhile
    }

    package let code: Code
    package let reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    init(_ error: VaultError) {
        self.init(.vault(error.code), error.reason)
    }

    init(_ fault: CredentialDocumentFault, path: String) {
        switch fault {
        case .newerVersion(let version):
            self.init(
                .newerRecord,
                "\(path) holds a credential in version \(version) of its form, and this program knows version"
                    + " \(CredentialDocument.version). Run the newer program that wrote it")
        case .malformed(let what):
            self.init(
                .malformedRecord,
                "\(path) was opened, but holds no credential: \(what). Remove it and add the credential again")
        }
    }

    package var description: String { reason }
}
