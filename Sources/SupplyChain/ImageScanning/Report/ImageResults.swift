// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings
import Inventory

/// A report's vulnerabilities as results of checks, each advisory a check: for the formats that all capabilities share.
extension ImageReport {
    package var results: [CheckResult] {
        var checks: [String: Check] = [:]
        let subject = subject
        return vulnerabilities.map { item in
            let check: Check
            if let known = checks[item.id], known.severity == item.severity {
                check = known
            } else {
                check = item.check
                checks[item.id] = check
            }
            return item.result(check, subject)
        }
    }
}

extension ImageVulnerability {
    var check: Check {
        Check(
            id: id, slug: id.lowercased(), area: "image", title: title.isEmpty ? "\(id) in \(package.name)" : title,
            severity: severity, why: details.isEmpty ? title : details, remediation: remedy, references: references)
    }

    /// What to do, in a sentence.
    package var remedy: String {
        switch status {
        case .fixed: "Bring \(package.name) to \(fixedVersions.joined(separator: " or ")) or later."
        case .affected: "There is no version of \(package.name) without it yet."
        case .wontFix: "Those who maintain \(package.name) will not mend it: replace the package or accept the risk."
        case .error: "Look at the message, and judge \(package.name) \(package.version) by hand."
        }
    }

    func result(_ check: Check, _ subject: Subject) -> CheckResult {
        let outcome: Outcome = status == .error ? .error : exception == nil ? .fail : .skip
        let seen = "\(package.name) \(package.version)"
        let place = package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)"
        return CheckResult(
            check: check, outcome: outcome, subject: subject, container: "",
            message: status == .error
                ? "\(seen): \(message)"
                : fixedVersions.isEmpty ? "\(seen) is affected" : "\(seen) is affected; mended in \(fixedVersions[0])",
            path: place, value: package.version, fingerprint: fingerprint(subject),
            exemption: exception.map { Exemption(id: $0.source, owner: $0.source, reason: $0.reason) })
    }

    /// The same as long as this advisory applies to this package at this place, whatever its version.
    private func fingerprint(_ subject: Subject) -> Fingerprint {
        var hash = SHA256()
        for part in [
            "image", subject.name, id, package.kind.rawValue, package.name, package.path, package.innerPath,
        ] {
            hash.update(data: Array(part.utf8))
            hash.update(data: [0])
        }
        let words = hash.finalize().withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return Fingerprint(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }
}
