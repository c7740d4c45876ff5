/// What belongs to the open streams of a connection, by their identifiers. Those only ever grow: adding one appends, and
/// finding one is a binary search in a few cache lines.
///
/// Inlinable, so that other modules get code for their own elements.
package struct StreamTable<Element> {
    @usableFromInline var ids: [Int32] = []
    @usableFromInline var elements: [Element] = []

    @inlinable package init() {}

    @inlinable package var count: Int { elements.count }
    @inlinable package var isEmpty: Bool { elements.isEmpty }
    /// All elements, by ascending identifier.
    @inlinable package var all: [Element] { elements }

    @inlinable package subscript(id: Int32) -> Element? {
        let index = place(of: id)
        return index < ids.count && ids[index] == id ? elements[index] : nil
    }

    @inlinable package subscript(id: StreamID) -> Element? { self[id.rawValue] }

    /// Where the identifier is, or where it would have to be.
    @inlinable func place(of id: Int32) -> Int {
        var low = 0
        var high = ids.count
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Adds an element, or puts it in the place of the one with its identifier.
    @inlinable package mutating func insert(_ element: Element, at id: Int32) {
        if let last = ids.last, last >= id {
            let index = place(of: id)
            if ids[index] == id {
                elements[index] = element
            } else {
                ids.insert(id, at: index)
                elements.insert(element, at: index)
            }
            return
        }
        ids.append(id)
        elements.append(element)
    }

    @discardableResult @inlinable
    package mutating func remove(_ id: Int32) -> Element? {
        let index = place(of: id)
        guard index < ids.count, ids[index] == id else { return nil }
        ids.remove(at: index)
        let element = elements.remove(at: index)
        // An idle connection holds next to nothing.
        if ids.isEmpty, ids.capacity > 16 { removeAll() }
        return element
    }

    @inlinable package mutating func removeAll() {
        ids = []
        elements = []
    }
}
