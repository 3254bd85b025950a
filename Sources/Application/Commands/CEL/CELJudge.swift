// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import ArgumentParser
import Documents
import Findings
import PodSecurity

/// `bulwark cel judge`: whether admission policies accept the objects of files.
struct CELJudge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge", abstract: "Judge manifests by admission policies.",
        discussion: """
            Reads ValidatingAdmissionPolicies with their bindings, and Kyverno's ValidatingPolicies as far as they need CEL \
            alone. Objects are judged as if somebody made them. Parameters and namespaces come from the policies' files; a \
            policy without a binding is tried everywhere, refusing.

            Exit status: 0 done, 1 an object was refused (only with --fail), 2 wrong usage or a file that could not be \
            read, 3 a policy that could not be used or an object that could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

    @Argument(help: "Files and folders; - for standard input.")
    var paths: [String]

    @Option(
        name: [.customShort("f"), .customLong("policy")], help: "A file or folder with policies. Repeatable.")
    var policyFiles: [String]

    @Option(help: "A file or folder with namespaces, whose labels selectors look at. Repeatable.")
    var namespaces: [String] = []

    @Option(help: "Who makes the objects.")
    var user = ""

    @Option(help: "A group of the user. Repeatable.")
    var group: [String] = []

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output = Format.table

    @Flag(name: .long, help: "Exit with 1 when an object is refused.")
    var fail = false

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String) {
            status = max(status, .unreadable)
            Terminal.error(message)
        }
        var files = CELPolicyFiles(policyFiles, unreadable: note)
        for problem in files.problems {
            status = .unfinished
            Terminal.error(problem)
        }
        for file in InputFile.all(in: namespaces, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                if found.subject.kind == "Namespace" { files.add(namespace: found.object) }
            }
        }
        for name in files.bindTheRest() { Terminal.note("\(name) has no binding: it is tried everywhere, refusing") }
        var writer = CELJudgementWriter(output, colour: Terminal.usesColour, sink: Terminal.write)
        for file in InputFile.all(in: paths, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                let judged = JudgedManifest(
                    found, file: file, by: files, user: user, groups: group)
                if !judged.error.isEmpty || judged.judgement.violations.contains(where: \.isError)
                    || !judged.judgement.ignored.isEmpty
                {
                    status = .unfinished
                }
                if fail, judged.isRefused { status = max(status, .failed) }
                writer.add(judged)
            }
        }
        writer.finish()
        if status != .done { throw status }
    }
}

/// What all policies say about one object.
struct JudgedManifest {
    let subject: Subject
    let source: SourceLocation
    private(set) var judgement = AdmissionPolicySet.Judgement()
    /// Why the object could not be judged; empty when it could.
    private(set) var error = ""

    init(_ found: FoundObject, file: String, by files: CELPolicyFiles, user: String, groups: [String]) {
        subject = found.subject
        source = SourceLocation(file: file, line: found.object.line)
        do throws(GatekeeperError) {
            let request = try AdmissionRequest(creating: found.object, user: user, groups: groups)
            judgement = files.policies.judge(
                PolicyInput(request, namespace: files.namespace(request.namespace)))
        } catch {
            self.error = "\(error)"
        }
    }

    var isRefused: Bool { judgement.violations.contains { $0.actions.contains(.deny) } }
}
