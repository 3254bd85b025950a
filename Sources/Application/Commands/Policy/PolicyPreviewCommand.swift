// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import Foundation
import ImagePolicies
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
            without any, for everything. An ImagePolicy instead is asked about their images, by the cluster's ImageScan \
            objects: what it would refuse today. Nothing is changed.

            Exit status: 0 done, 1 something would be refused (only with --fail), 2 wrong usage or an input that could \
            not be read, 3 something that could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

    @Option(
        name: .customShort("f"),
        help: "A file with a PodPolicy or PodPolicyBindings, or an ImagePolicy; - for standard input. Repeatable.")
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
        let given = try read()
        let workloads = RunningWorkloads(try cluster.client(logger: .quiet))
        let now = Int64(Date().timeIntervalSince1970)
        let entries: PreviewEntries
        var writer = PreviewWriter(
            policy: given.name, format: output, width: Terminal.width, colour: Terminal.usesColour,
            sink: Terminal.write)
        do {
            switch given {
            case .pods(let policy, let bindings):
                let index = try await workloads.index()
                for problem in index.problems {
                    Terminal.note("\(problem.kind) \(problem.name) counts for nothing: \(problem.message)")
                }
                var preview = PolicyPreview(
                    policy, bindings: bindings, in: index.set, namespaces: index.namespaces, now: now)
                try await workloads.each(namespace: namespace) {
                    preview.add($0.node, apiVersion: $0.identity.apiVersion, kind: $0.identity.kind)
                }
                writer.isAlone = preview.scope == .alone
                entries = preview.entries
            case .images(let policy):
                let index = try await ImagePolicyPreview.index(workloads.client) { Terminal.note($0) }
                var preview = ImagePolicyPreview(policy, in: index, now: now)
                try await workloads.each(namespace: namespace) {
                    preview.add($0.node, apiVersion: $0.identity.apiVersion, kind: $0.identity.kind)
                }
                writer.asksForUsers = policy.exemptions.contains { !$0.users.isEmpty }
                entries = preview.entries
            }
        } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
        writer.write(entries)
        if entries.counts[.error, default: 0] > 0 { throw ExitStatus.unfinished }
        if fail, entries.counts[.refused, default: 0] > 0 { throw ExitStatus.failed }
    }

    private enum Given {
        case pods(PodPolicy, [PodPolicyBinding])
        case images(ImagePolicy)

        var name: String {
            switch self {
            case .pods(let policy, _): policy.name
            case .images(let policy): policy.name
            }
        }
    }

    private func read() throws -> Given {
        var policies: [Given] = []
        var bindings: [PodPolicyBinding] = []
        var problems: [String] = []
        for file in files {
            InputFile.objects(in: file, problem: { problems.append($0) }) { found in
                let place = "\(file):\(found.object.line): \(found.subject.display)"
                do {
                    switch found.subject.kind {
                    case "PodPolicy": policies.append(.pods(try PodPolicy(found.object), []))
                    case "PodPolicyBinding": bindings.append(try PodPolicyBinding(found.object))
                    case "ImagePolicy": policies.append(.images(try ImagePolicy(found.object)))
                    default: problems.append("\(place) is no PodPolicy, PodPolicyBinding or ImagePolicy")
                    }
                } catch {
                    problems.append("\(place): \(error)")
                }
            }
        }
        for problem in problems { Terminal.error(problem) }
        if !problems.isEmpty { throw ExitStatus.unreadable }
        guard let given = policies.first, policies.count == 1 else {
            throw UserError("-f must name exactly one PodPolicy or ImagePolicy, found \(policies.count)")
        }
        switch given {
        case .images(let policy):
            guard let binding = bindings.first else { return given }
            throw UserError(
                "the binding \(binding.name) binds no ImagePolicy: \(policy.name) says itself where it counts")
        case .pods(let policy, _):
            if let other = bindings.first(where: { $0.policy != policy.name }) {
                throw UserError("the binding \(other.name) is to the policy \(other.policy), not to \(policy.name)")
            }
            return .pods(policy, bindings)
        }
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
