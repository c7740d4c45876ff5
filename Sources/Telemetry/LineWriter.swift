internal import NIOCore

/// Writes log lines in one of the two formats into memory of its own, which it keeps: in the steady state a line of
/// fields that are in ASCII allocates nothing.
///
/// A line is `begin`, any number of `field`s, `end`. Values may come from a peer: whatever is in them, a line stays one
/// line and a value one value. Registered secrets are replaced in every text.
struct LineWriter: ~Copyable {
    private let format: LogFormat
    private var timestamp = TimestampWriter()

    /// The secrets to replace.
    var secrets: SecretMatcher
    /// The lines.
    private(set) var bytes = LineBytes()

    init(format: LogFormat, secrets: SecretMatcher) {
        self.format = format
        self.secrets = secrets
    }

    /// Forgets the lines and keeps the memory.
    mutating func clear() {
        bytes.clear()
    }

    /// Begins a line with the fields that each one has.
    mutating func begin(_ time: WallTime, level: String, message: String) {
        switch format {
        case .json:
            bytes.write("{\"time\":\"")
            timestamp.write(time, into: &bytes)
            bytes.write("\",\"level\":\"")
            bytes.write(level)
            bytes.write("\",\"msg\":")
            writeQuoted(message)
        case .text:
            timestamp.write(time, into: &bytes)
            bytes.write(" ")
            bytes.write(level)
            bytes.write(" ")
            writeText(message, maySpace: true)
        }
    }

    /// The same for level and message of the gateway's own, in which nothing is to be escaped, quoted or redacted.
    mutating func begin(_ time: WallTime, plain level: StaticString, _ message: StaticString) {
        switch format {
        case .json:
            bytes.write("{\"time\":\"")
            timestamp.write(time, into: &bytes)
            bytes.write("\",\"level\":\"")
            bytes.write(level)
            bytes.write("\",\"msg\":\"")
            bytes.write(message)
            bytes.write("\"")
        case .text:
            timestamp.write(time, into: &bytes)
            bytes.write(" ")
            bytes.write(level)
            bytes.write(" ")
            bytes.write(message)
        }
    }

    mutating func end() {
        switch format {
        case .json: bytes.write("}\n")
        case .text: bytes.write("\n")
        }
    }

    @inline(__always)
    mutating func field(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        writeName(name)
        writeText(text)
    }

    /// Text of the gateway's own, in which nothing is to be escaped or redacted.
    @inline(__always)
    mutating func field(_ name: StaticString, plain text: String?) {
        guard let text else { return }
        writeName(name)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
        bytes.write(text)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
    }

    @inline(__always)
    mutating func field(_ name: StaticString, _ number: Int?) {
        guard let number else { return }
        writeName(name)
        bytes.writeDecimal(number)
    }

    @inline(__always)
    mutating func field(_ name: StaticString, _ flag: Bool?) {
        guard let flag else { return }
        writeName(name)
        if flag { bytes.write("true") } else { bytes.write("false") }
    }

    /// A length of time, in milliseconds.
    @inline(__always)
    mutating func field(_ name: StaticString, _ time: TimeAmount?) {
        guard let time else { return }
        writeName(name)
        bytes.writeMilliseconds(time)
    }

    /// Inlined, so that the name is copied in a few stores whose number is known.
    @inline(__always)
    private mutating func writeName(_ name: StaticString) {
        switch format {
        case .json:
            bytes.write(",\"")
            bytes.write(name)
            bytes.write("\":")
        case .text:
            bytes.write(" ")
            bytes.write(name)
            bytes.write("=")
        }
    }

    /// Writes the name of a field that was not known when the code was written.
    mutating func writeName(dynamic name: String) {
        switch format {
        case .json:
            bytes.write(",")
            writeQuoted(name)
            bytes.write(":")
        case .text:
            bytes.write(" ")
            writeText(name)
            bytes.write("=")
        }
    }

    /// Writes text as a value: quoted in JSON, bare in the text format where that is unmistakable.
    mutating func writeText(_ text: String, maySpace: Bool = false) {
        let isBare = format == .text && !text.utf8.needQuotes(maySpace: maySpace)
        guard isBare, writePlain(text, quote: false) else { return writeQuoted(text) }
    }

    /// Writes text as a JSON string.
    mutating func writeQuoted(_ text: String) {
        if !writePlain(text, quote: true) { bytes.writeQuoted(secrets.redact(text)) }
    }

    /// The fast path: writes text in which nothing is to be escaped or redacted, as most is.
    /// - Returns: False, with nothing written, if there is.
    private mutating func writePlain(_ text: String, quote: Bool) -> Bool {
        unsafe text.utf8.withContiguousStorageIfAvailable { utf8 in
            let text = UnsafeRawBufferPointer(utf8)
            guard unsafe text.isPlain, unsafe !secrets.occur(in: utf8.span) else { return false }
            if quote { bytes.append(UInt8(ascii: "\"")) }
            unsafe bytes.append(contentsOf: text)
            if quote { bytes.append(UInt8(ascii: "\"")) }
            return true
        } ?? false
    }

    /// Writes what is JSON already.
    mutating func writeUnescaped(_ json: String) {
        bytes.write(json)
    }
}
