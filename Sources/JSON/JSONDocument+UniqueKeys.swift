import NIOCore

extension JSONDocument {
    /// Up to this many keys each pair is compared, which is quicker than hashing them.
    private static let mostPairedKeys = 16

    /// Throws `duplicateKey` if two members of an object have the same name after unescaping (RFC 8259 §4 leaves open
    /// what that means, and the next reader may choose the other one). Does nothing if the node is no object.
    package func checkUniqueKeys(of object: JSONNode) throws(JSONError) {
        let node = tape[object.index]
        guard node.isObject else { return }
        let end = Int(node.next)
        var keys = 0
        var key = object.index + 1
        while key < end {
            keys += 1
            if keys > Self.mostPairedKeys || tape[key].isEscaped { return try checkByHash(object) }
            var earlier = object.index + 1
            while earlier < key {
                if isSamePlainKey(earlier, key) { throw duplicate(key) }
                earlier = Int(tape[earlier + 1].next)
            }
            key = Int(tape[key + 1].next)
        }
    }

    /// Looks at each key once. The hash is seeded anew in each process, so that nobody can choose keys that collide.
    private func checkByHash(_ object: JSONNode) throws(JSONError) {
        var seen: [Int: Int] = [:]
        for member in members(of: object) {
            let key = member.key.index
            guard let earlier = seen.updateValue(key, forKey: hash(key)) else { continue }
            if unescaped(earlier) == unescaped(key) { throw duplicate(key) }
        }
    }

    private func isSamePlainKey(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (tape[left], tape[right])
        guard left.end - left.start == right.end - right.start else { return false }
        return unsafe bytes.withUnsafeReadableBytes { text in
            unsafe isEqual(
                UnsafeRawBufferPointer(rebasing: text[left.range]), UnsafeRawBufferPointer(rebasing: text[right.range]))
        }
    }

    private func hash(_ key: Int) -> Int {
        var hasher = Hasher()
        if tape[key].isEscaped {
            unsafe unescaped(key).withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        } else {
            unsafe withStringBody(of: JSONNode(index: key)) { body, _ in unsafe hasher.combine(bytes: body) }
        }
        return hasher.finalize()
    }

    private func unescaped(_ key: Int) -> [UInt8] {
        var result: [UInt8] = []
        unsafe withStringBody(of: JSONNode(index: key)) { body, _ in
            _ = unsafe JSONUnescaper.forEachPiece(of: body) { piece in
                unsafe result.append(contentsOf: piece)
                return true
            }
        }
        return result
    }

    private func duplicate(_ key: Int) -> JSONError {
        JSONError(.duplicateKey(string(JSONNode(index: key)) ?? ""), at: Int(tape[key].start))
    }
}
