/// A value that several closures change.
final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}
