import ArgumentParser
import Dispatch
import Glibc
import QwenSimulator
import TLS

/// The command `qwen-simulator`.
@main
struct QwenSimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qwen-simulator",
        abstract: "A stand-in for Qwen: logs devices in, answers over HTTPS as Qwen does, and goes wrong on demand.",
        discussion: """
            Switches, words of the form name=value, say how it behaves. They are given with --set or --scenario, to one
            key with --with-key, and while it runs with

              curl --cacert certs/ca.pem https://localhost:PORT/simulator/behaviour -d 'error=throttling times=2'

            GET /simulator lists what else can be read and done. The switches of answers, tool calls, frames and errors
            may also stand in the last user message, for one answer: chunks=100 size=10 delay=20.

            \(Listing.switches)
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 0

    @Option(help: "The certificate chain, a PEM file.")
    var cert = "certs/server.pem"

    @Option(help: "The certificate's private key, a PEM file.")
    var key = "certs/server.key"

    @Option(help: "The protocols to offer, best first.")
    var protocols = "h2,http/1.1"

    @Option(help: "The only API key to let in, beside those of --with-key; all are, without either.")
    var apiKey: String?

    @Option(name: .customLong("with-key"), help: "A key to let in, and its switches: 'sk-a error=throttling'.")
    var keys: [String] = []

    @Option(name: .customLong("set"), help: "Switches: 'oauth.expires-in=1 headers=qwen'.")
    var switches: [String] = []

    @Option(name: .customLong("scenario"), help: "A set of switches with a name.")
    var scenarios: [String] = []

    @Option(name: .customLong("record"), help: "How many requests are kept for /simulator/requests.")
    var recordedRequests = 200

    @Option(help: "The number of event loops.")
    var workers = 1

    @Flag(help: "Show the scenarios and the switches.")
    var list = false

    func run() async throws {
        if list { return Self.write(Listing.scenarios + "\n" + Listing.switches) }
        let alpn = try protocols.split(separator: ",").map { name in
            guard let value = ApplicationProtocol(rawValue: String(name)) else {
                throw ValidationError("--protocols takes h2 and http/1.1, not '\(name)'.")
            }
            return value
        }
        var options = QwenSimulator.Options()
        options.host = host
        options.port = port
        options.apiKey = apiKey
        options.workers = workers
        options.recordedRequests = max(0, recordedRequests)
        do {
            for scenario in scenarios { try options.behaviour.apply("scenario=\(scenario)") }
            for text in switches { try options.behaviour.apply(text) }
            for text in keys { try options.behaviour.setKey(text) }
        } catch {
            throw ValidationError("\(error)")
        }
        signal(SIGPIPE, SIG_IGN)
        let tls = try TLSServerContext(certificateChainFile: cert, privateKeyFile: key, alpn: alpn)
        let simulator = try await QwenSimulator.start(options, tls: tls)
        Self.write("listening on https://\(host):\(simulator.port)\n")
        await Self.terminationSignal()
        await simulator.shutdown()
    }

    private static func write(_ text: String) {
        _ = unsafe text.withCString { unsafe Glibc.write(1, $0, strlen($0)) }
    }

    /// Returns when the process is asked to end.
    private static func terminationSignal() async {
        let (signals, continuation) = AsyncStream<Void>.makeStream()
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield() }
            source.activate()
            return source
        }
        for await _ in signals { break }
        for source in sources { source.cancel() }
    }
}
