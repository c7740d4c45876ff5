internal import JSON
internal import NIOCore

/// Why a file of state is not what it should be. Holds nothing of it but names of members.
enum StateDocumentFault: Error, Equatable {
    case newerVersion(Int)
    case malformed(String)

    /// The same of a part of the file.
    func prefixed(_ part: String) -> StateDocumentFault {
        if case .malformed(let what) = self { return .malformed("\(part) \(what)") }
        return self
    }

    /// As an error of the file at `path`.
    func error(_ path: String, remedy: String) -> ClientKeyStoreError {
        switch self {
        case .newerVersion(let version):
            ClientKeyStoreError(
                .newerVersion,
                "\(path) has version \(version) of its form, which this program does not know. Run the newer program"
                    + " that wrote it")
        case .malformed(let what):
            ClientKeyStoreError(.malformed, "\(path) can not be used: \(what). \(remedy)")
        }
    }
}

extension JSONDocument {
    private static var stateLimits: JSONLimits { JSONLimits(depth: 16, nodes: 1_000_000) }

    /// Scans a file: an object with a version that is known.
    mutating func scanState(_ content: [UInt8], version: Int) throws(StateDocumentFault) {
        do throws(JSONError) {
            try scan(ByteBuffer(bytes: content), limits: Self.stateLimits)
            try checkUniqueKeys(of: root)
        } catch {
            throw .malformed("it is not the JSON that it should be")
        }
        guard let written = member("version", of: root).flatMap({ integer($0) }), written > 0 else {
            throw .malformed("it has no version")
        }
        guard written <= version else { throw .newerVersion(written) }
    }

    func text(_ node: JSONNode, _ name: String) throws(StateDocumentFault) -> String {
        guard let text = string(node) else { throw .malformed("\(name) is no string") }
        return text
    }

    func texts(_ node: JSONNode, _ name: String) throws(StateDocumentFault) -> [String] {
        guard kind(of: node) == .array else { throw .malformed("\(name) is no list") }
        var texts: [String] = []
        for element in elements(of: node) { texts.append(try text(element, name)) }
        return texts
    }

    func whole(_ node: JSONNode, _ name: String) throws(StateDocumentFault) -> Int64 {
        guard let number = integer(node), number >= 0 else { throw .malformed("\(name) is no whole number") }
        return Int64(number)
    }

    func count(_ node: JSONNode, _ name: String, most: Int) throws(StateDocumentFault) -> Int {
        guard let number = integer(node), (0...most).contains(number) else {
            throw .malformed("\(name) is no number in 0...\(most)")
        }
        return number
    }
}
