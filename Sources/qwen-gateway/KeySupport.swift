import Admission
import ArgumentParser
import Gateway
import JSON
import NIOCore
import Vault

/// What the `keys` commands share.
enum KeySupport {
    static func store() throws -> ClientKeyStore {
        ClientKeyStore(directory: try CommandSupport.configuration().credentials.directory)
    }

    /// Runs what the store can refuse.
    static func stored<Result>(_ body: () throws(ClientKeyStoreError) -> Result) throws -> Result {
        do throws(ClientKeyStoreError) {
            return try body()
        } catch {
            throw CommandSupport.fail(error.reason)
        }
    }

    /// Refuses a name that no key can have.
    static func checkName(_ name: String) throws {
        guard Vault.isName(name) else {
            throw ValidationError(
                """
                "\(name)" is no name for a key: it must have 1 to 64 of a-z, 0-9, ".", "_" and "-", the first a letter \
                or a digit.
                """)
        }
        for taken in ["env-", "admin-"]
        where name.hasPrefix(taken) && name.dropFirst(taken.count).allSatisfy(\.isNumber) {
            throw ValidationError("\"\(name)\" is what the log calls a key of the environment: take another name.")
        }
    }

    /// Prints a new key where it can be taken from, and what is to be said of it beside.
    static func show(_ key: ClientKeyText, _ record: ClientRecord, asJSON: Bool, now: Int64, saying text: String) {
        guard asJSON else {
            CommandSupport.say(text)
            return print(key.secret)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("key", .string(key.secret))
        KeyLine(record, nil, now: now).writeMembers(into: &writer)
        writer.endObject()
        print(String(buffer: writer.buffer))
    }
}
