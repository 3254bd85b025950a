// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Logging

/// Puts the webhooks and the capability's kinds into a cluster, puts right what somebody changed, and takes them out.
package struct WebhookInstaller: Sendable {
    /// What `repair` found and did.
    package struct Outcome: Sendable, Equatable {
        /// A person switched admission off; the configurations are gone and stay so.
        package var isDisabled = false
        /// What was missing or not as it should be, and has been put right: `ValidatingWebhookConfiguration bulwark-admission`.
        package var repaired: [String] = []

        package init() {}
    }

    package let client: APIClient
    package let installation: WebhookInstallation
    /// CustomResourceDefinitions as JSON or YAML.
    package let definitions: [[UInt8]]
    /// CustomResourceDefinitions of others' kinds: made where they are missing, and never changed.
    package let foreignDefinitions: [Default]
    /// Objects that are made where they are missing, and left alone where they are not.
    package let defaults: [Default]
    private let logger: Logger

    package struct Default: Sendable {
        package var resource: APIResource
        package var name: String
        package var json: String

        package init(resource: APIResource, name: String, json: String) {
            self.resource = resource
            self.name = name
            self.json = json
        }
    }

    package init(
        client: APIClient, installation: WebhookInstallation, definitions: [[UInt8]],
        foreignDefinitions: [Default] = [], defaults: [Default] = [], logger: Logger
    ) {
        self.client = client
        self.installation = installation
        self.definitions = definitions
        self.foreignDefinitions = foreignDefinitions
        self.defaults = defaults
        self.logger = logger
    }

    static let force = WriteOptions(force: true)

    // MARK: Putting in

    /// Makes the cluster as it should be.
    /// - Parameters:
    ///   - bundle: PEM of the authorities.
    ///   - isReady: whether the webhooks can answer; until then only the kinds are put in.
    package func repair(bundle: String, isReady: Bool = true) async throws -> Outcome {
        var outcome = Outcome()
        try await repairDefinitions(&outcome)
        for object in foreignDefinitions where try await found(object.resource, object.name) == nil {
            _ = try await client.create(object.resource, namespace: nil, .json(object.json))
            outcome.repaired.append("\(object.resource.kind) \(object.name)")
        }
        try await makeDefaults(&outcome)
        if try await !AdmissionSwitch(client: client, namespace: installation.namespace).isOn {
            outcome.isDisabled = true
            outcome.repaired = []
            try await removeConfigurations()
            return outcome
        }
        guard isReady, !bundle.isEmpty else { return outcome }
        if installation.excludesByOffLabel { try await labelNamespaces(&outcome) }
        for configuration in installation.configurations(bundle: bundle) {
            try await repair(configuration, &outcome)
        }
        for done in outcome.repaired { logger.notice("Installed or repaired", metadata: ["object": "\(done)"]) }
        return outcome
    }

    /// The kinds, each by server-side apply: a change that is none leaves the object's version as it is.
    private func repairDefinitions(_ outcome: inout Outcome) async throws {
        for bytes in definitions {
            for result in DocumentReader.documents(in: bytes, source: "definition") {
                let document = try result.get()
                guard let name = document.root["metadata"]?["name"]?.string else {
                    throw AdmissionError(.invalid, "a definition without a name")
                }
                let before = try await found(.customResourceDefinitions, name)?.identity.resourceVersion
                let after = try await client.apply(
                    .customResourceDefinitions, namespace: nil, name: name, Array(document.root.json().utf8),
                    options: Self.force)
                if before != after.identity.resourceVersion {
                    outcome.repaired.append("CustomResourceDefinition \(name)")
                }
            }
        }
    }

    /// A kind is served a moment after it was defined. What cannot be made now is tried again in the next round: the
    /// webhooks themselves do not depend on it.
    private func makeDefaults(_ outcome: inout Outcome) async throws {
        for object in defaults {
            for attempt in 1...20 {
                do {
                    if try await found(object.resource, object.name) == nil {
                        _ = try await client.create(object.resource, namespace: nil, .json(object.json))
                        outcome.repaired.append("\(object.resource.kind) \(object.name)")
                    }
                    break
                } catch let error as KubernetesError {
                    if error.code == .notFound, attempt < 20 {
                        try await Task.sleep(for: .milliseconds(250))
                        continue
                    }
                    logger.warning(
                        "Not made for now", metadata: ["object": "\(object.name)", "reason": "\(error.message)"])
                    break
                }
            }
        }
    }

    private func labelNamespaces(_ outcome: inout Outcome) async throws {
        for name in installation.excludedNamespaces {
            guard let namespace = try await found(.namespaces, name),
                namespace.node["metadata"]?["labels"]?[dynamic: WebhookInstallation.offLabel]?.string != "off"
            else { continue }
            let label: ManifestValue = [
                "metadata": ["labels": .object([(WebhookInstallation.offLabel, .string("off"))])]
            ]
            _ = try await client.patch(.namespaces, namespace: nil, name: name, label.json)
            outcome.repaired.append("Namespace \(name)")
        }
    }

    private func repair(_ wanted: ManifestValue, _ outcome: inout Outcome) async throws {
        let resource: APIResource =
            wanted["kind"] == "MutatingWebhookConfiguration" ? .mutatingWebhooks : .validatingWebhooks
        let name = installation.name
        guard let found = try await found(resource, name) else {
            _ = try await client.apply(
                resource, namespace: nil, name: name, Array(wanted.json.utf8), options: Self.force)
            outcome.repaired.append("\(resource.kind) \(name)")
            return
        }
        guard wanted["webhooks"]?.matches(found.node["webhooks"]) != true else { return }
        // An apply would leave standing what others added, such as a selector that lets everything pass: replace it.
        var wanted = wanted
        wanted["metadata"] = [
            "name": .string(name), "labels": WebhookInstallation.labels,
            "resourceVersion": .string(found.identity.resourceVersion),
        ]
        do {
            let after = try await client.replace(resource, namespace: nil, name: name, .json(wanted.json))
            // A newer server may fill in fields that we do not know; that is no repair.
            if after.identity.resourceVersion != found.identity.resourceVersion {
                outcome.repaired.append("\(resource.kind) \(name)")
            }
        } catch let error as KubernetesError where error.code == .conflict || error.code == .notFound {
            // Changed at this very moment: the next round sees it.
        }
    }

    // MARK: Taking out

    /// Removes the configurations: from then on nobody is asked. The kinds and their objects stay.
    package func removeConfigurations() async throws {
        for resource in [APIResource.mutatingWebhooks, .validatingWebhooks] {
            try await delete(resource, installation.name)
        }
    }

    /// Removes the configurations, the certificates, the switch and the Leases, and with `andDefinitions` also the kinds:
    /// every policy and binding goes with them.
    package func uninstall(andDefinitions: Bool, leases names: [String]) async throws {
        try await removeConfigurations()
        if andDefinitions {
            for bytes in definitions {
                for result in DocumentReader.documents(in: bytes, source: "definition") {
                    guard let name = try result.get().root["metadata"]?["name"]?.string else { continue }
                    try await delete(.customResourceDefinitions, name)
                }
            }
        }
        for name in installation.excludedNamespaces {
            guard let namespace = try await found(.namespaces, name),
                namespace.node["metadata"]?["labels"]?[dynamic: WebhookInstallation.offLabel] != nil
            else { continue }
            let path = JSONPatchOperation.pointer("metadata", "labels", WebhookInstallation.offLabel)
            let patch: ManifestValue = [["op": "remove", "path": .string(path)]]
            _ = try await client.patch(.namespaces, namespace: nil, name: name, patch.json, as: .json)
        }
        let namespace = installation.namespace
        let leases = APIResource(
            group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)
        let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
        for name in names { try await delete(leases, name, namespace) }
        try await delete(secrets, SecretCertificateStore.name, namespace)
        try await delete(.configMaps, AdmissionSwitch.name, namespace)
    }

    private func delete(_ resource: APIResource, _ name: String, _ namespace: String? = nil) async throws {
        do { try await client.delete(resource, namespace: namespace, name: name) } catch let error as KubernetesError
            where error.code == .notFound
        {}
    }

    // MARK: Looking

    /// What stands in the cluster.
    package struct Status: Sendable, Equatable {
        package struct Part: Sendable, Equatable {
            /// `CustomResourceDefinition podpolicies.policy.bulwark.dev`
            package var object: String
            package var isPresent: Bool
            /// As it should be; nil where that is not compared.
            package var isAsWanted: Bool?
            /// Whether it trusts exactly our authorities; nil where it has no bundle.
            package var trustsUs: Bool?
        }

        package var isOn: Bool
        package var parts: [Part]
        package var isInstalled: Bool { parts.allSatisfy { $0.isPresent && $0.isAsWanted != false } }
    }

    package func status(bundle: String) async throws -> Status {
        var parts: [Status.Part] = []
        for bytes in definitions {
            for result in DocumentReader.documents(in: bytes, source: "definition") {
                guard let name = try result.get().root["metadata"]?["name"]?.string else { continue }
                let found = try await found(.customResourceDefinitions, name)
                parts.append(
                    Status.Part(object: "CustomResourceDefinition \(name)", isPresent: found != nil, isAsWanted: nil))
            }
        }
        let encoded = Data(bundle.utf8).base64EncodedString()
        for wanted in installation.configurations(bundle: bundle) {
            let resource: APIResource =
                wanted["kind"] == "MutatingWebhookConfiguration" ? .mutatingWebhooks : .validatingWebhooks
            let found = try await found(resource, installation.name)
            let webhooks = found?.node["webhooks"]
            parts.append(
                Status.Part(
                    object: "\(resource.kind) \(installation.name)", isPresent: found != nil,
                    isAsWanted: found.map { _ in wanted["webhooks"]?.matches(webhooks) == true },
                    trustsUs: webhooks.map { webhooks in
                        !bundle.isEmpty
                            && webhooks.elements.allSatisfy { $0["clientConfig"]?["caBundle"]?.string == encoded }
                    }))
        }
        let isOn = try await AdmissionSwitch(client: client, namespace: installation.namespace).isOn
        return Status(isOn: isOn, parts: parts)
    }

    private func found(_ resource: APIResource, _ name: String) async throws -> APIObject? {
        do { return try await client.get(resource, namespace: nil, name: name) } catch let error as KubernetesError
            where error.code == .notFound
        { return nil }
    }
}

extension APIResource {
    package static let mutatingWebhooks = APIResource(
        group: "admissionregistration.k8s.io", version: "v1", plural: "mutatingwebhookconfigurations",
        kind: "MutatingWebhookConfiguration", namespaced: false)
    package static let validatingWebhooks = APIResource(
        group: "admissionregistration.k8s.io", version: "v1", plural: "validatingwebhookconfigurations",
        kind: "ValidatingWebhookConfiguration", namespaced: false)
}

/// Whether admission is wanted at all: the ConfigMap `bulwark-admission` in our namespace with `enabled: "false"` keeps
/// every replica from installing. It works without any of our servers running: no webhook asks about our namespace.
package struct AdmissionSwitch: Sendable {
    package static let name = "bulwark-admission"

    private let client: APIClient
    private let namespace: String

    package init(client: APIClient, namespace: String) {
        self.client = client
        self.namespace = namespace
    }

    package var isOn: Bool {
        get async throws {
            do {
                let map = try await client.get(.configMaps, namespace: namespace, name: Self.name)
                return map.node["data"]?["enabled"]?.string != "false"
            } catch let error as KubernetesError where error.code == .notFound {
                return true
            }
        }
    }

    package func set(_ isOn: Bool) async throws {
        let map: ManifestValue = [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": .string(Self.name), "namespace": .string(namespace)],
            "data": ["enabled": isOn ? "true" : "false"],
        ]
        _ = try await client.apply(
            .configMaps, namespace: namespace, name: Self.name, Array(map.json.utf8), options: WebhookInstaller.force)
    }
}
