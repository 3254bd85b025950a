// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// What an administrator chooses about the checks.
package struct InspectionSettings: Sendable {
    /// The registries (or repositories) that images may come from, e.g. `registry.example.com/team`; none allows every
    /// named one.
    package var allowedRegistries: [String] = []
    /// Image tags that move besides `latest`.
    package var floatingTags: [String] = []

    package init(allowedRegistries: [String] = [], floatingTags: [String] = []) {
        self.allowedRegistries = allowedRegistries
        self.floatingTags = floatingTags
    }
}

/// What checks need to know of other objects: an index of the whole input set, made before judging.
///
/// A value of plain names, selectors and flags: no object is kept, about 200 bytes for each indexed object. It is one
/// reference, copied on writing, because it goes to every judge.
package struct InspectionContext: Sendable {
    private struct Contents {
        let settings: InspectionSettings
        var unknownKinds: Set<ObjectKind> = []
        /// By kind, namespace (empty for cluster-wide kinds) and name.
        var entries: [ObjectKind: [String: [String: Entry]]] = [:]
        /// How many ingresses claim each host.
        var claims: [String: Int] = [:]
        /// How many services offer a shell: mostly none, and then nobody has to look for one.
        var shells = 0
    }

    private final class Storage: @unchecked Sendable {
        // @unchecked: only the one value that holds it writes.
        var contents: Contents

        init(_ contents: Contents) { self.contents = contents }
    }

    private var storage: Storage

    private var contents: Contents {
        get { storage.contents }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.contents) }
            yield &storage.contents
        }
    }

    package var settings: InspectionSettings { storage.contents.settings }

    /// Kinds that could not be read: what depends on them cannot be judged.
    package var unknownKinds: Set<ObjectKind> {
        get { storage.contents.unknownKinds }
        _modify { yield &contents.unknownKinds }
    }

    /// What is kept of one object.
    private enum Entry: Sendable, Equatable {
        /// The pods that a network policy or a disruption budget selects. Idle: a network policy with rules for a direction
        /// that its policy types leave out, which then do nothing.
        case selectors([LabelSelector], isIdle: Bool = false)
        case service(ServicePorts)
        /// What a service account says about mounting its token.
        case account(automount: Bool?)
        /// What a role grants; nil when its rules cannot be read.
        case role(Permissions?)
        /// The hosts that an ingress claims, and the services that it publishes without TLS.
        case ingress(hosts: [String], open: Set<String>)
    }

    package init(settings: InspectionSettings = InspectionSettings()) {
        storage = Storage(Contents(settings: settings))
    }

    private var entries: [ObjectKind: [String: [String: Entry]]] {
        get { storage.contents.entries }
        _modify { yield &contents.entries }
    }

    private var claims: [String: Int] {
        get { storage.contents.claims }
        _modify { yield &contents.claims }
    }

    private var shells: Int {
        get { storage.contents.shells }
        _modify { yield &contents.shells }
    }

    /// The kinds that the index reads.
    package static let indexedKinds: [ObjectKind] = [
        .networkPolicy, .podDisruptionBudget, .serviceAccount, .role, .clusterRole, .ingress, .service,
        .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy,
    ]

    /// Takes an object into the index, in place of what it was; objects of other kinds are ignored. Returns whether that
    /// changes what checks would say about others.
    @discardableResult
    package mutating func add(_ object: Node, kind: ObjectKind) -> Bool {
        guard let entry = Self.entry(object, kind) else { return false }
        let metadata = object["metadata"]
        return set(entry, kind, Self.namespace(metadata, kind), metadata?["name"]?.string ?? "")
    }

    /// Takes an object that is gone out of the index.
    @discardableResult
    package mutating func remove(kind: ObjectKind, namespace: String, name: String) -> Bool {
        let namespace = kind.isClusterScoped ? "" : namespace.isEmpty ? "default" : namespace
        return set(nil, kind, namespace, name)
    }

    private mutating func set(_ entry: Entry?, _ kind: ObjectKind, _ namespace: String, _ name: String) -> Bool {
        let old = entries[kind]?[namespace]?[name]
        if old == entry { return false }
        if case .ingress(let hosts, _)? = old { for host in hosts { claims[host, default: 0] -= 1 } }
        if case .ingress(let hosts, _)? = entry { for host in hosts { claims[host, default: 0] += 1 } }
        if case .service(let ports)? = old, ports.offersShell { shells -= 1 }
        if case .service(let ports)? = entry, ports.offersShell { shells += 1 }
        entries[kind, default: [:]][namespace, default: [:]][name] = entry
        return true
    }

    private static func entry(_ object: Node, _ kind: ObjectKind) -> Entry? {
        let spec = object["spec"]
        switch kind {
        case .networkPolicy:
            // One that no API server takes selects nothing.
            for key: StaticString in ["policyTypes", "ingress", "egress"] {
                if let list = spec?[key], !list.isNull, list.kind != .array { return .selectors([]) }
            }
            return .selectors([LabelSelector(spec?["podSelector"])], isIdle: isIdle(spec))
        case .podDisruptionBudget: return .selectors([LabelSelector(spec?["selector"])])
        case .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy:
            let rules = [spec].compactMap { $0 } + object.list("specs")
            return .selectors(rules.filter(isRule).map { LabelSelector($0["endpointSelector"]) })
        case .service: return .service(ServicePorts(spec))
        case .serviceAccount: return .account(automount: object["automountServiceAccountToken"]?.bool)
        case .role, .clusterRole: return .role(try? Permissions(role: object))
        case .ingress:
            let hosts = (spec?.list("rules") ?? []).compactMap { $0["host"]?.string?.lowercased() }
            let isOpen = spec?.list("tls").isEmpty != false
            return .ingress(
                hosts: Array(Set(hosts)).filter { !$0.isEmpty }.sorted(), open: isOpen ? published(by: spec) : [])
        default: return nil
        }
    }

    /// A Cilium policy without any rule selects nothing, nor does one that leaves open what it has no rule for.
    private static func isRule(_ rule: Node) -> Bool {
        // What cannot be read closes nothing.
        func closes(_ direction: StaticString) -> Bool {
            guard let settings = rule["enableDefaultDeny"], !settings.isNull else { return true }
            guard settings.kind == .object else { return false }
            return settings[direction].map { $0.isNull || $0.bool == true } ?? true
        }
        return (rule["ingress"] != nil || rule["ingressDeny"] != nil) && closes("ingress")
            || (rule["egress"] != nil || rule["egressDeny"] != nil) && closes("egress")
    }

    private static func isIdle(_ spec: Node?) -> Bool {
        guard let types = spec?["policyTypes"], types.count > 0 else { return false }
        let lacks = { (type: StaticString) in !types.elements.contains { $0.equals(type) } }
        return lacks("Ingress") && spec?.list("ingress").isEmpty == false
            || lacks("Egress") && spec?.list("egress").isEmpty == false
    }

    /// The services behind an ingress: of its rules and its default, as the API of today and of the past write them.
    private static func published(by spec: Node?) -> Set<String> {
        var backends = [spec?["defaultBackend"], spec?["backend"]]
        for rule in spec?.list("rules") ?? [] { backends += (rule["http"]?.list("paths") ?? []).map { $0["backend"] } }
        return Set(backends.compactMap { $0?["service"]?["name"]?.string ?? $0?["serviceName"]?.string })
    }

    private static func namespace(_ metadata: Node?, _ kind: ObjectKind) -> String {
        if kind.isClusterScoped { return "" }
        guard let namespace = metadata?["namespace"]?.string, !namespace.isEmpty else { return "default" }
        return namespace
    }

    // MARK: Questions

    /// Throws where the objects that a question is about could not be read: then every answer would be a guess.
    func require(_ kind: ObjectKind, path: String) throws(UnreadableField) {
        guard unknownKinds.contains(kind) else { return }
        throw UnreadableField(message: "objects of kind \(kind.name) could not be listed", path: path)
    }

    /// Whether a network policy of the namespace, or a cluster-wide one, selects pods with these labels.
    func isIsolated(namespace: String, labels: Node?) -> Bool {
        if selects(.networkPolicy, namespace, labels) { return true }
        if entries[.ciliumNetworkPolicy] == nil, entries[.ciliumClusterwideNetworkPolicy] == nil { return false }
        // Cilium gives every pod a label for its namespace, which the pod itself does not carry.
        let given = ["io.kubernetes.pod.namespace": namespace]
        return selects(.ciliumNetworkPolicy, namespace, labels, given: given)
            || selects(.ciliumClusterwideNetworkPolicy, "", labels, given: given)
    }

    /// A network policy that selects the pods and has rules without effect; nil when there is none, or when another policy
    /// without such a mistake selects them too.
    func idlePolicy(namespace: String, labels: Node?) -> String? {
        var idle: String?
        for (name, entry) in entries[.networkPolicy]?[namespace] ?? [:] {
            guard case .selectors(let selectors, let isIdle) = entry, selectors.contains(where: { $0.matches(labels) })
            else { continue }
            if !isIdle { return nil }
            idle = min(idle ?? name, name)
        }
        return idle
    }

    /// An ingress that publishes a service without TLS.
    func openIngress(service: String, namespace: String) -> String? {
        guard let candidates = entries[.ingress]?[namespace] else { return nil }
        return candidates.filter { _, entry in
            if case .ingress(_, let open) = entry { open.contains(service) } else { false }
        }.keys.min()
    }

    func hasBudget(namespace: String, labels: Node?) -> Bool { selects(.podDisruptionBudget, namespace, labels) }

    private func selects(
        _ kind: ObjectKind, _ namespace: String, _ labels: Node?, given: [String: String] = [:]
    ) -> Bool {
        guard let candidates = entries[kind]?[namespace] else { return false }
        return candidates.values.contains { entry in
            guard case .selectors(let selectors, _) = entry else { return false }
            return selectors.contains { $0.matches(labels, given: given) }
        }
    }

    /// Whether a service on a port where SSH listens selects pods with these labels.
    func hasShellService(namespace: String, labels: Node?) -> Bool {
        guard shells > 0, let candidates = entries[.service]?[namespace] else { return false }
        return candidates.values.contains { entry in
            guard case .service(let service) = entry else { return false }
            return service.offersShell && service.selector.matches(labels)
        }
    }

    func hasAccount(_ name: String, namespace: String) -> Bool { entries[.serviceAccount]?[namespace]?[name] != nil }

    /// What the service account itself says about mounting its token; nil when it does not say, or is not in the set.
    func automount(account: String, namespace: String) -> Bool? {
        guard case .account(let automount)? = entries[.serviceAccount]?[namespace]?[account] else { return nil }
        return automount
    }

    /// What a role grants; nil when it is not in the set. The roles that Kubernetes itself ships are known.
    func permissions(kind: String, name: String, namespace: String) -> Permissions? {
        let isNamespaced = kind == "Role"
        var found: Permissions?
        if case .role(let granted)? = entries[isNamespaced ? .role : .clusterRole]?[isNamespaced ? namespace : ""]?[
            name]
        {
            found = granted
        }
        if isNamespaced { return found }
        return switch name {
        case "cluster-admin": [.everything, .exec, .sensitive]
        case "admin", "edit": found ?? [.exec, .sensitive]
        case "view": found ?? [.sensitive]
        case "system:discovery", "system:basic-user", "system:public-info-viewer",
            "system:service-account-issuer-discovery":
            found ?? []
        default: found ?? (name.hasPrefix("system:") ? [.sensitive] : nil)
        }
    }

    /// How many ingresses claim a host.
    func claims(onHost host: String) -> Int { claims[host.lowercased()] ?? 0 }
}

/// What a Service leads to.
struct ServicePorts: Sendable, Equatable {
    let selector: LabelSelector
    /// Whether one of its ports or target ports is one where SSH listens.
    let offersShell: Bool

    init(_ spec: Node?) {
        selector = LabelSelector(equalities: spec?["selector"])
        offersShell =
            spec?["ports"]?.elements.contains { port in
                [port["port"], port["targetPort"]].contains { number in
                    let port = number.flatMap { Int($0.string ?? $0.json(limit: 20)) }
                    return port == 22 || port == 2222
                }
            } ?? false
    }
}
