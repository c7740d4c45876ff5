/// How OpenSSL gets its memory.
package enum OpenSSLMemory {
    /// Has OpenSSL keep its buffers for records at hand (`RecordMemory`). It takes no such wish once it has allocated
    /// anything: to be called before whatever else uses it, or each record costs a block of 17 KiB from the heap.
    package static func install() {
        _ = RecordMemory.isInstalled
    }
}
