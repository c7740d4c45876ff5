internal import Glibc

/// The memory of a header list, in one block: the bytes of names and values from the front, and the places of the
/// fields, last one first, from the back.
///
/// `HeaderFields` is the safe face of it and its only user: it changes a store only while it owns it alone.
@safe
final class HeaderStore: @unchecked Sendable {
    /// Where one field lies in the store: the name, directly followed by the value.
    struct Field: Equatable {
        var start: UInt32
        var nameLength: UInt32
        var valueLength: UInt32

        @inline(__always) var name: Range<Int> { Int(start)..<Int(start) + Int(nameLength) }
        @inline(__always) var value: Range<Int> { name.upperBound..<name.upperBound + Int(valueLength) }
    }

    private static let stride = MemoryLayout<Field>.stride

    private let memory: UnsafeMutableRawBufferPointer
    private(set) var byteCount = 0
    private(set) var fieldCount = 0

    init(fields: Int, bytes: Int) {
        let size = (bytes + 3) & ~3 + fields * Self.stride
        unsafe memory = UnsafeMutableRawBufferPointer(start: heapBlock(size), count: size)
    }

    deinit {
        unsafe free(memory.baseAddress)
    }

    /// A copy with this much more room.
    func copy(fields: Int, bytes: Int) -> HeaderStore {
        let copy = HeaderStore(fields: fieldCount + fields, bytes: byteCount + bytes)
        unsafe copy.memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<byteCount]))
        let places = fieldCount * Self.stride
        unsafe UnsafeMutableRawBufferPointer(rebasing: copy.memory.suffix(places))
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory.suffix(places)))
        copy.byteCount = byteCount
        copy.fieldCount = fieldCount
        return copy
    }

    @inline(__always)
    func hasRoom(fields: Int, bytes: Int) -> Bool {
        unsafe memory.count - byteCount - fieldCount * Self.stride >= fields * Self.stride + bytes
    }

    func removeAll() {
        byteCount = 0
        fieldCount = 0
    }

    /// The field at `index`, which must be one of the store's.
    @inline(__always)
    subscript(index: Int) -> Field {
        precondition(index >= 0 && index < fieldCount)
        return unsafe memory.load(fromByteOffset: memory.count - (index + 1) * Self.stride, as: Field.self)
    }

    /// The bytes of all names and values.
    @inline(__always)
    var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: memory[..<byteCount]) }

    /// Appends a field; false, with nothing changed, where there is no room for it.
    @inline(__always)
    func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard hasRoom(fields: 1, bytes: name.count + value.count), let start = unsafe memory.baseAddress else {
            return false
        }
        if let bytes = name.baseAddress { unsafe (start + byteCount).copyMemory(from: bytes, byteCount: name.count) }
        let end = byteCount + name.count
        if let bytes = value.baseAddress { unsafe (start + end).copyMemory(from: bytes, byteCount: value.count) }
        fieldCount += 1
        let field = Field(
            start: UInt32(truncatingIfNeeded: byteCount), nameLength: UInt32(truncatingIfNeeded: name.count),
            valueLength: UInt32(truncatingIfNeeded: value.count))
        unsafe (start + memory.count - fieldCount * Self.stride).storeBytes(of: field, as: Field.self)
        byteCount = end + value.count
        return true
    }
}
