// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings
import Synchronization

/// What findings of constraints are: a check for each constraint, made once, and a fingerprint for each violation.
final class ConstraintChecks: Sendable {
    private let known = Mutex<[String: Check]>([:])

    /// `K8sAllowedRepos/prod-repos`
    static func id(kind: String, name: String) -> String { "\(kind)/\(name)" }

    func check(_ id: String, _ action: EnforcementAction?) -> Check {
        let key = "\(id) \(action?.rawValue ?? "")"
        return known.withLock { known in
            if let check = known[key] { return check }
            let severity: Severity =
                switch action {
                case .deny: .high
                case .warn: .medium
                default: .low
                }
            let check = Check(
                id: id, slug: "constraint-" + id.lowercased().replacing("/", with: "-"), area: "constraints",
                title: "The constraint \(id) is violated", severity: severity,
                why: "Somebody who looks after this cluster wrote the constraint, and this object is not as it asks.",
                remediation: "Change the object as the message says, or the constraint where it asks for too much.")
            if known.count >= 10_000 { known.removeAll() }
            known[key] = check
            return check
        }
    }

    /// The identity of a violation: the object, the constraint and what it says.
    static func fingerprint(_ subject: Subject, _ check: String, _ message: String) -> Fingerprint {
        var hash = SHA256()
        // A byte that no UTF-8 text holds keeps the parts apart.
        for part in [
            subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name, check, message,
        ] {
            hash.update(data: Array(part.utf8) + [.max])
        }
        return hash.finalize().withUnsafeBytes { digest in
            Fingerprint(
                high: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}
