/// A value that must not be shown: a client key, a key for Qwen. However it is printed, it says `[redacted]`;
/// who needs the text asks for it by name.
package struct Secret: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself.
    package let value: String

    package init(_ secret: String) { value = secret }

    package var description: String { "[redacted]" }
    package var debugDescription: String { "[redacted]" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
