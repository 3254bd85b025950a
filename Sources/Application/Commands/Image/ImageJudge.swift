// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import ImagePolicies
import ImageScanning
import Inventory
import Kubernetes
import PodSecurity
import Reporting

/// `bulwark image judge`: whether image policies would let an image run, before anybody deploys it.
struct ImageJudgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "Scan an image and judge it by ImagePolicy objects, as admission would.",
        discussion: """
            Each policy in the files is asked on its own. The image is scanned now; the age of the advisories counts.

            Exit status: 0 done, 1 a policy in mode enforce refuses it (only with --fail), 2 wrong usage or an input that \
            could not be read, 3 the image could not be judged.
            """)

    @Argument(help: "A reference like debian:12, a file made by docker save, an OCI layout, or a folder.")
    var image: String

    @Option(name: [.customShort("f"), .customLong("policy")], help: "A file with ImagePolicy objects. Repeatable.")
    var policyFiles: [String] = []

    @Option(name: .customLong("as"), help: "The reference that pods will use, where it is not what is scanned.")
    var reference: String?

    @Option(name: .long, help: "The namespace where it is to run.")
    var namespace = "default"

    @Option(name: .customLong("namespace-label"), help: "A label of that namespace: KEY=VALUE. Repeatable.")
    var labels: [String] = []

    @Flag(name: .long, help: "Exit with 1 when it is refused.")
    var fail = false

    @OptionGroup var scan: ScanOptions

    @OptionGroup var options: ImageOptions

    func validate() throws {
        guard !policyFiles.isEmpty else { throw ValidationError("say by what to judge: -f with a file of policies") }
        guard labels.allSatisfy({ $0.contains("=") }) else { throw ValidationError("--namespace-label is KEY=VALUE") }
        guard scan.output == .table || scan.output == .json else {
            throw ValidationError("--output is table or json here")
        }
        guard scan.failOn == nil, scan.severity == nil, !scan.onlyFixed else {
            throw ValidationError("--fail-on, --severity and --only-fixed go with image scan; policies say what counts")
        }
    }

    mutating func run() async throws {
        let policies = try Self.policies(policyFiles)
        let setup = try scan.setup()
        var report = try await options.read(image, content: setup.content, contentName: setup.contentName)
        scan.judge(&report, setup)
        let named = reference ?? (report.reference.isEmpty ? image : report.reference)
        let verdict = ImageVerdict(report, named: named, now: setup.now)
        let place = ImageRequest(
            namespace: namespace,
            labels: Dictionary(
                labels.map { text in
                    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    return (String(parts[0]), String(parts[1]))
                }, uniquingKeysWith: { $1 }))
        var status = ExitStatus.done
        let judged = policies.map { policy in
            (policy: policy, objections: policy.judge(named, by: verdict, for: place, now: setup.now))
        }
        for (policy, objections) in judged {
            for objection in objections ?? [] {
                if objection.effect == .error { status = .unfinished }
                if fail, objection.effect == .deny, policy.mode == .enforce { status = max(status, .failed) }
            }
        }
        if scan.output == .json { write(judged, named, verdict) } else { show(judged, named) }
        if status != .done { throw status }
    }

    private typealias Judged = [(policy: ImagePolicy, objections: [ImageObjection]?)]

    private func show(_ judged: Judged, _ named: String) {
        Terminal.say(named)
        for (policy, objections) in judged {
            guard let objections else {
                Terminal.say("  \(policy.name) (\(policy.mode.rawValue)): does not count for it")
                continue
            }
            if objections.isEmpty { Terminal.say("  \(policy.name) (\(policy.mode.rawValue)): accepted") }
            for objection in objections {
                Terminal.say(
                    "  \(policy.name) (\(policy.mode.rawValue)): \(objection.word): \(ImageRefusalText.sentence(objection))"
                )
            }
        }
    }

    private func write(_ judged: Judged, _ named: String, _ verdict: ImageVerdict) {
        let policies = judged.map { policy, objections in
            EditValue.object([
                ("policy", .string(policy.name)), ("mode", .string(policy.mode.rawValue)),
                ("counts", .bool(objections != nil)),
                ("accepted", objections.map { .bool(!$0.contains { $0.effect != .warn }) } ?? .null),
                (
                    "objections",
                    .array(
                        (objections ?? []).map {
                            .object([
                                ("effect", .string($0.word)), ("message", .string($0.message)),
                                ("remedy", .string($0.remedy)),
                            ])
                        })
                ),
            ])
        }
        Terminal.say(
            EditValue.object([
                ("schemaVersion", 1), ("image", .string(named)), ("digest", .string(verdict.digest)),
                ("phase", .string(verdict.phase.rawValue)), ("policies", .array(policies)),
            ]).json)
    }

    /// What cannot be read as a policy ends the command: to judge without it would say that it allows.
    private static func policies(_ paths: [String]) throws(UserError) -> [ImagePolicy] {
        var policies: [ImagePolicy] = []
        var problems: [String] = []
        let note = { (message: String) in problems.append(message) }
        for file in InputFile.all(in: paths, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                guard found.subject.kind == ImagePolicyResources.policies.kind else { return }
                do throws(ImagePolicyError) { policies.append(try ImagePolicy(found.object)) } catch {
                    note("\(file):\(found.object.line): \(found.subject.display): \(error)")
                }
            }
        }
        if policies.isEmpty, problems.isEmpty {
            problems.append("\(paths.joined(separator: ", ")): there is no ImagePolicy in it")
        }
        guard let last = problems.popLast() else { return policies }
        for problem in problems { Terminal.error(problem) }
        throw UserError(last)
    }
}

extension ImageObjection {
    fileprivate var word: String {
        switch effect {
        case .deny: "refused"
        case .warn: "warned"
        case .error: "not judged"
        }
    }
}

extension ImageVerdict {
    /// What a scan that just ended says.
    /// - Parameter named: the reference that it is for.
    init(_ report: ImageReport, named: String, now: Int64) {
        self.init(reference: named, phase: report.isIncomplete ? .incomplete : .complete)
        digest = report.digest
        (resolved, scanned) = (now, now)
        advisories = report.advisories?.updated ?? 0
        for found in report.counted {
            vulnerabilities[found.severity, default: .init()].total += 1
            if !found.fixedVersions.isEmpty { vulnerabilities[found.severity, default: .init()].fixable += 1 }
        }
        worst = report.counted.sorted(by: ImageVulnerability.isBefore).prefix(Self.maxWorst).map {
            .init(
                id: $0.id, severity: $0.severity, package: $0.package.name, version: $0.package.version,
                fixedVersion: $0.fixedVersions.first ?? "")
        }
        malware = report.inventory.malware.count
        secrets = report.inventory.secrets.count
        misconfigurations = report.inventory.misconfigurations.filter { $0.match.outcome == .fail }.count
        if let first = report.inventory.problems.list.first {
            let more = report.inventory.problems.count - 1
            message =
                (first.path.isEmpty ? "" : "\(first.path): ") + first.message + (more > 0 ? " and \(more) more" : "")
        }
    }
}
