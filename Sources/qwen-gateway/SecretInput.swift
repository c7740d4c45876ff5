import Dispatch
import Glibc

/// Reads a secret that must not stand in the command line, where every user of the machine could see it.
enum SecretInput {
    /// The most bytes of it.
    private static let limit = 64 * 1024

    /// A line from the terminal, which does not show it, or all of standard input without white space around it; nil
    /// for an empty one.
    static func read(prompt: String) -> String? {
        guard isatty(0) == 1 else { return trimmed(bytes(untilLine: false)) }
        CommandSupport.say(prompt)
        var settings = termios()
        guard unsafe tcgetattr(0, &settings) == 0 else { return nil }
        let shown = settings
        let signals = endings(restoring: shown)
        defer { release(signals) }
        settings.c_lflag &= ~tcflag_t(ECHO)
        unsafe tcsetattr(0, TCSAFLUSH, &settings)
        defer {
            var shown = shown
            unsafe tcsetattr(0, TCSAFLUSH, &shown)
        }
        return trimmed(bytes(untilLine: true))
    }

    private static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Ends the process on a signal, as it would end anyhow, but with the terminal as it was.
    private static func endings(restoring settings: termios) -> [any DispatchSourceSignal] {
        endingSignals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                var shown = settings
                unsafe tcsetattr(0, TCSANOW, &shown)
                _exit(128 + number)
            }
            source.activate()
            return source
        }
    }

    private static func release(_ sources: [any DispatchSourceSignal]) {
        for source in sources { source.cancel() }
        for number in endingSignals { signal(number, SIG_DFL) }
    }

    private static func bytes(untilLine: Bool) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while all.count < limit {
            let count = unsafe Glibc.read(0, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            all += chunk[..<count]
            if untilLine, all.contains(UInt8(ascii: "\n")) { break }
        }
        return all
    }

    private static func trimmed(_ bytes: [UInt8]) -> String? {
        let text = String(decoding: bytes, as: UTF8.self)
        let trimmed = text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed()
        return trimmed.isEmpty ? nil : String(trimmed)
    }
}
