/// The bytes of log lines: memory of their own that grows and is kept, written without a check for other owners, which
/// in lines of many short pieces would cost more than the bytes.
@safe
struct LineBytes: ~Copyable {
    private var start: UnsafeMutableRawPointer
    private var capacity = 512
    private(set) var count = 0

    init() {
        unsafe start = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit {
        unsafe start.deallocate()
    }

    /// Forgets the bytes and keeps the memory.
    mutating func clear() {
        count = 0
    }

    /// The bytes; valid during the call only.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: start, count: count))
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe start.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    @inline(__always)
    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        unsafe (start + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// Appends the `length` low bytes of a word, at most eight, the lowest first: one store, whatever the length.
    @inline(__always)
    mutating func append(_ word: UInt64, length: Int) {
        precondition(length <= 8)
        reserve(8)
        unsafe start.storeBytes(of: word.littleEndian, toByteOffset: count, as: UInt64.self)
        count += length
    }

    /// Makes room for so many more bytes.
    @inline(__always)
    private mutating func reserve(_ room: Int) {
        if room > capacity - count { grow(by: room) }
    }

    @inline(never)
    private mutating func grow(by room: Int) {
        let larger = max(2 * capacity, count + room)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 8)
        unsafe moved.copyMemory(from: start, byteCount: count)
        unsafe start.deallocate()
        unsafe start = moved
        capacity = larger
    }
}
