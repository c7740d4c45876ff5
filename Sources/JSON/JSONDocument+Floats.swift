import NIOCore

extension JSONDocument {
    /// Appends the elements of an array, each the Float nearest to the decimal that is written: there is no stop at a
    /// Double on the way, which could round twice.
    ///
    /// - Returns: false if the node is no array, or an element is no number or too large for a Float. Those in front
    ///   of it have been appended then.
    package func appendFloats(of array: JSONNode, to output: inout [Float]) -> Bool {
        let list = tape[array.index]
        guard list.kind == .array else { return false }
        let end = Int(list.next)
        return unsafe bytes.withUnsafeReadableBytes { text in
            var index = array.index + 1
            while index < end {
                let node = tape[index]
                guard node.kind == .number,
                    let value = unsafe DecimalFloat.parse(UnsafeRawBufferPointer(rebasing: text[node.range]))
                else { return false }
                output.append(value)
                // A number holds no other nodes.
                index += 1
            }
            return true
        }
    }
}
