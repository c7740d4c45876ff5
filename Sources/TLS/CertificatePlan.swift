/// Which certificates go into which context: names that are carried by the same certificates share one, and a context
/// holds one certificate of each kind of key, of which OpenSSL takes the one that suits the client.
struct CertificatePlan {
    /// Indices of certificates. The first group is the default: the first certificate, and with it the first of each
    /// other kind of key that carries one of its names.
    private(set) var groups: [[Int]] = []
    /// Every name that a certificate carries, by the index of its group.
    private(set) var names = CertificateNames()

    init(_ certificates: [ServerCertificate]) {
        guard let first = certificates.first else { return }
        var holders: [CertificateName: [Int]] = [:]
        var order: [CertificateName] = []
        for (index, certificate) in certificates.enumerated() {
            for name in certificate.names {
                if holders[name] == nil { order.append(name) }
                holders[name, default: []].append(index)
            }
        }
        let siblings = Set(first.names.flatMap { holders[$0] ?? [] })
        groups = [Self.onePerKind([0] + siblings.sorted(), certificates)]
        for name in order {
            let group = Self.onePerKind(holders[name] ?? [], certificates)
            let index = groups.firstIndex(of: group) ?? groups.count
            if index == groups.count { groups.append(group) }
            names.insert(name, owner: index)
        }
    }

    /// Of several certificates with the same kind of key the one that is valid longest, or else the first.
    private static func onePerKind(_ indices: [Int], _ certificates: [ServerCertificate]) -> [Int] {
        var chosen: [CInt: Int] = [:]
        for index in indices {
            let certificate = certificates[index]
            guard let other = chosen[certificate.keyKind] else {
                chosen[certificate.keyKind] = index
                continue
            }
            if certificate.facts.summary.notAfter > certificates[other].facts.summary.notAfter {
                chosen[certificate.keyKind] = index
            }
        }
        return chosen.values.sorted()
    }
}
