import JSON

extension JSONDocument {
    /// Whether a member has this name, compared after unescaping. Most names are told apart by their length.
    @inline(__always)
    func isNamed(_ member: JSONMember, _ name: StaticString) -> Bool {
        (member.nameLength == name.utf8CodeUnitCount || member.nameLength < 0) && stringEquals(member.key, name)
    }
}
