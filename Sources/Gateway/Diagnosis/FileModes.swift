import Glibc

/// Who may read the files that hold secrets.
enum FileModes {
    /// Looks at a file or directory that only its owner should be able to read.
    ///
    /// - Returns: nil where there is no such file.
    static func finding(_ path: String) -> Finding? {
        let subject = "file modes"
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            guard errno != ENOENT else { return nil }
            return Finding(
                subject, .problem, "\(path) can not be looked at: \(unsafe String(cString: strerror(errno))).",
                advice: "Give the gateway's user access to it.")
        }
        let isDirectory = status.st_mode & S_IFMT == S_IFDIR
        let others = status.st_mode & 0o077
        guard others == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            return Finding(
                subject, .warning, "\(path) has mode \(mode): other users of this machine can reach it.",
                advice: "chmod \(isDirectory ? "700" : "600") \(path)")
        }
        guard status.st_uid == geteuid() || geteuid() == 0 else {
            return Finding(
                subject, .problem, "\(path) belongs to another user.",
                advice: "Run this command as the user that the gateway runs as, or `chown` it.")
        }
        return Finding(subject, .ok, "\(path) is its owner's alone.")
    }
}
