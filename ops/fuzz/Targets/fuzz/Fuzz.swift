internal import CLibFuzzer

/// `fuzz TARGET [libFuzzer's arguments]`
///
/// Runs libFuzzer over one target. A target is a function of one input: it does with the bytes what the gateway does
/// with a peer's, and stops the process where something does not hold that must.
@main
enum Fuzz {
    /// What the driver calls, which passes nothing but the input. Set once, before it starts.
    nonisolated(unsafe) private static var target: Target = { _ in }

    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count > 1, let chosen = targets[arguments[1]] else {
            print(targets.keys.sorted().joined(separator: "\n"))
            return
        }
        unsafe target = chosen
        var count = CommandLine.argc - 1
        var values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe CommandLine.unsafeArgv + 1
        withExtendedLifetime(arguments) {
            _ = unsafe LLVMFuzzerRunDriver(&count, &values) { data, size in
                unsafe Fuzz.target(Array(UnsafeBufferPointer(start: data, count: size)))
                return 0
            }
        }
    }
}

/// Takes one input.
typealias Target = @Sendable ([UInt8]) -> Void

/// Stops the process, which libFuzzer takes for a finding, unless `condition` holds.
func check(_ condition: Bool, _ what: @autoclosure () -> String) {
    if !condition { fatalError(what()) }
}
