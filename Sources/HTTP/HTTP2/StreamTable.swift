/// The open streams of a connection by their identifiers, which only ever grow: adding one appends, finding one is a
/// binary search in a few cache lines.
struct StreamTable {
    private var ids: [Int32] = []
    private var streams: [HTTP2Stream] = []

    var count: Int { streams.count }
    var isEmpty: Bool { streams.isEmpty }
    /// All streams, by ascending identifier.
    var all: [HTTP2Stream] { streams }

    subscript(id: Int32) -> HTTP2Stream? {
        index(of: id).map { streams[$0] }
    }

    private func index(of id: Int32) -> Int? {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == id ? low : nil
    }

    /// Adds a stream, whose identifier must be higher than all that were added before.
    mutating func append(_ stream: HTTP2Stream) {
        assert(ids.last.map { $0 < stream.id } != false, "nghttp2 lets identifiers only grow")
        ids.append(stream.id)
        streams.append(stream)
    }

    mutating func remove(_ id: Int32) -> HTTP2Stream? {
        guard let index = index(of: id) else { return nil }
        ids.remove(at: index)
        let stream = streams.remove(at: index)
        // An idle connection holds next to nothing.
        if ids.isEmpty, ids.capacity > 16 { removeAll() }
        return stream
    }

    mutating func removeAll() {
        ids = []
        streams = []
    }
}
