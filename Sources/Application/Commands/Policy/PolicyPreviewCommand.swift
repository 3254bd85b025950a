// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import Foundation
import Kubernetes
import Logging
import PodPolicies
import PodSecurity

/// `bulwark policy preview`: what a policy would do to what runs already.
struct PolicyPreviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preview", abstract: "Say which running workloads a policy would refuse or change.",
        discussion: """
            Reads one PodPolicy, and PodPolicyBindings where given, and judges by them every running pod and every \
            controller's template of a cluster, as if each were made again. With a binding, given or in the cluster, or \
            a policy that applies by default, it counts for whom it is bound, beside the cluster's other policies; \
            without any, for everything. Nothing is changed.

            Exit status: 0 done, 1 something would be refused (only with --fail), 2 wrong usage or an input that could \
            not be read, 3 something that could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

    @Option(
        name: .customShort("f"), help: "A file with a PodPolicy or PodPolicyBindings; - for standard input. Repeatable."
    )
    var files: [String] = []

    @Option(name: .shortAndLong, help: "Only this namespace's workloads.")
    var namespace: String?

    @OptionGroup var cluster: ClusterOptions

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output = Format.table

    @Flag(name: .long, help: "Exit with 1 when something would be refused.")
    var fail = false

    func validate() throws {
        if files.isEmpty { throw ValidationError("say which policy: -f POLICY") }
    }

    func run() async throws {
        let (policy, bindings) = try read()
        let workloads = RunningWorkloads(try cluster.client(logger: .quiet))
        var preview: PolicyPreview
        do {
            let index = try await workloads.index()
            for problem in index.problems {
                Terminal.note("\(problem.kind) \(problem.name) counts for nothing: \(problem.message)")
            }
            preview = PolicyPreview(
                policy, bindings: bindings, in: index.set, namespaces: index.namespaces,
                now: Int64(Date().timeIntervalSince1970))
            try await workloads.each(namespace: namespace) {
                preview.add($0.node, apiVersion: $0.identity.apiVersion, kind: $0.identity.kind)
            }
        } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
        PreviewWriter(format: output, width: Terminal.width, colour: Terminal.usesColour, sink: Terminal.write).write(
            preview)
        if preview.counts[.error, default: 0] > 0 { throw ExitStatus.unfinished }
        if fail, preview.counts[.refused, default: 0] > 0 { throw ExitStatus.failed }
    }

    private func read() throws -> (PodPolicy, [PodPolicyBinding]) {
        var policies: [PodPolicy] = []
        var bindings: [PodPolicyBinding] = []
        var problems: [String] = []
        for file in files {
            InputFile.objects(in: file, problem: { problems.append($0) }) { found in
                do throws(PodFieldError) {
                    switch found.subject.kind {
                    case "PodPolicy": policies.append(try PodPolicy(found.object))
                    case "PodPolicyBinding": bindings.append(try PodPolicyBinding(found.object))
                    default:
                        problems.append(
                            "\(file):\(found.object.line): \(found.subject.kind) is neither PodPolicy nor PodPolicyBinding"
                        )
                    }
                } catch {
                    problems.append("\(file):\(found.object.line): \(found.subject.display): \(error)")
                }
            }
        }
        for problem in problems { Terminal.error(problem) }
        if !problems.isEmpty { throw ExitStatus.unreadable }
        guard let policy = policies.first, policies.count == 1 else {
            throw UserError("-f must name exactly one PodPolicy, found \(policies.count)")
        }
        if let other = bindings.first(where: { $0.policy != policy.name }) {
            throw UserError("the binding \(other.name) is to the policy \(other.policy), not to \(policy.name)")
        }
        return (policy, bindings)
    }
}

extension Logger {
    /// Warnings alone, to standard error.
    static var quiet: Logger {
        var logger = Logger(label: "bulwark") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }
}
