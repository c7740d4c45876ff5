package import NIOCore

/// Writes Prometheus' text format, version 0.0.4: families of samples, each with a HELP and a TYPE line.
package struct MetricsText {
    package private(set) var buffer = ByteBuffer()
    private var family: StaticString = ""

    package static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package init() {}

    /// Begins a family: what `sample` writes belongs to it. `name` ends in `_total` for counters, and in the unit.
    package mutating func begin(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        family = name
        write("# HELP ")
        write(name)
        write(" ")
        write(help)
        write("\n# TYPE ")
        write(name)
        write(" ")
        buffer.writeString(kind.rawValue)
        write("\n")
    }

    package mutating func sample(_ labels: KeyValuePairs<StaticString, String>, _ value: some BinaryInteger) {
        sample("", labels, String(value))
    }

    package mutating func sample(_ value: some BinaryInteger) {
        sample([:], value)
    }

    /// - Parameter seconds: a time, or a point in time since 1970.
    package mutating func sample(_ labels: KeyValuePairs<StaticString, String> = [:], seconds: Double) {
        sample("", labels, "\(seconds)")
    }

    /// A histogram's buckets, each with those below it, its sum and its count.
    package mutating func sample(_ labels: KeyValuePairs<StaticString, String>, _ histogram: TimeHistogram) {
        var count: UInt64 = 0
        for (text, inBucket) in zip(histogram.bounds.texts, histogram.counts) {
            count &+= inBucket
            sample("_bucket", labels, "\(count)", bound: text)
        }
        count = histogram.count
        sample("_bucket", labels, "\(count)", bound: "+Inf")
        sample("_sum", labels, "\(Double(histogram.sum) / 1e9)")
        sample("_count", labels, "\(count)")
    }

    package mutating func sample(_ histogram: TimeHistogram) {
        sample([:], histogram)
    }

    private mutating func sample(
        _ suffix: StaticString, _ labels: KeyValuePairs<StaticString, String>, _ value: String,
        bound: StaticString? = nil
    ) {
        write(family)
        write(suffix)
        var separator: StaticString = "{"
        for (name, value) in labels {
            write(separator)
            write(name)
            write("=\"")
            writeEscaped(value)
            write("\"")
            separator = ","
        }
        if let bound {
            write(separator)
            write("le=\"")
            write(bound)
            write("\"")
        }
        if bound != nil || !labels.isEmpty { write("}") }
        write(" ")
        buffer.writeString(value)
        write("\n")
    }

    private mutating func write(_ text: StaticString) {
        buffer.writeStaticString(text)
    }

    /// A label's value may hold anything but these three as they are.
    private mutating func writeEscaped(_ text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): write("\\\\")
            case UInt8(ascii: "\""): write("\\\"")
            case UInt8(ascii: "\n"): write("\\n")
            default: buffer.writeInteger(byte)
            }
        }
    }
}
