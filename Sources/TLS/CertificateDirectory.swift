internal import Glibc

/// A directory of certificates (`TLS_CERT_DIR`): in it, and in the folders directly in it, each
///
/// - `NAME.pem` or `NAME.crt` with `NAME.key` beside it, as lego writes them and Kubernetes mounts them, and
/// - `fullchain.pem` with `privkey.pem`, as certbot writes them,
///
/// is a chain and its key. Links are followed, names that begin with a dot are passed over, and so is everything else.
struct CertificateDirectory {
    /// In the order of their names; the pair whose files or folder are called `default` comes first.
    let pairs: [TLSCertificateFiles]

    /// Reads the directory, which blocks.
    init(path: String) throws(TLSError) {
        let names = try Self.names(in: path)
        var pairs = Self.pairs(of: names, in: path)
        // What is no folder, or may not be read, has nothing to say.
        for name in names {
            let folder = "\(path)/\(name)"
            if let inner = try? Self.names(in: folder) { pairs += Self.pairs(of: inner, in: folder) }
        }
        let isFirst: (TLSCertificateFiles) -> Bool = { files in
            files.key == "\(path)/default.key" || files.key.hasPrefix("\(path)/default/")
        }
        self.pairs = pairs.filter(isFirst) + pairs.filter { !isFirst($0) }
    }

    private static func pairs(of names: [String], in folder: String) -> [TLSCertificateFiles] {
        let all = Set(names)
        var pairs: [TLSCertificateFiles] = []
        for key in names where key.hasSuffix(".key") {
            let stem = key.dropLast(4)
            guard let chain = ["\(stem).pem", "\(stem).crt"].first(where: all.contains) else { continue }
            pairs.append(TLSCertificateFiles(chain: "\(folder)/\(chain)", key: "\(folder)/\(key)"))
        }
        if all.contains("fullchain.pem"), all.contains("privkey.pem") {
            pairs.append(TLSCertificateFiles(chain: "\(folder)/fullchain.pem", key: "\(folder)/privkey.pem"))
        }
        return pairs
    }

    private static func names(in path: String) throws(TLSError) -> [String] {
        guard let directory = unsafe opendir(path) else {
            throw TLSError(
                .unreadableFile, unsafe "cannot read the directory \(path): \(String(cString: strerror(errno)))")
        }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

/// What tells that a file has been replaced or written to: a link is followed, so that the swap of one counts too.
struct FileStamp: Hashable, Sendable {
    private var path: String
    private var identity: [Int]

    /// Looks at the file, which blocks for a moment. A file that is not there has a stamp, too.
    init(path: String) {
        self.path = path
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else {
            identity = []
            return
        }
        identity = [
            Int(truncatingIfNeeded: facts.st_dev), Int(truncatingIfNeeded: facts.st_ino), Int(facts.st_size),
            facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec,
        ]
    }
}

/// The permissions of files.
enum FileMode {
    /// The nine bits of user, group and others; nil where there is no such file.
    static func permissions(of path: String) -> UInt32? {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        return facts.st_mode & 0o777
    }
}

extension TLSServerSettings {
    /// The state of every file that a context is made of. Two that are equal make equal contexts. Blocks for a moment.
    package func stamp() -> TLSFilesStamp {
        var files = certificates
        if let certificateDirectory {
            files += (try? CertificateDirectory(path: certificateDirectory).pairs) ?? []
        }
        var paths = files.flatMap { [$0.chain, $0.key] } + ocspFiles
        paths += [ticketKeysFile, clientAuthentication?.authorityFile].compactMap(\.self)
        return TLSFilesStamp(files: paths.map(FileStamp.init))
    }
}

/// The state of the files that a context is made of.
package struct TLSFilesStamp: Equatable, Sendable {
    fileprivate let files: [FileStamp]
}
