// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import Kubernetes
import Logging
import PodPolicies
import PodSecurity

/// `bulwark policy import`: from PodSecurityPolicies to PodPolicies.
struct PolicyImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Convert PodSecurityPolicies and the grants of their use.",
        discussion: """
            Reads policy/v1beta1 PodSecurityPolicy objects with their seccomp and AppArmor annotations, and the roles \
            and role bindings that let accounts use them, and writes PodPolicy and PodPolicyBinding objects as YAML. \
            What cannot be converted is told on standard error, and the exit status is 3.
            """)

    @Argument(help: "Files and folders with the objects; - for standard input.")
    var paths: [String] = []

    @OptionGroup var cluster: ClusterOptions

    func validate() throws {
        guard paths.isEmpty == cluster.isAsked else {
            throw ValidationError(
                "say either files with PodSecurityPolicies or a cluster (--live, --kubeconfig, --context)")
        }
    }

    func run() async throws {
        var importer = PolicyImporter()
        var status = ExitStatus.done
        if paths.isEmpty { try await read(&importer) } else { status = read(files: &importer) }
        let (policies, bindings) = importer.finish()
        for problem in importer.problems { Terminal.error(problem) }
        let objects = policies.compactMap(\.importedObject) + bindings.map(\.importedObject)
        let text = objects.map { "---\n" + $0.yaml }.joined()
        Array(text.utf8).withUnsafeBytes { Terminal.write($0) }
        Terminal.note(
            "\(policies.count) policies and \(bindings.count) bindings; \(importer.problems.count) could not be converted"
        )
        if !importer.problems.isEmpty { status = .unfinished }
        if status != .done { throw status }
    }

    private func read(_ importer: inout PolicyImporter) async throws {
        var logger = Logger(label: "bulwark") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let client = try cluster.client(logger: logger)
        do {
            for resource in Self.resources {
                for try await page in try client.list(resource) {
                    for object in page.objects {
                        importer.add(
                            object.node, apiVersion: resource.apiVersion, kind: resource.kind,
                            source: client.connection.cluster)
                    }
                }
            }
        } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
    }

    private static let resources: [APIResource] = {
        let rbac = "rbac.authorization.k8s.io"
        return [
            APIResource(
                group: "policy", version: "v1beta1", plural: "podsecuritypolicies", kind: "PodSecurityPolicy",
                namespaced: false),
            APIResource(group: rbac, version: "v1", plural: "roles", kind: "Role", namespaced: true),
            APIResource(group: rbac, version: "v1", plural: "clusterroles", kind: "ClusterRole", namespaced: false),
            APIResource(group: rbac, version: "v1", plural: "rolebindings", kind: "RoleBinding", namespaced: true),
            APIResource(
                group: rbac, version: "v1", plural: "clusterrolebindings", kind: "ClusterRoleBinding",
                namespaced: false),
        ]
    }()

    private func read(files importer: inout PolicyImporter) -> ExitStatus {
        var status = ExitStatus.done
        func note(_ message: String) {
            status = .unreadable
            Terminal.error(message)
        }
        for file in InputFile.all(in: paths, problem: note) {
            func take(_ descriptor: Int32) {
                DocumentReader.read(descriptor: descriptor, source: file) { result, list in
                    let document: Document
                    switch result {
                    case .success(let read): document = read
                    case .failure(let error): return note("\(error)")
                    }
                    let problem = { (message: String, line: Int) in note("\(file):\(line): \(message)") }
                    let body = { (found: FoundObject) in
                        importer.add(
                            found.object, apiVersion: found.subject.apiVersion, kind: found.subject.kind,
                            source: "\(file):\(found.object.line)")
                    }
                    if let list {
                        FoundObject.all(
                            inItem: document.root, listKind: list.kind, listVersion: list.apiVersion,
                            problem: problem, body: body)
                    } else {
                        FoundObject.all(in: document.root, problem: problem, body: body)
                    }
                }
            }
            do {
                if file == "-" { take(0) } else { try InputFile.open(file, take) }
            } catch let error as UserError {
                note(error.message)
            } catch {
                note("\(file): \(error)")
            }
        }
        return status
    }
}
