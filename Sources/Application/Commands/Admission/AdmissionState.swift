// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Documents
import Foundation
import Kubernetes
import Logging
import PodPolicies

/// `bulwark admission status`
struct AdmissionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the webhooks are installed, trust us, and who looks after them.")

    enum Output: String, ExpressibleByArgument, CaseIterable { case table, json }

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget

    @Option(name: .long, help: "The folder of the certificates, when they are in no Secret.")
    var state: String?

    @Option(name: [.short, .long], help: "table or json.")
    var output = Output.table

    mutating func run() async throws {
        let (client, logger) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            let store: any WebhookCertificateStore =
                state.map { FolderCertificateStore(folder: $0) }
                ?? SecretCertificateStore(client: client, namespace: target.namespace)
            let certificates = try await store.read()?.certificates
            let status = try await target.installer(client, logger: logger).status(
                bundle: certificates?.bundle ?? "")
            let lease = Lease(
                client, options: .init(namespace: target.namespace, name: AdmissionManifests.lease, identity: ""),
                logger: logger)
            let holder = try await lease.read()
            switch output {
            case .json: Terminal.say(json(status, certificates, holder))
            case .table: table(status, certificates, holder)
            }
        }
    }

    private func table(_ status: WebhookInstaller.Status, _ certificates: WebhookCertificates?, _ holder: String) {
        Terminal.say("admission    \(status.isOn ? "on" : "off (bulwark admission enable)")")
        for part in status.parts {
            var words = [part.isPresent ? "present" : "missing"]
            if part.isAsWanted == false { words.append("differs from what would be installed") }
            if part.trustsUs == false { words.append("does not trust our authority") }
            Terminal.say("\(part.object): \(words.joined(separator: ", "))")
        }
        let end = certificates.map { Self.time($0.serverEnd) }
        Terminal.say("certificate  \(end.map { "until \($0)" } ?? "none")")
        Terminal.say("looked after \(holder.isEmpty ? "by nobody" : "by \(holder)")")
    }

    private func json(
        _ status: WebhookInstaller.Status, _ certificates: WebhookCertificates?, _ holder: String
    ) -> String {
        let parts = status.parts.map { part in
            var value: ManifestValue = ["object": .string(part.object), "present": .bool(part.isPresent)]
            if let isAsWanted = part.isAsWanted { value["asWanted"] = .bool(isAsWanted) }
            if let trustsUs = part.trustsUs { value["trustsUs"] = .bool(trustsUs) }
            return value
        }
        var value: ManifestValue = [
            "schemaVersion": 1, "enabled": .bool(status.isOn), "installed": .bool(status.isInstalled),
            "objects": .array(parts), "holder": .string(holder),
        ]
        if let certificates { value["certificateEnd"] = .string(Self.time(certificates.serverEnd)) }
        return value.json
    }

    private static func time(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
    }
}

/// `bulwark admission uninstall`
struct AdmissionUninstall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Take the webhooks out of a cluster.",
        discussion: "Stop `bulwark admission serve --install` first: it would put them in again.")

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget

    @Flag(name: .long, help: "Remove the kinds too, and with them every policy and binding.")
    var withPolicies = false

    mutating func run() async throws {
        let (client, logger) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            try await target.installer(client, logger: logger).uninstall(
                andDefinitions: withPolicies, leases: [AdmissionManifests.lease, AdmissionManifests.installLease])
        }
        Terminal.say("uninstalled\(withPolicies ? "" : "; the policies stay")")
    }
}

/// `bulwark admission disable`
struct AdmissionDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Switch admission off: the way out when it refuses everything.",
        discussion: """
            Removes the webhook configurations and keeps every replica from putting them in again. It needs no running
            server of ours. With --only-namespace or --policy only that much is switched off, and the webhooks stay.
            """)

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget
    @OptionGroup var part: AdmissionPart

    mutating func run() async throws {
        let (client, logger) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            if try await part.set(isOn: false, client) { return Terminal.say("switched off") }
            try await AdmissionSwitch(client: client, namespace: target.namespace).set(false)
            let installer = try await target.installer(client, logger: logger)
            try await installer.removeConfigurations()
            // A replica that was about to repair when the switch was set may have put them in once more.
            try await Task.sleep(for: .seconds(2))
            try await installer.removeConfigurations()
            Terminal.say("admission is off; switch it on with: bulwark admission enable")
        }
    }
}

/// `bulwark admission enable`
struct AdmissionEnable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Switch admission on again.",
        discussion: "A server that runs with --install puts the webhooks in within half a minute.")

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget
    @OptionGroup var part: AdmissionPart

    mutating func run() async throws {
        let (client, _) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            if try await part.set(isOn: true, client) { return Terminal.say("switched on") }
            try await AdmissionSwitch(client: client, namespace: target.namespace).set(true)
            Terminal.say("admission is on; without a server that runs with --install, run: bulwark admission install")
        }
    }
}

/// A part of admission that can be switched alone.
struct AdmissionPart: ParsableArguments {
    @Option(name: .long, help: "Only for the pods of this namespace.")
    var onlyNamespace: String?

    @Option(name: .long, help: "Only this PodPolicy.")
    var policy: String?

    func validate() throws {
        if onlyNamespace != nil, policy != nil { throw ValidationError("give --only-namespace or --policy, not both") }
    }

    /// False when no part is meant.
    func set(isOn: Bool, _ client: APIClient) async throws -> Bool {
        if let policy {
            let change: ManifestValue = ["spec": ["enabled": .bool(isOn)]]
            _ = try await client.patch(PolicyResources.policies, namespace: nil, name: policy, change.json)
            return true
        }
        guard let namespace = onlyNamespace else { return false }
        let resource = PolicyResources.controls
        let found: APIObject?
        do { found = try await client.get(resource, namespace: nil, name: AdmissionControl.name) } catch let error
            as KubernetesError where error.code == .notFound
        { found = nil }
        var names = Set(found?.node["spec"]?["disabledNamespaces"]?.elements.compactMap(\.string) ?? [])
        if isOn { names.remove(namespace) } else { names.insert(namespace) }
        let list = ManifestValue.strings(names.sorted())
        if let found {
            let change: ManifestValue = [
                "metadata": ["resourceVersion": .string(found.identity.resourceVersion)],
                "spec": ["disabledNamespaces": list],
            ]
            _ = try await client.patch(resource, namespace: nil, name: AdmissionControl.name, change.json)
        } else {
            let control: ManifestValue = [
                "apiVersion": .string(PolicyResources.apiVersion), "kind": .string(resource.kind),
                "metadata": ["name": .string(AdmissionControl.name)], "spec": ["disabledNamespaces": list],
            ]
            _ = try await client.create(resource, namespace: nil, .json(control.json))
        }
        return true
    }
}
