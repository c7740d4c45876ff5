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
        abstract: "A stand-in for Qwen: answers chat completions over HTTPS, and goes wrong on demand.",
        discussion: """
            The last user message steers the answer, with words such as:
              chunks=100 size=10 delay=20   100 pieces of 10 bytes, 20 ms apart
              text=ha                       each piece is this text
              first=500                     500 ms before the first byte
              status=429                    an error with this status
              fail=cut@5                    the connection closes after 5 pieces
              fail=reset@5, fail=end@5, fail=stall@5, fail=error@5
            GET /_simulator/stats counts the requests.
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

    @Option(help: "The only API key to let in; all are, without this option.")
    var apiKey: String?

    @Option(help: "The number of event loops.")
    var workers = 1

    func run() async throws {
        let alpn = try protocols.split(separator: ",").map { name in
            guard let value = ApplicationProtocol(rawValue: String(name)) else {
                throw ValidationError("--protocols takes h2 and http/1.1, not '\(name)'.")
            }
            return value
        }
        signal(SIGPIPE, SIG_IGN)
        let tls = try TLSServerContext(certificateChainFile: cert, privateKeyFile: key, alpn: alpn)
        var options = QwenSimulator.Options()
        options.host = host
        options.port = port
        options.apiKey = apiKey
        options.workers = workers
        let simulator = try await QwenSimulator.start(options, tls: tls)
        let line = "listening on https://\(host):\(simulator.port)\n"
        _ = unsafe line.withCString { unsafe write(1, $0, strlen($0)) }
        await Self.terminationSignal()
        await simulator.shutdown()
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
