// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A generator with a seed (SplitMix64), so that a failing run can be repeated.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func pick<Element>(_ from: [Element]) -> Element { from[Int(next() % UInt64(from.count))] }

    mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }
}

/// The rules of the ledger in their plainest form: dictionaries, no files, everything kept. What a real ledger says
/// must equal what this says.
struct Model {
    struct Entry: Equatable {
        var result: CheckResult
        var outcome: Outcome
        var claimed = false
        var exemption: String?
        var open = true
        var first: Int64
        var last: Int64
        var resolved: Int64?
        var reopened = 0

        var status: Finding.Status {
            if !open { return .resolved }
            return exemption != nil ? .suppressed : claimed ? .inProgress : .new
        }

        static func == (left: Entry, right: Entry) -> Bool {
            left.result.fingerprint == right.result.fingerprint && left.status == right.status
        }
    }

    /// How a report showed a problem.
    struct Look: Equatable {
        var severity: Severity
        var exempt: Bool
    }

    typealias Content = [Subject: [Fingerprint: Look]]

    var now: Int64 = 0
    var entries: [Fingerprint: Entry] = [:]
    var seen: [Subject: Int64] = [:]
    var exemptions: [Exemption] = []
    var running: (id: Int64, content: Content, live: Set<Subject>)?
    var reports: [Int64: Content] = [:]

    mutating func record(_ objects: [InspectedObject], inReport: Bool) {
        lapse()
        for object in objects {
            let subject = object.subject
            var shown: [Fingerprint: Look] = [:]
            for result in object.results where result.outcome.isProblem {
                var entry =
                    entries[result.fingerprint]
                    ?? Entry(result: result, outcome: result.outcome, first: now, last: now)
                if !entry.open {
                    entry.open = true
                    entry.claimed = false
                    entry.resolved = nil
                    entry.reopened += 1
                }
                entry.result = result
                entry.outcome = result.outcome
                entry.last = now
                entry.exemption = cover(entry)
                entries[result.fingerprint] = entry
                shown[result.fingerprint] = Look(
                    severity: result.check.severity, exempt: entry.exemption != nil)
            }
            resolve(subject, but: Set(shown.keys))
            seen[subject] = now
            if inReport { running?.content[subject] = shown } else { running?.live.insert(subject) }
        }
    }

    mutating func forget(_ subject: Subject) {
        lapse()
        resolve(subject, but: [])
    }

    mutating func finish() {
        lapse()
        guard let report = running else { return }
        let subjects = Set(entries.values.map(\.result.subject))
        for subject in subjects where report.content[subject] == nil && !report.live.contains(subject) {
            resolve(subject, but: [])
        }
        reports[report.id] = report.content
        running = nil
    }

    mutating func add(_ exemption: Exemption) {
        exemptions.append(exemption)
        lapse()
        for (key, entry) in entries where entry.open && entry.exemption == nil && covers(exemption, entry) {
            entries[key]?.exemption = exemption.id
        }
    }

    mutating func remove(_ id: String) {
        exemptions.removeAll { $0.id == id }
        lapse()
        release(id)
    }

    mutating func lapse() {
        for gone in exemptions where gone.expiry.map({ $0 <= now }) ?? false {
            exemptions.removeAll { $0.id == gone.id }
            release(gone.id)
        }
    }

    private mutating func release(_ id: String) {
        for (key, entry) in entries where entry.open && entry.exemption == id {
            let other = cover(entry)
            entries[key]?.exemption = other
        }
    }

    private mutating func resolve(_ subject: Subject, but shown: Set<Fingerprint>) {
        for (key, entry) in entries where entry.result.subject == subject && entry.open && !shown.contains(key) {
            entries[key]?.open = false
            entries[key]?.claimed = false
            entries[key]?.exemption = nil
            entries[key]?.resolved = now
            entries[key]?.last = seen[subject] ?? 0
        }
    }

    private func cover(_ entry: Entry) -> String? { exemptions.first { covers($0, entry) }?.id }

    private func covers(_ exemption: Exemption, _ entry: Entry) -> Bool {
        entry.outcome != .error
            && exemption.covers(
                check: entry.result.check, subject: entry.result.subject, container: entry.result.container, now: now)
    }

    /// One line a finding, of all that is kept about it.
    var lines: [String] {
        entries.values.map { entry in
            let last = entry.open ? seen[entry.result.subject] ?? 0 : entry.last
            return Self.line(
                Finding(
                    fingerprint: entry.result.fingerprint, checkID: entry.result.check.id,
                    severity: entry.result.check.severity, outcome: entry.outcome, subject: entry.result.subject,
                    container: entry.result.container, message: entry.result.message, path: entry.result.path,
                    value: entry.result.value, status: entry.status, firstSeen: entry.first, lastSeen: last,
                    resolvedAt: entry.resolved, reopened: entry.reopened, exemptionID: entry.exemption ?? ""))
        }.sorted()
    }

    static func line(_ finding: Finding) -> String {
        """
        \(finding.fingerprint) \(finding.checkID) \(finding.severity) \(finding.outcome) \(finding.subject.cluster) \
        \(finding.subject.display) [\(finding.container)] \(finding.message) \(finding.path) \(finding.value) \
        \(finding.status) first \(finding.firstSeen) last \(finding.lastSeen) \
        resolved \(finding.resolvedAt.map(String.init) ?? "-") reopened \(finding.reopened) by \(finding.exemptionID)
        """
    }

    /// What compares as better and worse between two reports, a line each, and how many problems stay.
    func compare(_ before: Int64, _ after: Int64) -> (better: [String], worse: [String], unchanged: Int) {
        func flat(_ report: Int64) -> [Fingerprint: Look] {
            (reports[report] ?? [:]).values.reduce(into: [:]) { $0.merge($1) { $1 } }
        }
        let (old, new) = (flat(before), flat(after))
        var (better, worse, unchanged) = ([String](), [String](), 0)
        for key in Set(old.keys).union(new.keys) {
            let was = old[key].flatMap { $0.exempt ? nil : $0.severity }
            let now = new[key].flatMap { $0.exempt ? nil : $0.severity }
            switch (was, now) {
            case (let was?, nil): better.append("\(key) \(new[key] == nil ? "fixed" : "suppressed") \(was)")
            case (nil, let now?): worse.append("\(key) appeared \(now)")
            case (let was?, let now?) where now < was: better.append("\(key) eased \(now)")
            case (let was?, let now?) where now > was: worse.append("\(key) worsened \(now)")
            case (.some, .some): unchanged += 1
            case (nil, nil): break
            }
        }
        return (better.sorted(), worse.sorted(), unchanged)
    }
}
