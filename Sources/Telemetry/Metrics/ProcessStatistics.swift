internal import Glibc

/// What the system knows of this process (proc(5)), under the names that Prometheus' client libraries have agreed on.
package struct ProcessStatistics: Sendable {
    package var cpuSeconds: Double
    /// Since 1970.
    package var startTimeSeconds: Double
    package var residentBytes: Int
    package var virtualBytes: Int
    package var openDescriptors: Int
    package var mostDescriptors: Int
    package var threads: Int

    /// Reads them; nil where /proc is not there. Takes some microseconds.
    package static func read() -> ProcessStatistics? {
        guard let stat = text(of: "/proc/self/stat"), let boot = bootTime() else { return nil }
        // The name, in parentheses, may hold anything: the fields are counted from behind it.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ").map { Int($0) ?? 0 }
        guard fields.count > 21 else { return nil }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return ProcessStatistics(
            cpuSeconds: Double(fields[11] + fields[12]) / ticks,
            startTimeSeconds: Double(boot) + Double(fields[19]) / ticks,
            residentBytes: fields[21] * sysconf(Int32(_SC_PAGESIZE)), virtualBytes: fields[20],
            openDescriptors: openDescriptorCount(), mostDescriptors: Int(clamping: limit.rlim_cur),
            threads: fields[17])
    }

    private static func bootTime() -> Int? {
        guard let stat = text(of: "/proc/stat") else { return nil }
        let line = stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { Int($0.dropFirst(6)) }
    }

    private static func openDescriptorCount() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        // Without `.`, `..` and the directory itself.
        return max(0, count - 3)
    }

    private static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < 1 << 22 {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes.append(contentsOf: chunk[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MetricsText {
    package mutating func write(_ process: ProcessStatistics) {
        begin("process_cpu_seconds_total", .counter, "CPU time, user and system.")
        sample(seconds: process.cpuSeconds)
        begin("process_start_time_seconds", .gauge, "When the process started, since 1970.")
        sample(seconds: process.startTimeSeconds)
        begin("process_resident_memory_bytes", .gauge, "Memory that is resident.")
        sample(process.residentBytes)
        begin("process_virtual_memory_bytes", .gauge, "Memory that is mapped.")
        sample(process.virtualBytes)
        begin("process_open_fds", .gauge, "File descriptors that are open.")
        sample(process.openDescriptors)
        begin("process_max_fds", .gauge, "The most file descriptors that may be open.")
        sample(process.mostDescriptors)
        begin("process_threads", .gauge, "Threads.")
        sample(process.threads)
    }
}
