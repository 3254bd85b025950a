// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Builds and checks a path of certificates from a leaf to a root (RFC 5280, section 6, as far as Go's verifier goes).
struct X509Chain {
    struct Options {
        var host: String?
        /// Seconds since 1970.
        var time: Int
        /// Extended key usages of which one must be allowed all the way; Go's numbers, 0 is any.
        var usages: [Int] = []
        var maxComparisons = 250_000
    }

    let root: X509Certificate
    let intermediates: [X509Certificate]
    let options: Options
    private var checks = 0
    private var comparisons = 0

    /// More signatures than this are not looked at: certificates that name each other would have it go on for long.
    private static let maxChecks = 100

    init(root: X509Certificate, intermediates: [X509Certificate], options: Options) {
        (self.root, self.intermediates, self.options) = (root, intermediates, options)
    }

    /// The path, leaf first; nil when the leaf is not to be trusted.
    mutating func verify(_ leaf: X509Certificate) -> [X509Certificate]? {
        guard isValid(leaf, above: []) else { return nil }
        if let host = options.host, !X509HostName.matches(host, leaf.extensions.alternativeNames) { return nil }
        if leaf.encoded.elementsEqual(root.encoded) { return allows(usagesOf: [leaf]) ? [leaf] : nil }
        return extend([leaf])
    }

    private mutating func extend(_ path: [X509Certificate]) -> [X509Certificate]? {
        guard let last = path.last else { return nil }
        for (candidate, isRoot) in [(root, true)] + intermediates.map({ ($0, false) }) {
            guard candidate.subject.encoded.elementsEqual(last.issuer.encoded),
                !path.contains(where: {
                    $0.subject.encoded.elementsEqual(candidate.subject.encoded)
                        && $0.key.encoded.elementsEqual(candidate.key.encoded)
                })
            else { continue }
            if let wanted = last.extensions.authorityKey, let given = candidate.extensions.subjectKey, !isRoot,
                !wanted.elementsEqual(given)
            {
                continue
            }
            checks += 1
            guard checks <= X509Chain.maxChecks else { return nil }
            guard signs(candidate, last), mayIssue(candidate, after: path.count - 1), isValid(candidate, above: path)
            else { continue }
            if isRoot {
                if allows(usagesOf: path + [candidate]) { return path + [candidate] }
            } else if let whole = extend(path + [candidate]) {
                return whole
            }
        }
        return nil
    }

    private func signs(_ parent: X509Certificate, _ child: X509Certificate) -> Bool {
        let extensions = parent.extensions
        if parent.version == 3, !extensions.hasBasicConstraints { return false }
        if extensions.hasBasicConstraints, !extensions.isAuthority { return false }
        if extensions.keyUsage != 0, extensions.keyUsage & 32 == 0 { return false }
        return parent.key.verifier?.verifies(child.signature, of: child.signed, by: child.signatureAlgorithm) ?? false
    }

    private func mayIssue(_ certificate: X509Certificate, after count: Int) -> Bool {
        let extensions = certificate.extensions
        guard extensions.hasBasicConstraints, extensions.isAuthority else { return false }
        return extensions.maxPathLength.map { count <= $0 } ?? true
    }

    private mutating func isValid(_ certificate: X509Certificate, above path: [X509Certificate]) -> Bool {
        guard certificate.extensions.unhandledCritical.isEmpty, options.time >= certificate.notBefore,
            options.time <= certificate.notAfter
        else { return false }
        let constraints = certificate.extensions.nameConstraints
        if constraints.permitted.isEmpty, constraints.excluded.isEmpty { return true }
        for below in path {
            guard X509HostName.satisfies(below.extensions.alternativeNames, constraints, &comparisons),
                comparisons <= options.maxComparisons
            else { return false }
        }
        return true
    }

    private func allows(usagesOf path: [X509Certificate]) -> Bool {
        var usages = options.usages.isEmpty ? [1] : options.usages
        if usages.contains(0) { return true }
        for certificate in path.reversed() {
            let extensions = certificate.extensions
            if extensions.extendedKeyUsage.isEmpty, extensions.unknownExtendedKeyUsage.isEmpty { continue }
            if extensions.extendedKeyUsage.contains(0) { continue }
            usages = usages.filter { extensions.extendedKeyUsage.contains($0) }
            if usages.isEmpty { return false }
        }
        return true
    }
}

/// Names against patterns and constraints.
enum X509HostName {
    static func matches(_ host: String, _ names: X509GeneralNames) -> Bool {
        var bare = host
        if bare.hasPrefix("["), bare.hasSuffix("]"), bare.count >= 3 { bare = String(bare.dropFirst().dropLast()) }
        if let address = IPNetwork(address: bare)?.bytes { return names.addresses.contains(address) }
        let wanted = labels(host)
        guard !wanted.isEmpty else { return false }
        return names.hosts.contains { name in
            let pattern = labels(name)
            guard pattern.count == wanted.count else { return false }
            return zip(pattern, wanted).enumerated().allSatisfy { index, pair in
                index == 0 && pair.0 == "*" || pair.0 == pair.1
            }
        }
    }

    private static func labels(_ name: String) -> [String] {
        var name = name.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return parts.contains("") ? [] : parts
    }

    static func satisfies(_ names: X509GeneralNames, _ constraints: X509NameConstraints, _ comparisons: inout Int)
        -> Bool
    {
        func check<Name, Rule>(
            _ names: [Name], _ permitted: [Rule], _ excluded: [Rule], _ matches: (Name, Rule) -> Bool
        ) -> Bool {
            for name in names {
                comparisons += permitted.count + excluded.count
                if comparisons > 10_000_000 || excluded.contains(where: { matches(name, $0) }) { return false }
                if !permitted.isEmpty, !permitted.contains(where: { matches(name, $0) }) { return false }
            }
            return true
        }
        let (permitted, excluded) = (constraints.permitted, constraints.excluded)
        return check(names.hosts, permitted.hosts, excluded.hosts, isBelow)
            && check(names.mails, permitted.mails, excluded.mails, isMail)
            && check(names.places, permitted.places, excluded.places) { place, domain in
                let host = URLText(place).host.split(separator: ":").first.map(String.init) ?? ""
                return isBelow(host, domain)
            }
            && check(names.addresses, permitted.ranges, excluded.ranges) { address, range in
                address.count == range.address.count
                    && zip(address.indices, address).allSatisfy { $0.1 & range.mask[$0.0] == range.address[$0.0] }
            }
    }

    /// A leading dot asks for at least one more label.
    private static func isBelow(_ host: String, _ domain: String) -> Bool {
        if domain.isEmpty { return true }
        let mustHaveMore = domain.hasPrefix(".")
        let host = labels(host)
        let domain = labels(mustHaveMore ? String(domain.dropFirst()) : domain)
        guard !host.isEmpty, !domain.isEmpty, host.count >= domain.count + (mustHaveMore ? 1 : 0) else { return false }
        return host.suffix(domain.count).elementsEqual(domain)
    }

    private static func isMail(_ mail: String, _ rule: String) -> Bool {
        guard let at = mail.lastIndex(of: "@") else { return false }
        if rule.contains("@") {
            guard let ruleAt = rule.lastIndex(of: "@") else { return false }
            return mail[..<at] == rule[..<ruleAt] && mail[at...].lowercased() == rule[ruleAt...].lowercased()
        }
        let host = String(mail[mail.index(after: at)...])
        return rule.hasPrefix(".") ? isBelow(host, rule) : host.lowercased() == rule.lowercased()
    }
}
