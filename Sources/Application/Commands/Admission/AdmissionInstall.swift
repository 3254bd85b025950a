// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Foundation
import Kubernetes
import Logging
import PodPolicies

/// `bulwark admission …`: the webhooks of a cluster.
struct AdmissionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admission", abstract: "Judge API requests as they come in: the webhooks of a cluster.",
        subcommands: [
            AdmissionInstall.self, AdmissionShow.self, AdmissionUninstall.self, AdmissionServe.self,
            AdmissionEnable.self, AdmissionDisable.self, AdmissionMeasure.self,
        ])
}

/// `bulwark admission install`
struct AdmissionInstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Put the webhooks and the policies' kinds into a cluster.",
        discussion: """
            From then on the API server asks the webhooks. Start `bulwark admission serve` first: until it answers,
            requests go by the failure policy. kube-system and Bulwark's own namespace are never asked about.
            """)

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget

    @Flag(name: .long, help: "Print the manifests instead, without certificates; no cluster is needed.")
    var dryRun = false

    @Option(name: .long, help: "Keep the certificates in this folder instead of a Secret of the cluster.")
    var state: String?

    mutating func run() async throws {
        let manifests = AdmissionManifests(namespace: target.namespace, images: target.images.isOn)
        if dryRun { return try printManifests(manifests) }
        let (client, logger) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            for object in [manifests.namespaceObject] + (target.url == nil ? manifests.access : []) {
                try await AdmissionSession.apply(object, client, namespace: target.namespace)
            }
            let store: any WebhookCertificateStore =
                state.map { FolderCertificateStore(folder: $0) }
                ?? SecretCertificateStore(client: client, namespace: target.namespace)
            let authority = WebhookAuthority(
                store: store,
                options: .init(
                    names: AdmissionManifests.certificateNames(
                        try target.endpoint(), namespace: target.namespace)),
                mayWrite: { true }, logger: logger)
            try await authority.refresh()
            guard let bundle = authority.current?.bundle else {
                throw UserError("there is no certificate after one was made", .unfinished)
            }
            try await AdmissionSwitch(client: client, namespace: target.namespace).set(true)
            let outcome = try await target.installer(client, logger: logger).repair(bundle: bundle)
            for object in outcome.repaired { Terminal.say("installed \(object)") }
            if outcome.repaired.isEmpty { Terminal.say("everything is installed already") }
        }
    }

    private func printManifests(_ manifests: AdmissionManifests) throws {
        let installation = try target.installation(excludesByOffLabel: true)
        var texts = ([manifests.namespaceObject] + (target.url == nil ? manifests.access : [])).map(\.yaml)
        texts += (PolicyResources.crds + target.images.definitions).map { String(decoding: $0, as: UTF8.self) }
        texts.append("# The policy that is shipped; with JSON for brevity.\n" + PolicyResources.defaultPolicy)
        texts += installation.configurations(bundle: "").map { value in
            "# The server puts its caBundle in, with --install, or `bulwark admission install` does.\n" + value.yaml
        }
        let text = texts.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "---\n")
        Array(text.utf8).withUnsafeBytes { Terminal.write($0) }
    }
}

/// What the admission commands do alike.
enum AdmissionSession {
    static func open(_ cluster: ClusterOptions) throws -> (APIClient, Logger) {
        guard cluster.isAsked else {
            throw UserError("name the cluster: --context, --kubeconfig or --live")
        }
        var logger = Logger(label: "bulwark") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return (try cluster.client(logger: logger), logger)
    }

    /// Turns what goes wrong into a sentence and status 3.
    static func reporting(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        } catch let error as AdmissionError { throw UserError("\(error)", .unfinished) }
    }

    static func apply(_ object: ManifestValue, _ client: APIClient, namespace: String) async throws {
        guard case .string(let kind)? = object["kind"], case .string(let version)? = object["apiVersion"],
            case .string(let name)? = object["metadata"]?["name"]
        else { return }
        let isNamespaced = object["metadata"]?["namespace"] != nil
        let parts = version.split(separator: "/")
        let resource = APIResource(
            group: parts.count == 2 ? String(parts[0]) : "", version: String(parts[parts.count - 1]),
            plural: kind.lowercased() + "s", kind: kind, namespaced: isNamespaced)
        _ = try await client.apply(
            resource, namespace: isNamespaced ? namespace : nil, name: name, Array(object.json.utf8),
            options: .init(force: true))
    }
}
