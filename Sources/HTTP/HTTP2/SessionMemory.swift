internal import CNghttp2
internal import Glibc

/// The memory of one nghttp2 session: a few pages of its own for the blocks that live as long as the session, and the
/// heap for all others.
///
/// nghttp2 allocates for the largest frame and for full tables, of which an idle connection uses the first bytes. From
/// the heap such blocks are resident, since that memory was something else's before. Here a page that is not touched
/// costs nothing, and the blocks lie so that an idle session touches one page: the session itself, and the beginning
/// of the frame buffer.
@safe
final class SessionMemory {
    /// Where the pages hold a block. The sizes are those that nghttp2 1.52 asks for; blocks of other sizes go to the heap.
    private enum Place: UInt8, CaseIterable {
        case session, frameBuffer, encoderTable, decoderTable, streams

        var range: Range<Int> {
            switch self {
            case .session: 0..<3072
            // Small frames fit into the rest of the first page.
            case .frameBuffer: 3584..<20 * 1024
            case .encoderTable: 20 * 1024..<21 * 1024
            case .decoderTable: 21 * 1024..<22 * 1024
            case .streams: 24 * 1024..<28 * 1024
            }
        }

        var bit: UInt8 { 1 << rawValue }
    }

    private static let size = 28 * 1024
    /// The place of a byte with a bit for each place that was given out. None is given out twice: so each is zero.
    private static let takenOffset = 3072
    private static let pool = PagePool(slotSize: size)

    private let pages: UnsafeMutableRawPointer

    /// Nil when all pages are taken: the session then has to live on the heap.
    init?() {
        guard let pages = unsafe Self.pool.take() else { return nil }
        unsafe self.pages = pages
    }

    /// To be let go after the session.
    deinit {
        unsafe Self.pool.giveBack(pages)
    }

    /// The allocator, in nghttp2's form.
    var allocator: nghttp2_mem {
        unsafe nghttp2_mem(
            mem_user_data: pages,
            malloc: { size, pages in
                guard size == 1024 else { return unsafe malloc(size) }
                return unsafe SessionMemory.take(.encoderTable, pages) ?? SessionMemory.take(.decoderTable, pages)
                    ?? malloc(size)
            },
            free: { block, pages in
                if unsafe SessionMemory.place(of: block, in: pages) == nil { unsafe free(block) }
            },
            calloc: { count, size, pages in
                let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
                let place: Place? =
                    switch bytes {
                    case 2048...Place.session.range.count where !overflow: .session
                    case Place.streams.range.count where !overflow: .streams
                    default: nil
                    }
                return unsafe place.flatMap { unsafe SessionMemory.take($0, pages) } ?? calloc(count, size)
            },
            realloc: { block, size, pages in unsafe SessionMemory.reallocate(block, size, pages) })
    }

    /// nghttp2 allocates the frame buffer by this, from nothing.
    private static func reallocate(
        _ block: UnsafeMutableRawPointer?, _ size: Int, _ pages: UnsafeMutableRawPointer?
    ) -> UnsafeMutableRawPointer? {
        guard let block = unsafe block else {
            let isFrameBuffer = 12 * 1024...Place.frameBuffer.range.count ~= size
            return unsafe (isFrameBuffer ? take(.frameBuffer, pages) : nil) ?? malloc(size)
        }
        guard let place = unsafe place(of: block, in: pages) else { return unsafe realloc(block, size) }
        guard let moved = unsafe malloc(size) else { return nil }
        unsafe moved.copyMemory(from: block, byteCount: min(size, place.range.count))
        return unsafe moved
    }

    /// Gives out the place if it is free.
    private static func take(_ place: Place, _ pages: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let pages = unsafe pages else { return nil }
        let taken = unsafe pages.load(fromByteOffset: takenOffset, as: UInt8.self)
        guard taken & place.bit == 0 else { return nil }
        unsafe pages.storeBytes(of: taken | place.bit, toByteOffset: takenOffset, as: UInt8.self)
        return unsafe pages + place.range.lowerBound
    }

    private static func place(of block: UnsafeMutableRawPointer?, in pages: UnsafeMutableRawPointer?) -> Place? {
        guard let block = unsafe block, let pages = unsafe pages else { return nil }
        let offset = unsafe block - pages
        guard offset >= 0, offset < size else { return nil }
        return Place.allCases.first { $0.range.contains(offset) }
    }
}
