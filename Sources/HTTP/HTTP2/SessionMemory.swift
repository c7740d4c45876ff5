internal import CNghttp2
internal import Glibc

/// nghttp2's memory: the heap, but for two blocks that each session allocates and that an idle one hardly uses.
///
/// They are the buffer for the largest frame, of which small frames use the first bytes, and the table of streams,
/// which is empty until the first request. From the heap both are resident, since that memory was something else's
/// before; from a `PagePool` an idle connection costs one page instead of six.
enum SessionMemory {
    private static let tables = PagePool(slotSize: 4 * 1024)
    private static let frameBuffers = PagePool(slotSize: 20 * 1024)
    /// The smallest block that is taken for a frame buffer.
    private static let smallestFrameBuffer = 12 * 1024

    /// The allocator, in nghttp2's form.
    static var allocator: nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: nil,
            malloc: { size, _ in unsafe SessionMemory.allocate(size) },
            free: { pointer, _ in unsafe SessionMemory.deallocate(pointer) },
            calloc: { count, size, _ in unsafe SessionMemory.allocateZeroed(count, size) },
            realloc: { pointer, size, _ in unsafe SessionMemory.reallocate(pointer, size) })
    }

    private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
        guard size >= smallestFrameBuffer, size <= frameBuffers.slotSize, let block = unsafe frameBuffers.take() else {
            return unsafe malloc(size)
        }
        return unsafe block
    }

    private static func allocateZeroed(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer? {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, bytes == tables.slotSize, let block = unsafe tables.take() else {
            return unsafe calloc(count, size)
        }
        return unsafe block
    }

    /// nghttp2 allocates the frame buffer by this, from nothing.
    private static func reallocate(_ pointer: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let pointer = unsafe pointer else { return unsafe allocate(size) }
        guard let pool = unsafe pool(of: pointer) else { return unsafe realloc(pointer, size) }
        guard let moved = unsafe malloc(size) else { return nil }
        unsafe moved.copyMemory(from: pointer, byteCount: min(size, pool.slotSize))
        unsafe pool.giveBack(pointer)
        return unsafe moved
    }

    private static func deallocate(_ pointer: UnsafeMutableRawPointer?) {
        if let pointer = unsafe pointer, let pool = unsafe pool(of: pointer) {
            unsafe pool.giveBack(pointer)
        } else {
            unsafe free(pointer)
        }
    }

    private static func pool(of pointer: UnsafeMutableRawPointer) -> PagePool? {
        if unsafe frameBuffers.owns(pointer) { return frameBuffers }
        return unsafe tables.owns(pointer) ? tables : nil
    }
}
