import NIOCore

/// An ordered list of header or trailer fields (RFC 9110 §5), kept in one flat byte store: appending a field
/// copies its bytes and allocates nothing of its own.
///
/// Names are kept as they were given; every look-up compares them without regard to ASCII case.
package struct HeaderFields: Sendable, Equatable {
    /// Where one field lies in the store: the name, directly followed by the value.
    struct Field: Sendable, Equatable {
        var start: UInt32
        var nameLength: UInt32
        var valueLength: UInt32
    }

    private(set) var storage: [UInt8] = []
    private(set) var fields: [Field] = []

    package init() {}

    package var count: Int { fields.count }
    /// Bytes of all names and values.
    package var byteCount: Int { storage.count }
    package var isEmpty: Bool { fields.isEmpty }

    /// The size of the decoded list as HTTP/2 counts it: name, value and 32 bytes for each field (RFC 9113 §6.5.2).
    package var listSize: Int { storage.count + 32 * fields.count }

    package mutating func reserve(fields fieldCount: Int, bytes: Int) {
        fields.reserveCapacity(fieldCount)
        storage.reserveCapacity(bytes)
    }

    package mutating func removeAll(keepingCapacity: Bool) {
        storage.removeAll(keepingCapacity: keepingCapacity)
        fields.removeAll(keepingCapacity: keepingCapacity)
    }

    @_disfavoredOverload
    package mutating func append(_ name: StaticString, _ value: String) {
        let start = storage.count
        name.withUTF8Buffer { unsafe storage.append(contentsOf: $0) }
        let nameLength = storage.count - start
        storage.append(contentsOf: value.utf8)
        record(start: start, nameLength: nameLength)
    }

    package mutating func append(_ name: StaticString, _ value: StaticString) {
        let start = storage.count
        name.withUTF8Buffer { unsafe storage.append(contentsOf: $0) }
        let nameLength = storage.count - start
        value.withUTF8Buffer { unsafe storage.append(contentsOf: $0) }
        record(start: start, nameLength: nameLength)
    }

    package mutating func append(name: String, value: String) {
        let start = storage.count
        storage.append(contentsOf: name.utf8)
        let nameLength = storage.count - start
        storage.append(contentsOf: value.utf8)
        record(start: start, nameLength: nameLength)
    }

    /// Appends a field from raw bytes, which are copied.
    package mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        let start = storage.count
        unsafe storage.append(contentsOf: name)
        let nameLength = storage.count - start
        unsafe storage.append(contentsOf: value)
        record(start: start, nameLength: nameLength)
    }

    /// Appends all fields of `other`.
    package mutating func append(contentsOf other: HeaderFields) {
        let shift = UInt32(storage.count)
        storage.append(contentsOf: other.storage)
        for var field in other.fields {
            field.start += shift
            fields.append(field)
        }
    }

    /// The store and the fields' places in it, as C wants them. The pointer is valid during the call only.
    func withUnsafeFields<Result>(_ body: (UnsafeMutablePointer<UInt8>, [Field]) -> Result) -> Result {
        unsafe storage.withUnsafeBufferPointer { bytes in
            // nghttp2 declares the pointers mutable and does not write through them.
            let empty = unsafe UnsafeMutablePointer<UInt8>(bitPattern: 1).unsafelyUnwrapped
            return unsafe body(bytes.baseAddress.map { unsafe UnsafeMutablePointer(mutating: $0) } ?? empty, fields)
        }
    }

    private mutating func record(start: Int, nameLength: Int) {
        let valueLength = storage.count - start - nameLength
        fields.append(
            Field(start: UInt32(start), nameLength: UInt32(nameLength), valueLength: UInt32(valueLength)))
    }

    package func name(at index: Int) -> String {
        let field = fields[index]
        let start = Int(field.start)
        return String(decoding: storage[start..<start + Int(field.nameLength)], as: UTF8.self)
    }

    package func value(at index: Int) -> String {
        let field = fields[index]
        let start = Int(field.start) + Int(field.nameLength)
        return String(decoding: storage[start..<start + Int(field.valueLength)], as: UTF8.self)
    }

    /// The value bytes of the field at `index`, without a copy.
    package func valueBytes(at index: Int) -> ArraySlice<UInt8> {
        let field = fields[index]
        let start = Int(field.start) + Int(field.nameLength)
        return storage[start..<start + Int(field.valueLength)]
    }

    /// The first value of a field, or nil. `name` is given in lower case.
    package subscript(_ name: StaticString) -> String? {
        firstIndex(of: name).map { value(at: $0) }
    }

    /// Whether the first field of this name has exactly this value. Both are given in lower case; the case of the
    /// value does not count.
    package func isValue(_ expected: StaticString, of name: StaticString) -> Bool {
        guard let index = firstIndex(of: name) else { return false }
        return hasPrefix(expected, at: index) && Int(fields[index].valueLength) == expected.utf8CodeUnitCount
    }

    /// Whether the value of the field at `index` begins with `prefix`, given in lower case.
    package func hasPrefix(_ prefix: StaticString, at index: Int) -> Bool {
        let field = fields[index]
        guard Int(field.valueLength) >= prefix.utf8CodeUnitCount else { return false }
        return matches(prefix, from: Int(field.start) + Int(field.nameLength))
    }

    /// How many fields bear this name. `name` is given in lower case.
    package func count(of name: StaticString) -> Int {
        fields.indices.reduce(into: 0) { if isNamed($1, name) { $0 += 1 } }
    }

    /// The index of the first field of this name. `name` is given in lower case.
    package func firstIndex(of name: StaticString) -> Int? {
        fields.indices.first { isNamed($0, name) }
    }

    /// Whether the field at `index` bears `name`, given in lower case (RFC 9110 §5.1: names ignore case).
    package func isNamed(_ index: Int, _ name: StaticString) -> Bool {
        let field = fields[index]
        guard Int(field.nameLength) == name.utf8CodeUnitCount else { return false }
        return matches(name, from: Int(field.start))
    }

    /// Whether the store holds `text`, given in lower case, at `start`. There must be as many bytes.
    private func matches(_ text: StaticString, from start: Int) -> Bool {
        text.withUTF8Buffer { expected in
            for offset in 0..<expected.count {
                var byte = storage[start + offset]
                if byte >= 0x41 && byte <= 0x5A { byte |= 0x20 }
                if unsafe byte != expected[offset] { return false }
            }
            return true
        }
    }

    /// Writes the field at `index` as an HTTP/1.1 field line (RFC 9112 §5).
    func writeLine(at index: Int, into output: inout ByteBuffer) {
        let field = fields[index]
        let start = Int(field.start)
        let middle = start + Int(field.nameLength)
        output.writeBytes(storage[start..<middle])
        output.writeStaticString(": ")
        output.writeBytes(storage[middle..<middle + Int(field.valueLength)])
        output.writeStaticString("\r\n")
    }
}
