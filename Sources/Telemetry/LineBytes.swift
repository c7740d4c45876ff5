/// The bytes of log lines: memory of their own that grows and is kept, written without a check for other owners, which
/// in lines of many short pieces would cost more than the bytes.
@safe
struct LineBytes: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init() {
        unsafe storage = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    deinit {
        unsafe storage.deallocate()
    }

    private var capacity: Int { unsafe storage.count }

    /// Forgets the bytes and keeps the memory.
    mutating func clear() {
        count = 0
    }

    /// The bytes; valid during the call only.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(rebasing: storage[..<count]))
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == capacity { grow(by: 1) }
        unsafe storage[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        if bytes.count > capacity - count { grow(by: bytes.count) }
        unsafe UnsafeMutableRawBufferPointer(rebasing: storage[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    @inline(never)
    private mutating func grow(by room: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(2 * capacity, count + room, 512), alignment: 1)
        unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[..<count]))
        unsafe storage.deallocate()
        unsafe storage = larger
    }
}
