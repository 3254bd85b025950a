// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Foundation
import Kubernetes
import PodPolicies

/// `bulwark policy preview`: what a policy or a binding would do to what runs.
struct PolicyPreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Say which running workloads a policy would refuse or change.",
        discussion: """
            Give a PodPolicy, its PodPolicyBindings, or both; what is not given is taken from the cluster. A policy that \
            nothing binds is tried on everything. Nothing is written. Pods and the templates of their controllers are \
            judged as if admission were switched on, for the pods' accounts and controllers; who else might ask is not known.

            Exit status: 0 done, 1 something would newly be refused (only with --fail), 2 wrong usage or a file that \
            could not be read, 3 something could not be judged.
            """)

    enum Output: String, ExpressibleByArgument, CaseIterable { case table, json }

    @OptionGroup var cluster: ClusterOptions

    @Option(name: [.customShort("f"), .long], help: "A file with a PodPolicy and PodPolicyBindings, or -. Repeatable.")
    var file: [String]

    @Option(name: [.short, .long], help: "Only what runs in this namespace.")
    var namespace: String?

    @Option(name: [.short, .long], help: "table or json.")
    var output = Output.table

    @Flag(name: .long, help: "Exit with 1 when something would newly be refused.")
    var fail = false

    func validate() throws {
        guard !file.isEmpty else { throw ValidationError("give the policy or its bindings: -f FILE") }
    }

    func run() async throws {
        let (given, bindings) = try objects()
        let (client, _) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            let workloads = RunningWorkloads(client)
            let index = try await workloads.index()
            var status = ExitStatus.done
            for problem in index.problems {
                status = .unfinished
                Terminal.error("\(problem.kind) \(problem.name) of the cluster: \(problem.message)")
            }
            let policy = try given ?? Self.bound(by: bindings, in: index.set)
            var preview = PolicyPreview(
                policy, bindings: bindings, in: index.set, namespaces: index.namespaces,
                now: Int64(Date().timeIntervalSince1970))
            var progress = Progress()
            try await workloads.each(namespace: namespace) { object in
                preview.add(object.node, apiVersion: object.identity.apiVersion, kind: object.identity.kind)
                progress.show("\(preview.judged) judged")
            }
            progress.clear()
            switch output {
            case .table: PreviewText.lines(preview).forEach(Terminal.say)
            case .json: Terminal.say(PreviewText.json(preview))
            }
            Terminal.note(PreviewText.summary(preview))
            if preview.counts[.error] != nil { status = .unfinished }
            if fail, preview.results.contains(where: { $0.outcome == .refused && $0.isNew }) {
                status = max(status, .failed)
            }
            if status != .done { throw status }
        }
    }

    /// The policy that bindings alone are about.
    private static func bound(by bindings: [PodPolicyBinding], in set: PolicySet) throws -> PodPolicy {
        let names = Set(bindings.map(\.policy)).sorted()
        guard names.count == 1 else {
            throw UserError(
                "the bindings are of several policies (\(names.joined(separator: ", "))): give them one at a time")
        }
        guard let policy = set.policy(names[0]) else {
            throw UserError("the cluster has no PodPolicy \(names[0]), and no file holds one")
        }
        return policy
    }

    private func objects() throws -> (PodPolicy?, [PodPolicyBinding]) {
        var policies: [PodPolicy] = []
        var bindings: [PodPolicyBinding] = []
        for path in file {
            let bytes = try path == "-" ? InputFile.all(of: 0, "standard input") : InputFile.text(path, limit: 16 << 20)
            do {
                for result in DocumentReader.documents(in: bytes, source: path) {
                    let root = try result.get().root
                    switch root["kind"]?.string {
                    case "PodPolicy": policies.append(try PodPolicy(root))
                    case "PodPolicyBinding": bindings.append(try PodPolicyBinding(root))
                    case nil where root.isNull: continue
                    default:
                        throw UserError("\(path):\(root.line): expected a PodPolicy or a PodPolicyBinding")
                    }
                }
            } catch let error as PodFieldError {
                throw UserError("\(path): \(error)")
            } catch let error as DocumentError { throw UserError("\(error)") }
        }
        guard policies.count <= 1 else {
            throw UserError("there are \(policies.count) policies in the files: give one at a time")
        }
        guard !policies.isEmpty || !bindings.isEmpty else {
            throw UserError("\(file.joined(separator: ", ")): expected a PodPolicy or a PodPolicyBinding")
        }
        return (policies.first, bindings)
    }
}
