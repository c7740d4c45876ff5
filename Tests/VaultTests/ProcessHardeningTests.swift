import Testing

@testable import Vault

struct ProcessHardeningTests {
    @Test func afterItTheProcessLeavesNoCoreDump() async {
        await #expect(processExitsWith: .success) {
            #expect(ProcessHardening.disableCoreDumps())
            #expect(ProcessHardening.areCoreDumpsDisabled)
        }
    }
}
