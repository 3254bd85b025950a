// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A kind that templates may look at.
package struct SyncedKind: Sendable, Hashable {
    package let group: String
    package let version: String
    package let kind: String

    init(group: String, version: String, kind: String) {
        (self.group, self.version, self.kind) = (group, version, kind)
    }

    init(_ fields: ObjectFields) throws(GatekeeperError) {
        group = try fields.text("group")
        version = try fields.required("version")
        kind = try fields.required("kind")
    }
}

/// A `SyncSet` of syncset.gatekeeper.sh: kinds whose objects are in `data.inventory`.
package struct SyncSet: Sendable {
    package static let group = "syncset.gatekeeper.sh"

    package let name: String
    package let kinds: [SyncedKind]

    package init(_ object: Node) throws(GatekeeperError) {
        let kind = try ObjectFields.kind(of: object, group: SyncSet.group)
        guard kind == "SyncSet" else { throw GatekeeperError(.invalid, "\(kind) is no SyncSet") }
        name = try ObjectFields.name(of: object)
        var kinds: [SyncedKind] = []
        for entry in try ObjectFields(object["spec"], at: "spec").objects("gvks") {
            kinds.append(try SyncedKind(entry))
        }
        self.kinds = kinds
    }
}

/// The `Config` of config.gatekeeper.sh: kinds whose objects are in `data.inventory`, and namespaces that are left alone.
package struct GatekeeperConfig: Sendable {
    /// What a namespace can be left out of.
    package enum Activity: String, Sendable, CaseIterable {
        case audit, sync, webhook
        case mutation = "mutation-webhook"
        case all = "*"
    }

    package static let group = "config.gatekeeper.sh"
    /// The one name that counts.
    package static let name = "config"

    package let kinds: [SyncedKind]
    private let exclusions: [(namespaces: [NamePattern], activities: Set<Activity>)]

    package init(_ object: Node) throws(GatekeeperError) {
        let kind = try ObjectFields.kind(of: object, group: GatekeeperConfig.group)
        guard kind == "Config" else { throw GatekeeperError(.invalid, "\(kind) is no Config") }
        let name = try ObjectFields.name(of: object)
        guard name == GatekeeperConfig.name else {
            throw GatekeeperError(.invalid, "metadata.name must be \(GatekeeperConfig.name), not \(name)")
        }
        let spec = try ObjectFields(object["spec"], at: "spec")
        var kinds: [SyncedKind] = []
        for entry in try spec.object("sync").objects("syncOnly") { kinds.append(try SyncedKind(entry)) }
        self.kinds = kinds
        var exclusions: [(namespaces: [NamePattern], activities: Set<Activity>)] = []
        for entry in try spec.objects("match") {
            var activities: Set<Activity> = []
            for text in try entry.texts("processes") {
                guard let activity = Activity(rawValue: text) else {
                    let known = Activity.allCases.map(\.rawValue).joined(separator: ", ")
                    throw GatekeeperError(.invalid, "\(entry.at("processes")) must be of \(known), not \(text)")
                }
                activities.insert(activity)
            }
            exclusions.append((try entry.texts("excludedNamespaces").map { NamePattern($0) }, activities))
        }
        self.exclusions = exclusions
    }

    package func excludes(namespace: String, from activity: Activity) -> Bool {
        exclusions.contains { entry in
            (entry.activities.contains(activity) || entry.activities.contains(.all))
                && entry.namespaces.contains { $0.matches(namespace) }
        }
    }
}

/// A `Provider` of externaldata.gatekeeper.sh: a service that templates and mutators may ask.
package struct ExternalDataProvider: Sendable {
    package static let group = "externaldata.gatekeeper.sh"

    package let name: String
    package let url: String
    /// Seconds.
    package let timeout: Int
    /// A certificate authority in PEM, in base64.
    package let authority: String

    package init(_ object: Node) throws(GatekeeperError) {
        let kind = try ObjectFields.kind(of: object, group: ExternalDataProvider.group)
        guard kind == "Provider" else { throw GatekeeperError(.invalid, "\(kind) is no Provider") }
        name = try ObjectFields.name(of: object)
        let spec = try ObjectFields(object["spec"], at: "spec")
        url = try spec.required("url")
        guard url.hasPrefix("https://"), url.utf8.count > 8 else {
            throw GatekeeperError(.invalid, "spec.url must be https://…, not \(url)")
        }
        authority = try spec.required("caBundle")
        guard let seconds = spec.value("timeout") else {
            timeout = 1
            return
        }
        guard let whole = seconds.int, (1...60).contains(whole) else {
            throw GatekeeperError(.invalid, "spec.timeout must be 1 to 60 seconds")
        }
        timeout = whole
    }
}
