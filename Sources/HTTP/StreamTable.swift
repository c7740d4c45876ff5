/// What belongs to the open streams of a connection, by their identifiers. Those only ever grow: adding one appends, and
/// finding one is a binary search in a few cache lines.
///
/// Public and inlinable, so that other modules get code for their own elements: of what is package the compiler makes
/// none beyond the module.
@frozen public struct StreamTable<Element> {
    @usableFromInline var ids: [Int32] = []
    @usableFromInline var elements: [Element] = []

    @inlinable public init() {}

    @inlinable public var count: Int { elements.count }
    @inlinable public var isEmpty: Bool { elements.isEmpty }
    /// All elements, by ascending identifier.
    @inlinable public var all: [Element] { elements }

    @inlinable public subscript(id: Int32) -> Element? {
        let index = place(of: id)
        return index < ids.count && ids[index] == id ? elements[index] : nil
    }

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
    @inlinable public mutating func insert(_ element: Element, at id: Int32) {
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
    public mutating func remove(_ id: Int32) -> Element? {
        let index = place(of: id)
        guard index < ids.count, ids[index] == id else { return nil }
        ids.remove(at: index)
        let element = elements.remove(at: index)
        // An idle connection holds next to nothing.
        if ids.isEmpty, ids.capacity > 16 { removeAll() }
        return element
    }

    @inlinable public mutating func removeAll() {
        ids = []
        elements = []
    }
}

extension StreamTable {
    @inline(__always) package subscript(id: StreamID) -> Element? { self[id.rawValue] }
}
