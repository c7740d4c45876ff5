import ArgumentParser
import Gateway
import Qwen

/// `qwen-gateway credentials`: what the gateway presents to Qwen, kept sealed in QWEN_DIR.
struct CredentialsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credentials",
        abstract: "Keep keys and logins for Qwen, sealed.",
        discussion: """
            Each is a file in QWEN_DIR/credentials that QWEN_CREDENTIALS_SECRET seals. A gateway that runs with the same
            directory uses what is added, and lets go of what is removed, within a second.
            """,
        subcommands: [Add.self, Import.self, List.self, Remove.self])

    /// `credentials add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a Model Studio API key.",
            discussion: """
                The key is read from the terminal, or from standard input:
                  qwen-gateway credentials add team-a --region cn < key.txt
                """)

        @Argument(help: "What to call it: letters, digits, dots, hyphens, underscores, in lower case.")
        var name: String

        @Option(help: "Where the key belongs: intl (Singapore), cn (Beijing), us (Virginia), hk (Hong Kong).")
        var region: String?

        @Option(help: "The base URL that accepts it, in place of a region's; https only.")
        var baseURL: String?

        func validate() throws { try CommandSupport.checkName(name) }

        func run() async throws {
            let configuration = try CommandSupport.configuration()
            let store = try CommandSupport.store(configuration)
            let url: String
            do {
                url = try configuration.baseURL(region: region, baseURL: baseURL)
            } catch {
                throw CommandSupport.fail(error.description)
            }
            if case .oauth? = try CommandSupport.stored({ () throws(CredentialStoreError) in try store.load(name) })?
                .credential
            {
                throw CommandSupport.fail("\"\(name)\" is a login: choose another name, or remove it first")
            }
            guard let key = SecretInput.read(prompt: "API key for \(url) (it is not shown): ") else {
                throw CommandSupport.fail("no key was given")
            }
            guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw CommandSupport.fail("the key has a space, or a character that is not visible ASCII")
            }
            switch APIKeyFit(key: key, baseURL: url) {
            case .fits: break
            case .warns(let warning): CommandSupport.say("Beware: \(warning)")
            case .refused(let reason): throw CommandSupport.fail(reason)
            }
            let credential = APIKeyCredential(key: key, baseURL: url)
            try CommandSupport.stored { () throws(CredentialStoreError) in
                try store.addKey(credential, as: name, now: CommandSupport.now)
            }
            CommandSupport.say("The key is stored as \"\(name)\", sealed.")
        }
    }

    /// `credentials import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import a login of another program.",
            discussion: """
                Takes ~/.qwen/oauth_creds.json of qwen-code and files of its form. The file stays: remove it, for two
                programs that use one login take the tokens from each other.
                """)

        @Argument(help: "The file.", completion: .file(extensions: ["json"]))
        var file: String

        @Option(help: "What to call it, in place of a name made from the file's.")
        var name: String?

        func validate() throws {
            if let name { try CommandSupport.checkName(name) }
        }

        func run() async throws {
            let store = try CommandSupport.store(try CommandSupport.configuration())
            let outcome = try CommandSupport.stored { () throws(CredentialStoreError) in
                try store.importFile(file, as: name, now: CommandSupport.now)
            }
            switch outcome {
            case .sealed(let name):
                CommandSupport.say("The login is stored as \"\(name)\", sealed. \(file) is no more needed.")
            case .superseded(let name):
                CommandSupport.say("Nothing was changed: the login stored as \"\(name)\" lasts at least as long.")
            case .failed(let error): throw CommandSupport.fail(error.reason)
            }
        }
    }

    /// `credentials list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what is kept, without the secrets.")

        @Flag(help: "As JSON, for programs.")
        var json = false

        func run() async throws {
            let store = try CommandSupport.store(try CommandSupport.configuration())
            let entries = try CommandSupport.stored { () throws(CredentialStoreError) in try store.list() }
            let lines = entries.map { CredentialLine($0, now: CommandSupport.now) }
            print(json ? CredentialLine.json(lines) : CredentialLine.table(lines))
            if entries.contains(where: { (try? $0.content.get()) == nil }) { throw ExitCode.failure }
        }
    }

    /// `credentials remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove one.")

        @Argument(help: "Its name, as `credentials list` tells it.")
        var name: String

        func run() async throws {
            let store = try CommandSupport.store(try CommandSupport.configuration())
            let existed = try CommandSupport.stored { () throws(CredentialStoreError) in try store.remove(name) }
            guard existed else { throw CommandSupport.fail("there is no credential \"\(name)\"") }
            CommandSupport.say("\"\(name)\" is removed. The key or login itself is still good: revoke it at Qwen.")
        }
    }
}
