// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import PodPolicies
import PodSecurity
import Reporting

/// `bulwark policy judge`: whether policies accept the pods of files.
struct PolicyJudge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "Judge pods and pod templates in files.",
        discussion: """
            Reads YAML, JSON and JSON lines; several documents and lists in a file. Objects without pods are passed over. \
            Each pod is judged by each policy on its own; who made the pod, where, and exemptions do not count.

            Exit status: 0 done, 1 a pod was refused (only with --fail), 2 wrong usage or an input that could not be \
            read, 3 a pod that could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

    @Argument(help: "Files and folders; - for standard input.")
    var paths: [String]

    @Option(
        name: .long,
        help: "privileged, baseline or restricted, with @v1.N for one version of Kubernetes. Repeatable.")
    var standard: [StandardArgument] = []

    @Option(name: [.customShort("f"), .customLong("policy")], help: "A file with PodPolicy objects. Repeatable.")
    var policyFiles: [String] = []

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output = Format.table

    @Flag(name: .long, help: "Exit with 1 when a pod is refused.")
    var fail = false

    func validate() throws {
        guard standard.isEmpty, policyFiles.isEmpty else { return }
        throw ValidationError("say by what to judge: --standard baseline, say, or -f with a file of policies")
    }

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String) {
            status = max(status, .unreadable)
            Terminal.error(message)
        }
        let policies = try PolicyFiles.read(policyFiles, judgesImages: false).policies
        let judges = standard.map { PolicyOnTrial($0.standard) } + policies.map { PolicyOnTrial($0) }
        var writer = JudgementWriter(output, colour: Terminal.usesColour, sink: Terminal.write)
        for file in InputFile.all(in: paths, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                for judgement in Judgement.all(of: found, file: file, by: judges) {
                    if !judgement.error.isEmpty { status = .unfinished }
                    if fail, judgement.isAllowed == false { status = max(status, .failed) }
                    writer.add(judgement)
                }
            }
        }
        writer.finish()
        if status != .done { throw status }
    }
}

/// A standard on the command line.
struct StandardArgument: ExpressibleByArgument {
    let standard: PodSecurityStandard

    init?(argument: String) {
        guard let standard = PodSecurityStandard(argument) else { return nil }
        self.standard = standard
    }
}
