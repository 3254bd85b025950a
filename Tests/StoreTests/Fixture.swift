// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Store
import Synchronization

/// A store in a folder of its own, with a clock that the test moves.
final class Fixture: Sendable {
    let folder: String
    let clock: Clock
    private let retention: Retention

    final class Clock: Sendable {
        private let seconds = Mutex<Int64>(1_700_000_000)

        var now: Int64 { seconds.withLock { $0 } }

        func advance(_ by: Int64) { seconds.withLock { $0 += by } }
    }

    init(_ retention: Retention = Retention()) {
        folder = NSTemporaryDirectory() + "bulwark-store-\(UUID().uuidString)"
        clock = Clock()
        self.retention = retention
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var path: String { folder + "/bulwark.db" }

    func open() throws -> Store {
        // The store keeps the fixture, and so its folder, as long as it lives.
        try Store.open(path: path, retention: retention, now: { self.clock.now })
    }
}

/// Short ways to say checks, subjects and results.
enum Sample {
    static let checks: [Check] = (1...8).map { number in
        Check(
            id: "BW-POD-00\(number)", slug: "check-\(number)", area: "pod", title: "Check number \(number)",
            severity: Severity(rawValue: number % 6) ?? .unknown, why: "", remediation: "",
            aliases: [("checkov", ["CKV_K8S_\(number)"])])
    }

    static func subject(
        _ name: String, namespace: String = "shop", kind: String = "Deployment", cluster: String = "main"
    ) -> Subject {
        Subject(
            cluster: cluster, apiVersion: kind == "Pod" ? "v1" : "apps/v1", kind: kind, namespace: namespace,
            name: name)
    }

    /// The result of check `number` (1 to 8).
    static func result(
        _ number: Int, _ subject: Subject, _ outcome: Outcome = .fail, container: String = "", message: String = "",
        exemption: Exemption? = nil, check: Check? = nil
    ) -> CheckResult {
        let check = check ?? checks[number - 1]
        return CheckResult(
            check: check, outcome: outcome, subject: subject, container: container,
            message: message.isEmpty ? "\(check.title) fails" : message, path: "spec.field\(number)", value: "true",
            fingerprint: fingerprint(check.id, subject, container), exemption: exemption)
    }

    static func fingerprint(_ check: String, _ subject: Subject, _ container: String = "") -> Fingerprint {
        let text = [
            check, subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name, container,
        ].joined(separator: "\u{1}")
        func hash(_ seed: UInt64) -> UInt64 {
            text.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        return Fingerprint(high: hash(0xcbf2_9ce4_8422_2325), low: hash(0x9e37_79b9_7f4a_7c15))
    }

    /// An object that fails checks.
    static func object(_ subject: Subject, _ failing: [Int]) -> InspectedObject {
        InspectedObject(subject: subject, results: failing.map { result($0, subject) })
    }

    static func exemption(
        _ checks: [String] = [], namespace: String = "", name: String = "", expiry: Int64 = 4_000_000_000
    ) -> Exemption {
        Exemption(
            owner: "team-a", reason: "agreed", expiry: expiry, checks: checks, namespace: namespace, name: name)
    }
}

extension FindingLedger {
    /// A whole report over these objects.
    @discardableResult
    func run(_ objects: [InspectedObject], cluster: String = "main") async throws -> Int64 {
        let report = try await beginReport(cluster: cluster, trigger: .demand)
        try await record(objects, report: report)
        try await finishReport(report, summary: Summary())
        return report
    }

    /// Check numbers and statuses of one object's findings.
    func statuses(_ subject: Subject) async throws -> [String: Finding.Status] {
        let findings = try await workload(subject)
        return Dictionary(findings.map { (String($0.checkID.suffix(1)), $0.status) }, uniquingKeysWith: { $1 })
    }
}
