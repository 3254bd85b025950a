// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Judges one image by one policy.
struct ImageJudge {
    let policy: ImagePolicy
    let image: PodImage
    /// Nil where the text is no reference; `problem` then says why.
    let reference: ScannedReference?
    let problem: String
    let knowledge: ImageKnowledge
    /// Why no scan was asked for where one should be; empty when it was.
    let unasked: String
    /// Seconds since 1970.
    let now: Int64

    /// A clock may be wrong by this much, in seconds.
    static let skew: Int64 = 600

    func objections() -> [ImageObjection] {
        if let unreadable = policy.problem {
            return [
                objection(
                    .error, "cannot be judged, for the policy cannot be read: \(unreadable)", "mend the policy")
            ]
        }
        guard let reference else {
            return [
                objection(.error, "cannot be judged: \(problem)", "write the image as [REGISTRY/]NAME[:TAG][@DIGEST]")
            ]
        }
        var found = nameObjections(reference)
        guard policy.needsScan else { return found }
        switch knowledge {
        case .unreadable(let why):
            found.append(
                objection(
                    .error, "cannot be judged, for its scan cannot be read: \(why)",
                    "delete the ImageScan \(ImageScan.name(of: reference.text)), and it is scanned anew"))
        case .missing:
            miss(
                unasked.isEmpty
                    ? "has not been scanned yet; the scan was asked for" : "has not been scanned yet: \(unasked)",
                "try again once the ImageScan \(ImageScan.name(of: reference.text)) is Complete", &found)
        case .waiting(let phase):
            miss(
                phase == .scanning ? "is being scanned" : "waits for its scan",
                "try again once the ImageScan \(ImageScan.name(of: reference.text)) is Complete", &found)
        case .failed(let why):
            miss(
                "could not be scanned" + (why.isEmpty ? "" : ": \(ImageScan.cut(why, 300))"),
                "mend that, and it is scanned again", &found)
        case .result(let verdict): judge(verdict, reference, &found)
        }
        return found
    }

    private func objection(
        _ effect: ImageObjection.Effect, _ message: String, _ remedy: String
    ) -> ImageObjection {
        ImageObjection(policy: policy.name, effect: effect, image: image, message: message, remedy: remedy)
    }

    private func miss(_ message: String, _ remedy: String, _ found: inout [ImageObjection]) {
        switch policy.whenMissing {
        case .allow: break
        case .warn: found.append(objection(.warn, message, remedy))
        case .deny, .wait: found.append(objection(.deny, message, remedy))
        }
    }

    // MARK: The name

    /// What no scan could change.
    func nameObjections(_ reference: ScannedReference) -> [ImageObjection] {
        var found: [ImageObjection] = []
        if policy.rules.requireDigest, !reference.hasDigest {
            var remedy = "name it by its digest"
            if case .result(let verdict) = knowledge, !verdict.digest.isEmpty {
                let path = ReferencePattern.splitTag(reference.text[...]).path
                remedy += ": \(path)@\(verdict.digest) is what the tag meant at the last look"
            }
            found.append(
                objection(.deny, "is named by a tag, which may mean something else when it is pulled", remedy))
        }
        if let registries = policy.rules.registries,
            !registries.contains(where: { $0.matches(reference, untagged: false) })
        {
            let names = registries.prefix(5).map(\.text).joined(separator: ", ")
            let more = registries.count > 5 ? " and \(registries.count - 5) more" : ""
            found.append(
                objection(
                    .deny, "comes from none of the places that are allowed",
                    registries.isEmpty ? "" : "take it from \(names)\(more)"))
        }
        return found
    }

    // MARK: The result

    private func judge(_ verdict: ImageVerdict, _ reference: ScannedReference, _ found: inout [ImageObjection]) {
        let rules = policy.rules
        if max(verdict.scanned, verdict.resolved, verdict.advisories) > now + Self.skew {
            found.append(
                objection(
                    .error, "cannot be judged, for its scan has a time in the future",
                    "look whether the clocks of the cluster agree"))
            return
        }
        if verdict.phase == .incomplete, policy.whenIncomplete != .allow {
            let why = verdict.message.isEmpty ? "" : ": \(ImageScan.cut(verdict.message, 300))"
            found.append(
                objection(
                    policy.whenIncomplete == .warn ? .warn : .deny, "could be scanned in part only\(why)",
                    "mend that, or allow it by whenIncomplete"))
        }
        judgeAges(verdict, reference, &found)
        if rules.malware, verdict.malware > 0 {
            found.append(
                objection(
                    .deny,
                    "holds \(verdict.malware) \(verdict.malware == 1 ? "file that is" : "files that are") malware",
                    "build it again from sources that you trust, and look at where it ran"))
        }
        if rules.secrets, verdict.secrets > 0 {
            found.append(
                objection(
                    .deny, "holds \(verdict.secrets) \(verdict.secrets == 1 ? "credential" : "credentials")",
                    "build it without, and change what was in it"))
        }
        for rule in rules.vulnerabilities { judge(verdict, by: rule, &found) }
    }

    private func judgeAges(_ verdict: ImageVerdict, _ reference: ScannedReference, _ found: inout [ImageObjection]) {
        if let limit = policy.rules.maxScanAge {
            if now - verdict.scanned > limit {
                found.append(
                    objection(
                        .deny, "was scanned \(Self.span(now - verdict.scanned)) ago, more than \(Self.span(limit))",
                        "scan it again"))
            } else if !reference.hasDigest, now - verdict.resolved > limit {
                let ago = verdict.resolved > 0 ? "\(Self.span(now - verdict.resolved)) ago" : "nobody knows when"
                found.append(
                    objection(
                        .deny, "has a tag that was looked up \(ago), more than \(Self.span(limit))",
                        "scan it again, or name it by its digest"))
            }
        }
        if let limit = policy.rules.maxAdvisoryAge {
            if verdict.advisories == 0 {
                found.append(
                    objection(.deny, "was judged without any known advisories", "give the server an advisory database"))
            } else if now - verdict.advisories > limit {
                found.append(
                    objection(
                        .deny,
                        "was judged by advisories that are \(Self.span(now - verdict.advisories)) old, more than \(Self.span(limit))",
                        "update the server's advisories"))
            }
        }
    }

    private func judge(
        _ verdict: ImageVerdict, by rule: ImagePolicy.VulnerabilityRule, _ found: inout [ImageObjection]
    ) {
        var (total, fixable) = (0, 0)
        for (severity, count) in verdict.vulnerabilities where severity >= rule.severity {
            total += count.total
            fixable += count.fixable
        }
        let count = rule.onlyFixable ? fixable : total
        guard count > rule.maxCount else { return }
        let severities = Severity.allCases.reversed().filter { $0 >= rule.severity }
        let counts = severities.map { verdict.vulnerabilities[$0] ?? .init() }
        let parts = zip(severities, counts).compactMap { severity, count -> String? in
            let number = rule.onlyFixable ? count.fixable : count.total
            return number > 0 ? "\(number) \(severity == .unknown ? "unrated" : severity.description)" : nil
        }
        var message = "has \(Self.list(parts)) \(count == 1 ? "vulnerability" : "vulnerabilities")"
        if rule.onlyFixable || fixable == count {
            message += count == 1 ? ", mended by an upgrade" : ", \(count == 2 ? "both" : "all") mended by an upgrade"
        } else {
            message += fixable == 0 ? ", none mended by an upgrade" : ", \(fixable) of them mended by an upgrade"
        }
        if rule.maxCount > 0 { message += " (\(rule.maxCount) allowed)" }
        found.append(objection(.deny, message, remedy(verdict, rule, fixable: fixable)))
    }

    private func remedy(_ verdict: ImageVerdict, _ rule: ImagePolicy.VulnerabilityRule, fixable: Int) -> String {
        let meant = verdict.worst.filter { $0.severity >= rule.severity }
        let mended = meant.filter { !$0.fixedVersion.isEmpty }
        if mended.isEmpty, fixable == 0 {
            let names = meant.prefix(3).map { "\($0.id) in \($0.package) \($0.version)" }
            return "use another base image, or except what does not apply"
                + (names.isEmpty ? "" : " (\(names.joined(separator: ", ")))")
        }
        // One upgrade often mends several.
        var upgrades: [(text: String, ids: [String])] = []
        for one in mended {
            let text = "\(one.package) \(one.version) to \(one.fixedVersion)"
            if let index = upgrades.firstIndex(where: { $0.text == text }) {
                upgrades[index].ids.append(one.id)
            } else {
                upgrades.append((text, [one.id]))
            }
        }
        let names = upgrades.prefix(3).map { "\($0.text) (\($0.ids.prefix(3).joined(separator: ", ")))" }
        let more = fixable - upgrades.prefix(3).reduce(0) { $0 + $1.ids.count }
        if names.isEmpty { return "upgrade what is affected" }
        return "upgrade \(names.joined(separator: ", "))" + (more > 0 ? " and what mends \(more) more" : "")
    }

    // MARK: Words

    static func list(_ parts: [String]) -> String {
        guard parts.count > 1, let last = parts.last else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }

    /// `36 hours`: whole units of the largest that fits twice.
    static func span(_ seconds: Int64) -> String {
        for (unit, length) in [("day", Int64(86_400)), ("hour", 3600), ("minute", 60)] {
            let count = seconds / length
            if count >= 2 || count == 1 && seconds % length == 0 { return "\(count) \(unit)\(count == 1 ? "" : "s")" }
        }
        return "\(max(seconds, 0)) second\(seconds == 1 ? "" : "s")"
    }
}
