package import NIOCore

extension JSONDocument {
    /// Appends the text with all edits to `output`. Everything that no edit touches comes out byte for byte. The edits
    /// stay until the next scan.
    ///
    /// Throws `overlappingEdits`, and appends nothing, if two edits touch the same bytes.
    package mutating func write(into output: inout ByteBuffer) throws(JSONError) {
        edits.sort()
        let longest = bytes.readableBytes + edits.text.readableBytes + edits.list.count
        try output.writeWithOutputRawSpan(minimumWritableBytes: longest) { (output) throws(JSONError) in
            try splice(into: &output)
        }
    }

    /// Appends the text without one element, or without the member whose key or value `node` is: what `remove` and
    /// `write(into:)` would give without other edits, at the price of two copies and no bookkeeping.
    package func write(omitting node: JSONNode, from container: JSONNode, into output: inout ByteBuffer) {
        let child = child(node, of: container)
        let next = nextChild(child)
        let cut: Range<Int>
        if next < Int(tape[container.index].next) {
            cut = Int(tape[child].start)..<Int(tape[next].start)
        } else if let kept = lastChild(of: container.index, before: child) {
            cut = endOfChild(kept)..<endOfChild(child)
        } else {
            cut = Int(tape[child].start)..<endOfChild(child)
        }
        let source = bytes.readableBytesSpan
        output.writeBytes(source.extracting(..<cut.lowerBound))
        output.writeBytes(source.extracting(cut.upperBound...))
    }

    /// Where the copying stands.
    private struct Progress {
        /// How far the text has been copied or left out.
        var cursor = 0
        /// The last container that is known to lose all its children, and the last such one that got a new child.
        var emptied: Int?
        var refilled: Int?
    }

    private func splice(into output: inout OutputRawSpan) throws(JSONError) {
        let source = bytes.readableBytesSpan
        let added = edits.text.readableBytesSpan
        let comma = UInt8(ascii: ",")
        var progress = Progress()
        var index = 0
        while index < edits.list.count {
            let edit = edits.list[index]
            let text = added.extracting(edit.text)
            if edit.kind == .remove {
                let (range, next) = removal(from: index, &progress)
                try Self.copy(source, upTo: range, &progress, into: &output)
                index = next
                continue
            }
            try Self.copy(source, upTo: edit.start..<edit.end, &progress, into: &output)
            switch edit.kind {
            case .insertBefore:
                output.append(text)
                output.append(comma)
            case .insertFirst where keepsChild(after: index, &progress):
                output.append(text)
                output.append(comma)
            case .insertLast where hasChildren(edit.container) && progress.emptied != edit.container:
                output.append(comma)
                output.append(text)
            case .insertFirst, .insertLast:
                if progress.refilled == edit.container { output.append(comma) }
                progress.refilled = edit.container
                output.append(text)
            case .replace, .remove:
                output.append(text)
            }
            index += 1
        }
        try Self.copy(source, upTo: source.byteCount..<source.byteCount, &progress, into: &output)
    }

    /// Copies the text up to `range`, and leaves `range` out.
    private static func copy(
        _ source: RawSpan, upTo range: Range<Int>, _ progress: inout Progress, into output: inout OutputRawSpan
    ) throws(JSONError) {
        guard range.lowerBound >= progress.cursor else { throw JSONError(.overlappingEdits, at: range.lowerBound) }
        output.append(source.extracting(progress.cursor..<range.lowerBound))
        progress.cursor = range.upperBound
    }
}

extension OutputRawSpan {
    /// Appends a copy of `bytes`; there must be room for them.
    fileprivate mutating func append(_ bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity, "no room for an edit")
        unsafe withUnsafeMutableBytes { target, count in
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[count...]).copyMemory(from: source)
            }
            count += bytes.byteCount
        }
    }
}

// MARK: - Commas

extension JSONDocument {
    private func hasChildren(_ container: Int) -> Bool {
        Int(tape[container].next) > container + 1
    }

    /// The longest run of neighbouring children that the edits from `index` on remove: the index of the edit behind
    /// it, and of the node behind it.
    private func removalRun(from index: Int) -> (nextEdit: Int, nextNode: Int) {
        let list = edits.list
        var nextEdit = index + 1
        var nextNode = nextChild(list[index].child)
        while nextEdit < list.count, list[nextEdit].kind == .remove, list[nextEdit].child == nextNode,
            list[nextEdit].container == list[index].container
        {
            nextNode = nextChild(nextNode)
            nextEdit += 1
        }
        return (nextEdit, nextNode)
    }

    /// What to leave out for the run of removals that begins with the edit at `index`, and the edit behind the run.
    ///
    /// Each child takes the comma behind it along; a run up to the end takes the comma in front of it instead.
    private func removal(from index: Int, _ progress: inout Progress) -> (range: Range<Int>, nextEdit: Int) {
        let first = edits.list[index]
        let (nextEdit, nextNode) = removalRun(from: index)
        let isAtEnd = nextNode == Int(tape[first.container].next)
        guard isAtEnd else { return (first.start..<Int(tape[nextNode].start), nextEdit) }
        let end = endOfChild(edits.list[nextEdit - 1].child)
        if let kept = lastChild(of: first.container, before: first.child) {
            return (endOfChild(kept)..<end, nextEdit)
        }
        progress.emptied = first.container
        return (first.start..<end, nextEdit)
    }

    /// Whether the container of the insertion at `index`, in front of its children, keeps one of them.
    private func keepsChild(after index: Int, _ progress: inout Progress) -> Bool {
        let list = edits.list
        let container = list[index].container
        guard hasChildren(container), progress.emptied != container else { return false }
        var next = index
        while next < list.count, list[next].kind == .insertFirst, list[next].container == container { next += 1 }
        if next < list.count, list[next].kind == .remove, list[next].child == container + 1,
            removalRun(from: next).nextNode == Int(tape[container].next)
        {
            progress.emptied = container
            return false
        }
        return true
    }
}
