import Glibc
import Testing

@testable import Vault

/// Writers that die for real, in processes of their own.
struct VaultCrashTests {
    @Test(arguments: VaultDirectory.WriteStep.allCases) func killedAtAStepLeavesTheOldOrTheNew(
        step: VaultDirectory.WriteStep
    ) async throws {
        let fixture = try VaultFixture()
        try fixture.vault().write("a", [1])
        let index = try #require(VaultDirectory.WriteStep.allCases.firstIndex(of: step))
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [directory = fixture.directory as String, index = index as Int] in
            let vault = try makeVault(directory) { reached in
                if reached == VaultDirectory.WriteStep.allCases[index] { kill(getpid(), SIGKILL) }
            }
            try vault.write("a", [2])
        }
        let isNew = step == .renamed || step == .finished
        let vault = try fixture.vault()
        #expect(try vault.read("a") == [isNew ? 2 : 1])
        // The guard died with its holder, and what the dead writer left behind goes with the next write.
        try vault.write("a", [3])
        #expect(try vault.read("a") == [3])
        #expect(try fixture.files() == ["a.sealed"])
    }

    @Test func killedAtAnyInstantLeavesAWholeRecord() async throws {
        let fixture = try VaultFixture()
        let vault = try fixture.vault()
        try vault.write("a", record(0))
        for round in 0..<25 {
            // The default action of SIGALRM ends the process on the spot, as SIGKILL does.
            let microseconds = 500 + round * 331
            await #expect(processExitsWith: .signal(SIGALRM)) {
                [directory = fixture.directory as String, microseconds = microseconds as Int] in
                let vault = try makeVault(directory)
                _ = try vault.read("a")
                var timer = itimerval()
                timer.it_value.tv_usec = microseconds
                unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil)
                for value in 1..<65_536 { try vault.write("a", record(value)) }
            }
            let left = try #require(try vault.read("a"))
            #expect(left == record(Int(left[0]) | Int(left[1]) << 8))
            try vault.write("b", [1])
            #expect(try fixture.files() == ["a.sealed", "b.sealed"])
        }
    }

    @Test func processesDoNotLoseEachOthersUpdates() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().write("a", record(0))
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    await #expect(processExitsWith: .success) { [directory = fixture.directory as String] in
                        let vault = try makeVault(directory)
                        for _ in 0..<25 { try increment(vault) }
                    }
                }
            }
        }
        #expect(try fixture.vault().read("a") == record(200))
    }

    @Test func threadsDoNotLoseEachOthersUpdates() async throws {
        let fixture = try VaultFixture()
        let vault = try fixture.vault()
        try vault.write("a", record(0))
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<10 { try increment(vault) } }
                group.addTask {
                    for _ in 0..<40 {
                        let seen = try #require(try vault.read("a"))
                        #expect(seen == record(Int(seen[0]) | Int(seen[1]) << 8))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try vault.read("a") == record(80))
    }
}

/// A record that tells its number, and whether it is whole.
private func record(_ number: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
        + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 5_000)
}

private func increment(_ vault: Vault) throws {
    _ = try vault.update("a") { seen in seen.map { record((Int($0[0]) | Int($0[1]) << 8) + 1) } }
}
