internal import Glibc

/// A block of the heap's, to be given back with `free`.
///
/// Not `allocate`, which asks for an alignment and so gets past what the heap keeps at hand. Without memory the process
/// ends, as with every allocation of Swift's own; limits bound how much a peer can have asked for by then.
@inline(__always)
func heapBlock(_ size: Int) -> UnsafeMutableRawPointer {
    guard let block = unsafe malloc(size) else { fatalError("no memory for \(size) bytes") }
    return unsafe block
}
