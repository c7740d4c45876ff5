import NIOCore

/// One change to a scanned text.
struct JSONEdit: Sendable {
    enum Kind: Sendable {
        /// New text in place of `start..<end`.
        case replace
        /// New text and a comma at `start`, the place of a child that stays.
        case insertBefore
        /// A new first or last child of `container`.
        case insertFirst, insertLast
        /// The child of `container` that begins with the node `child` goes, and a comma with it.
        case remove
    }

    let kind: Kind
    let start: Int
    let end: Int
    var container = 0
    var child = 0
    /// The stretch of the new text in `JSONEdits.text`.
    let text: Range<Int>
    /// How many edits were recorded before this one.
    let sequence: Int

    /// By place; what is put in at a place comes before what happens to the text behind it.
    static func isInOrder(_ left: JSONEdit, _ right: JSONEdit) -> Bool {
        if left.start != right.start { return left.start < right.start }
        if left.isInFront != right.isInFront { return left.isInFront }
        return left.sequence < right.sequence
    }

    private var isInFront: Bool { kind == .insertFirst || kind == .insertBefore }
}

/// The changes to a scanned text, with storage that is kept from one text to the next.
struct JSONEdits: Sendable {
    /// Storage for more edits, or more bytes of new text, is not kept.
    private static let mostKeptEdits = 1024
    private static let largestKeptText = 65_536

    private(set) var list: [JSONEdit] = []
    private(set) var text = ByteBuffer()
    private var isSorted = true

    mutating func removeAll() {
        guard !list.isEmpty else { return }
        list.removeAll(keepingCapacity: list.capacity <= Self.mostKeptEdits)
        isSorted = true
        if text.capacity > Self.largestKeptText {
            text = ByteBuffer()
        } else if text.writerIndex > 0 {
            text.clear()
        }
    }

    /// Records an edit whose new text is what `write` appends to the buffer it is given.
    mutating func append(
        _ kind: JSONEdit.Kind, at place: Range<Int>, container: Int = 0, child: Int = 0,
        _ write: (inout ByteBuffer) -> Void = { _ in }
    ) {
        let textStart = text.writerIndex
        write(&text)
        let edit = JSONEdit(
            kind: kind, start: place.lowerBound, end: place.upperBound, container: container, child: child,
            text: textStart..<text.writerIndex, sequence: list.count)
        if let last = list.last, !JSONEdit.isInOrder(last, edit) { isSorted = false }
        list.append(edit)
    }

    mutating func sort() {
        if !isSorted { list.sort(by: JSONEdit.isInOrder) }
        isSorted = true
    }
}
