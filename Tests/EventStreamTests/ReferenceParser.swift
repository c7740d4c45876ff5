/// A slow reading of the whole input at once, after the text of WHATWG HTML §9.2.6.
enum ReferenceParser {
    struct Event: Equatable, CustomStringConvertible {
        var data: [UInt8]
        var name: [UInt8]?
        var id: [UInt8]?
        var status: Int?
        var isComplete = true

        init(
            _ data: String, name: String? = nil, id: String? = nil, status: Int? = nil, isComplete: Bool = true
        ) {
            self.data = Array(data.utf8)
            self.name = name.map { Array($0.utf8) }
            self.id = id.map { Array($0.utf8) }
            self.status = status
            self.isComplete = isComplete
        }

        var description: String {
            let text = { (bytes: [UInt8]?) in bytes.map { String(decoding: $0, as: UTF8.self).debugDescription } ?? "-"
            }
            return "\(text(data)) name \(text(name)) id \(text(id)) status \(status ?? 0) complete \(isComplete)"
        }
    }

    /// All events; the last one is incomplete if the input ends within it. `isClean` is whether nothing was left.
    static func parse(_ input: [UInt8]) -> (events: [Event], isClean: Bool) {
        var input = input[...]
        if input.starts(with: [0xEF, 0xBB, 0xBF]) { input = input.dropFirst(3) }
        let sawOnlyMark = input.isEmpty && input.startIndex > 0

        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        while let byte = input.popFirst() {
            if byte == 0x0A || byte == 0x0D {
                if byte == 0x0D, input.first == 0x0A { input = input.dropFirst() }
                lines.append(line)
                line = []
            } else {
                line.append(byte)
            }
        }

        var events: [Event] = []
        var event = Event("")
        var hasData = false
        var hasField = false
        func read(_ line: [UInt8]) {
            let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
            var value = line[min(colon + 1, line.endIndex)...]
            if colon == 0 {
                let text = String(decoding: value, as: UTF8.self)
                guard text.hasPrefix("HTTP_STATUS/"), text.utf8.count == 15,
                    text.utf8.suffix(3).allSatisfy({ (0x30...0x39).contains($0) })
                else { return }
                event.status = Int(text.dropFirst(12))
                hasField = true
                return
            }
            if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
            switch String(decoding: line[..<colon], as: UTF8.self) {
            case "data":
                event.data += (hasData ? [0x0A] : []) + value
                hasData = true
                hasField = true
            case "event":
                event.name = value.isEmpty ? nil : Array(value)
                hasField = true
            case "id" where !value.contains(0):
                event.id = Array(value)
                hasField = true
            default: break
            }
        }
        for line in lines {
            if line.isEmpty {
                if hasData { events.append(event) }
                event = Event("")
                hasData = false
                hasField = false
            } else {
                read(line)
            }
        }
        let isClean = line.isEmpty && !hasField && !sawOnlyMark
        if !line.isEmpty { read(line) }
        if hasData {
            event.isComplete = false
            events.append(event)
        }
        return (events, isClean)
    }
}
