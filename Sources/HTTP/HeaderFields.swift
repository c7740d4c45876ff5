internal import Glibc
import NIOCore

/// An ordered list of header or trailer fields (RFC 9110 §5), kept in one flat store: appending a field copies its bytes
/// and allocates nothing of its own, and a copy of the list shares the store until one of them changes.
///
/// Names are kept as they were given; every look-up compares them without regard to ASCII case.
package struct HeaderFields: Sendable {
    /// Nil while the list has never held a field.
    private var store: HeaderStore?

    package init() {}

    package var count: Int { store?.fieldCount ?? 0 }
    /// Bytes of all names and values.
    package var byteCount: Int { store?.byteCount ?? 0 }
    package var isEmpty: Bool { count == 0 }

    /// The size of the decoded list as HTTP/2 counts it: name, value and 32 bytes for each field (RFC 9113 §6.5.2).
    package var listSize: Int { byteCount + 32 * count }

    /// Makes room for as many fields with as many bytes in all their names and values.
    package mutating func reserve(fields fieldCount: Int, bytes: Int) {
        reserve(more: max(0, fieldCount - count), bytes: max(0, bytes - byteCount))
    }

    package mutating func removeAll(keepingCapacity: Bool) {
        if keepingCapacity, isKnownUniquelyReferenced(&store) { store?.removeAll() } else { store = nil }
    }

    /// Has a store of its own with room for so much more.
    private mutating func reserve(more fields: Int, bytes: Int) {
        // First the count of owners: the constant is one more.
        if isKnownUniquelyReferenced(&store), let store, store.hasRoom(fields: fields, bytes: bytes) { return }
        grow(fields: fields, bytes: bytes)
    }

    @inline(never)
    private mutating func grow(fields: Int, bytes: Int) {
        if let store {
            self.store = store.copy(fields: max(fields, store.fieldCount), bytes: max(bytes, store.byteCount))
        } else {
            store = HeaderStore(fields: max(fields, 4), bytes: max(bytes, 128))
        }
    }

    @_disfavoredOverload
    package mutating func append(_ name: StaticString, _ value: String) {
        name.withUTF8Buffer { name in
            let name = UnsafeRawBufferPointer(name)
            let isAppended: Void? = unsafe value.utf8.withContiguousStorageIfAvailable { value in
                unsafe append(name: name, value: UnsafeRawBufferPointer(value))
            }
            if isAppended == nil {
                unsafe Array(value.utf8).withUnsafeBytes { value in unsafe append(name: name, value: value) }
            }
        }
    }

    package mutating func append(_ name: StaticString, _ value: StaticString) {
        name.withUTF8Buffer { name in
            value.withUTF8Buffer { value in
                unsafe append(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
            }
        }
    }

    package mutating func append(name: String, value: String) {
        var (name, value) = (name, value)
        name.withUTF8 { name in
            value.withUTF8 { value in
                unsafe append(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
            }
        }
    }

    /// Appends a field from raw bytes, which are copied.
    package mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        if isKnownUniquelyReferenced(&store), unsafe appendToStore(name, value) { return }
        grow(fields: 1, bytes: name.count + value.count)
        _ = unsafe appendToStore(name, value)
    }

    /// The list holds its store for as long as this takes: no reference is counted, which would cost as much again.
    @inline(__always)
    private func appendToStore(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard let store else { return false }
        return unsafe Unmanaged.passUnretained(store)._withUnsafeGuaranteedRef { unsafe $0.append(name, value) }
    }

    /// Appends all fields of `other`.
    package mutating func append(contentsOf other: HeaderFields) {
        guard let others = other.store, others.fieldCount > 0 else { return }
        guard store != nil else {
            store = others
            return
        }
        reserve(more: others.fieldCount, bytes: others.byteCount)
        unsafe other.forEach { name, value in unsafe append(name: name, value: value) }
    }

    /// Calls `body` with each field in order; the bytes are valid during the call only.
    @inline(__always)
    func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        guard let store else { return }
        let bytes = unsafe store.bytes
        for index in 0..<store.fieldCount {
            let field = store[index]
            unsafe body(
                UnsafeRawBufferPointer(rebasing: bytes[field.name]),
                UnsafeRawBufferPointer(rebasing: bytes[field.value]))
        }
    }

    /// The same with the places of name and value in `bytes`, those of all fields.
    @inline(__always)
    func forEachRange(_ body: (_ name: Range<Int>, _ value: Range<Int>, _ bytes: borrowing RawSpan) -> Void) {
        guard let store else { return }
        let bytes = unsafe store.bytes.bytes
        for index in 0..<store.fieldCount {
            let field = store[index]
            body(field.name, field.value, bytes)
        }
    }

    package func name(at index: Int) -> String {
        unsafe withField(at: index) { name, _ in unsafe String(decoding: name, as: UTF8.self) }
    }

    package func value(at index: Int) -> String {
        unsafe withField(at: index) { _, value in unsafe String(decoding: value, as: UTF8.self) }
    }

    /// The value bytes of the field at `index`.
    package func valueBytes(at index: Int) -> [UInt8] {
        unsafe withField(at: index) { _, value in unsafe Array(value) }
    }

    /// Gives `body` the value of the field at `index`, without a copy; it is valid during the call only.
    package func withValue<Result>(at index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe withField(at: index) { _, value in unsafe body(value) }
    }

    /// The same as a span.
    package func withValueSpan<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        unsafe withField(at: index) { _, value in
            let bytes = unsafe value.bindMemory(to: UInt8.self)
            return unsafe body(bytes.span)
        }
    }

    @inline(__always)
    private func withField<Result>(
        at index: Int, _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Result
    ) -> Result {
        guard let store else { preconditionFailure("a field of an empty list") }
        let field = store[index]
        return unsafe body(
            UnsafeRawBufferPointer(rebasing: store.bytes[field.name]),
            UnsafeRawBufferPointer(rebasing: store.bytes[field.value]))
    }

    /// The first value of a field, or nil. `name` is given in lower case.
    package subscript(_ name: StaticString) -> String? {
        firstIndex(of: name).map { value(at: $0) }
    }

    /// The first value of a field as a number of decimal digits alone; nil for anything else. `name` is given in lower
    /// case.
    package func decimal(_ name: StaticString) -> Int? {
        guard let index = firstIndex(of: name) else { return nil }
        return unsafe withField(at: index) { _, value in unsafe value.decimal }
    }

    /// Whether the first field of this name has exactly this value. Both are given in lower case; the case of the
    /// value does not count.
    package func isValue(_ expected: StaticString, of name: StaticString) -> Bool {
        guard let index = firstIndex(of: name) else { return false }
        return unsafe withField(at: index) { _, value in
            unsafe value.count == expected.utf8CodeUnitCount && Self.matches(value, expected)
        }
    }

    /// Whether the value of the field at `index` begins with `prefix`, given in lower case.
    package func hasPrefix(_ prefix: StaticString, at index: Int) -> Bool {
        unsafe withField(at: index) { _, value in
            unsafe value.count >= prefix.utf8CodeUnitCount && Self.matches(value, prefix)
        }
    }

    /// How many fields bear this name. `name` is given in lower case.
    package func count(of name: StaticString) -> Int {
        var found = 0
        unsafe forEach { other, _ in
            if unsafe other.count == name.utf8CodeUnitCount && Self.matches(other, name) { found += 1 }
        }
        return found
    }

    /// The index of the first field of this name. `name` is given in lower case.
    package func firstIndex(of name: StaticString) -> Int? {
        guard let store else { return nil }
        return unsafe Unmanaged.passUnretained(store)._withUnsafeGuaranteedRef { store in
            for index in 0..<store.fieldCount where Self.isNamed(store, index, name) { return index }
            return nil
        }
    }

    /// Whether the field at `index` bears `name`, given in lower case (RFC 9110 §5.1: names ignore case).
    package func isNamed(_ index: Int, _ name: StaticString) -> Bool {
        guard let store else { return false }
        return Self.isNamed(store, index, name)
    }

    @inline(__always)
    private static func isNamed(_ store: HeaderStore, _ index: Int, _ name: StaticString) -> Bool {
        let field = store[index]
        guard Int(field.nameLength) == name.utf8CodeUnitCount else { return false }
        return unsafe matches(UnsafeRawBufferPointer(rebasing: store.bytes[field.name]), name)
    }

    /// Whether the first bytes are `text`, given in lower case. There must be as many.
    private static func matches(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        text.withUTF8Buffer { expected in
            // Most are in lower case already.
            guard let start = bytes.baseAddress, let other = expected.baseAddress else { return true }
            if unsafe memcmp(start, other, expected.count) == 0 { return true }
            for offset in 0..<expected.count {
                var byte = unsafe bytes[offset]
                if byte >= 0x41 && byte <= 0x5A { byte |= 0x20 }
                if unsafe byte != expected[offset] { return false }
            }
            return true
        }
    }
}

extension HeaderFields: Equatable {
    package static func == (left: HeaderFields, right: HeaderFields) -> Bool {
        guard let one = left.store, let other = right.store else { return left.isEmpty && right.isEmpty }
        guard one.fieldCount == other.fieldCount, unsafe one.bytes.elementsEqual(other.bytes) else { return false }
        return (0..<one.fieldCount).allSatisfy { one[$0] == other[$0] }
    }
}

extension UnsafeRawBufferPointer {
    /// A number of decimal digits alone; nil for anything else, and for one of more than eighteen.
    var decimal: Int? {
        guard count > 0, count <= 18 else { return nil }
        var number = 0
        for index in 0..<count {
            let digit = unsafe self[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            number = number &* 10 &+ Int(digit)
        }
        return number
    }
}
