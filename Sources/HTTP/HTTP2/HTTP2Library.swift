internal import CNghttp2

/// The HTTP/2 library that is loaded.
package enum HTTP2Library {
    /// "1.52.0".
    package static var version: String {
        guard let info = unsafe nghttp2_version(0), let text = unsafe info.pointee.version_str else { return "unknown" }
        return unsafe String(cString: text)
    }
}
