import Glibc
import TestSupport
import Testing

@testable import Vault

struct FileLockTests {
    private let temporary: TemporaryDirectory
    private let path: String
    private let lock: FileLock
    private let now: Int64 = 1_795_700_000_000

    init() throws {
        temporary = try TemporaryDirectory()
        path = temporary.path + "/oauth_creds.lock"
        lock = FileLock(path: path)
    }

    private func files() -> [String] { PlaintextFile.names(in: temporary.path) }

    @Test func isAFileThatHoldsAUUIDAndTheTime() throws {
        let held = try #require(try lock.tryAcquire(now: now))
        let token = String(decoding: readFile(path) ?? [], as: UTF8.self)
        #expect(token == held.token)
        #expect(token.utf8.count == 36 && Array(token.utf8)[14] == UInt8(ascii: "4"))
        #expect(FileStatus(path)?.modified == now * 1_000_000)
        #expect(modeOf(path) == "600")
        #expect(held.release())
        #expect(FileStatus(path) == nil)
        #expect(try !held.release() && !held.touch(now: now))
    }

    @Test func isNotGivenTwice() throws {
        let held = try #require(try lock.tryAcquire(now: now))
        #expect(try lock.tryAcquire(now: now) == nil)
        #expect(try lock.tryAcquire(now: now + FileLock.staleAge) == nil)
        held.release()
        #expect(try lock.tryAcquire(now: now) != nil)
    }

    @Test func isReleasedWhenItIsDropped() throws {
        do { _ = try #require(try lock.tryAcquire(now: now)) }
        #expect(FileStatus(path) == nil)
    }

    @Test func anotherProgramsLockIsHonoured() throws {
        writeFile(path, Array("4f8e4a2e-0000-4000-8000-000000000000".utf8))
        let modified = try #require(FileStatus(path)).modified / 1_000_000
        #expect(try lock.tryAcquire(now: modified + FileLock.staleAge) == nil)
        let held = try #require(try lock.tryAcquire(now: modified + FileLock.staleAge + 1))
        #expect(held.token != "4f8e4a2e-0000-4000-8000-000000000000")
        #expect(files() == ["oauth_creds.lock", "oauth_creds.lock.guard"])
    }

    @Test func aLockFromTheFutureIsStale() throws {
        writeFile(path, [])
        let modified = try #require(FileStatus(path)).modified / 1_000_000
        #expect(try lock.tryAcquire(now: modified - FileLock.staleAge) == nil)
        #expect(try lock.tryAcquire(now: modified - FileLock.staleAge - 1) != nil)
    }

    @Test func aTouchKeepsItFromGoingStale() throws {
        let held = try #require(try lock.tryAcquire(now: now))
        #expect(try held.touch(now: now + 9_000))
        #expect(try lock.tryAcquire(now: now + 19_000) == nil)
        #expect(try lock.tryAcquire(now: now + 19_001) != nil)
    }

    @Test func whoOversleptNeitherTouchesNorRemovesTheNextHoldersLock() throws {
        let late = try #require(try lock.tryAcquire(now: now))
        let next = try #require(try lock.tryAcquire(now: now + 20_000))
        #expect(try !late.touch(now: now + 30_000))
        #expect(FileStatus(path)?.modified == (now + 20_000) * 1_000_000)
        #expect(!late.release())
        #expect(readFile(path) == Array(next.token.utf8))
        #expect(next.release())
    }

    @Test func aLockThatWasRewrittenIsNotRemoved() throws {
        let held = try #require(try lock.tryAcquire(now: now))
        writeFile(path, Array("another".utf8))
        #expect(!held.release())
        #expect(readFile(path) == Array("another".utf8))
    }

    @Test func aFreshLockThatWasRenamedByMistakeIsPutBack() throws {
        writeFile(path, Array("stale".utf8))
        let now = try #require(FileStatus(path)).modified / 1_000_000 + 20_000
        // A program without the guard removes the stale lock and takes it in the moment before the rename.
        let isRemoved = try lock.removeStale(now: now) {
            _ = unsafe unlink(path)
            let descriptor = unsafe open(path, O_CREAT | O_EXCL | O_WRONLY, 0o600)
            let time = timespec(tv_sec: Int(now / 1_000), tv_nsec: 0)
            _ = unsafe write(descriptor, "fresh", 5)
            _ = unsafe futimens(descriptor, [time, time])
            close(descriptor)
        }
        #expect(!isRemoved)
        #expect(readFile(path) == Array("fresh".utf8))
        #expect(files() == ["oauth_creds.lock", "oauth_creds.lock.guard"])
    }

    @Test func aLockThatWasTouchedInTheLastMomentIsPutBack() throws {
        writeFile(path, Array("late".utf8))
        let now = try #require(FileStatus(path)).modified / 1_000_000 + 20_000
        let isRemoved = try lock.removeStale(now: now) {
            let time = timespec(tv_sec: Int(now / 1_000), tv_nsec: 0)
            _ = unsafe utimensat(AT_FDCWD, path, [time, time], 0)
        }
        #expect(!isRemoved)
        #expect(readFile(path) == Array("late".utf8))
    }

    @Test func aStaleLockGoesToOneOfMany() async throws {
        for round in 0..<30 {
            writeFile(path, Array("stale".utf8))
            let now = try #require(FileStatus(path)).modified / 1_000_000 + 20_000
            let held = try await withThrowingTaskGroup(of: HeldFileLock?.self) { group in
                for _ in 0..<8 { group.addTask { [lock] in try lock.tryAcquire(now: now) } }
                return try await group.reduce(into: [HeldFileLock]()) { held, lock in
                    if let lock { held.append(lock) }
                }
            }
            #expect(held.count == 1, "round \(round)")
            for lock in held { lock.release() }
        }
    }

    @Test func processesHoldItOneAtATime() async throws {
        // Each process raises the number in a plain file, which would lose steps if two held the lock. Some die with
        // the lock in their hands; the clock that the others go by moves on, so it goes stale.
        let counter = temporary.path + "/counter"
        writeFile(counter, Array("0".utf8))
        await withTaskGroup { group in
            for process in 0..<8 {
                group.addTask {
                    await #expect(processExitsWith: process % 4 == 3 ? .signal(SIGKILL) : .success) {
                        [path = path as String, counter = counter as String, process = process as Int] in
                        for step in 0..<25 {
                            let held = try takeWhenFree(FileLock(path: path))
                            let seen = Int(String(decoding: readFile(counter) ?? [], as: UTF8.self)) ?? -1000
                            writeFile(counter, Array(String(seen + 1).utf8))
                            if process % 4 == 3, step == 24 {
                                age(path)
                                kill(getpid(), SIGKILL)
                            }
                            if !held.release() { exit(3) }
                        }
                    }
                }
            }
        }
        #expect(readFile(counter) == Array("200".utf8))
    }

    @Test func backoffIsThatOfQwenCode() {
        var backoff = LockBackoff()
        var waits: [Int64] = []
        while let wait = backoff.attemptFailed() { waits.append(wait) }
        #expect(waits.prefix(9) == [100, 150, 225, 337, 505, 757, 1135, 1702, 2000])
        #expect(waits.count == LockBackoff.attempts - 1)
        #expect(waits.suffix(11).allSatisfy { $0 == 2000 })
        #expect(backoff.attemptFailed() == nil)
    }
}

/// Tries until the lock is free.
private func takeWhenFree(_ lock: FileLock) throws -> HeldFileLock {
    while true {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let now = Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
        if let held = try lock.tryAcquire(now: now) { return held }
        sched_yield()
    }
}

/// Makes a lock look as if its holder had died a minute ago.
private func age(_ path: String) {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    time.tv_sec -= 60
    unsafe utimensat(AT_FDCWD, path, [time, time], 0)
}
