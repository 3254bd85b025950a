// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings
import Inventory
import Malware
import Secrets

/// All that a report found as results of checks, each advisory and rule a check: for the formats that all capabilities share.
extension ImageReport {
    package var results: [CheckResult] {
        var checks: [String: Check] = [:]
        func known(_ make: @autoclosure () -> Check, _ id: String, _ severity: Severity) -> Check {
            if let check = checks[id], check.severity == severity { return check }
            let check = make()
            checks[id] = check
            return check
        }
        let subject = subject
        var results = vulnerabilities.map { $0.result(known($0.check, $0.id, $0.severity), subject) }
        for finding in inventory.malware {
            let match = finding.match
            results.append(
                Self.result(
                    known(Self.check(match), match.rule, match.severity), subject, path: match.path,
                    message: [match.title, finding.fateText].filter { !$0.isEmpty }.joined(separator: ", "),
                    key: match.source.rawValue))
        }
        for finding in inventory.secrets {
            let match = finding.match
            results.append(
                Self.result(
                    known(Self.check(match), match.rule, match.severity), subject, path: "\(match.path):\(match.line)",
                    message: [match.excerpt, finding.fateText].filter { !$0.isEmpty }.joined(separator: ", "),
                    key: "\(match.column)"))
        }
        for finding in inventory.misconfigurations {
            let match = finding.match
            var result = Self.result(
                match.check, subject, path: match.path, message: match.message, key: match.value)
            result.outcome = match.outcome
            result.value = match.value
            results.append(result)
        }
        return results
    }

    private static func check(_ match: MalwareMatch) -> Check {
        Check(
            id: match.rule, slug: match.rule.lowercased(), area: "malware", title: match.title,
            severity: match.severity,
            why: match.description, remediation: "Take the file out of the image and find out how it came there.")
    }

    private static func check(_ match: SecretMatch) -> Check {
        Check(
            id: match.rule, slug: match.rule, area: "secret", title: match.title, severity: match.severity,
            why: "Whoever can pull the image can read the credential, also when a later layer deletes the file.",
            remediation: "Revoke the credential, build the image without it, and give it to the container as a Secret.")
    }

    private static func result(
        _ check: Check, _ subject: Subject, path: String, message: String, key: String
    ) -> CheckResult {
        CheckResult(
            check: check, outcome: .fail, subject: subject, message: message, path: path,
            fingerprint: Fingerprint(image: [subject.name, check.area, check.id, path, key]))
    }
}

extension Fingerprint {
    /// The identity of something found in an image, by all that tells it from others.
    init(image parts: [String]) {
        var hash = SHA256()
        // A byte that no UTF-8 text holds keeps the parts apart.
        for part in ["image"] + parts { hash.update(data: Array(part.utf8) + [.max]) }
        let words = hash.finalize().withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
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
        Fingerprint(image: [
            subject.name, id, package.kind.rawValue, package.name, package.path, package.innerPath,
            package.architecture,
        ])
    }
}
