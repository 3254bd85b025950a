// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// What an administrator chooses about the checks.
package struct InspectionSettings: Sendable {
    /// The registries (or repositories) that images may come from, e.g. `registry.example.com/team`; none allows every named one.
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
/// A value of plain names, selectors and flags: no object is kept, about 200 bytes for each indexed object.
package struct InspectionContext: Sendable {
    package var settings = InspectionSettings()

    private var networkPolicies: [String: [LabelSelector]] = [:]
    private var clusterwidePolicies: [LabelSelector] = []
    private var budgets: [String: [LabelSelector]] = [:]
    private var services: [String: [ServicePorts]] = [:]
    private var accounts: [String: [String: Bool?]] = [:]
    private var roles: [String: Permissions] = [:]
    private var ingressHosts: [String: Set<String>] = [:]
    private var boundAccounts: Set<String> = []

    package init(settings: InspectionSettings = InspectionSettings()) {
        self.settings = settings
    }

    /// The kinds that the index reads.
    package static let indexedKinds: [ObjectKind] = [
        .networkPolicy, .podDisruptionBudget, .serviceAccount, .role, .clusterRole, .roleBinding, .clusterRoleBinding,
        .ingress, .service, .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy,
    ]

    /// Takes an object into the index; objects of other kinds are ignored.
    package mutating func add(_ object: Node, kind: ObjectKind) {
        let metadata = object["metadata"]
        let name = metadata?["name"]?.string ?? ""
        let namespace = Self.namespace(metadata)
        let spec = object["spec"]
        switch kind {
        case .networkPolicy:
            networkPolicies[namespace, default: []].append(LabelSelector(spec?["podSelector"]))
        case .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy:
            let rules = [spec].compactMap { $0 } + (object["specs"].map { Array($0.elements) } ?? [])
            let selectors = rules.filter {
                $0["ingress"] != nil || $0["egress"] != nil || $0["ingressDeny"] != nil || $0["egressDeny"] != nil
            }
            .map { LabelSelector($0["endpointSelector"]) }
            if kind == .ciliumNetworkPolicy {
                networkPolicies[namespace, default: []] += selectors
            } else {
                clusterwidePolicies += selectors
            }
        case .podDisruptionBudget:
            budgets[namespace, default: []].append(LabelSelector(spec?["selector"]))
        case .service:
            services[namespace, default: []].append(ServicePorts(spec))
        case .serviceAccount:
            accounts[namespace, default: [:]][name] = .some(object["automountServiceAccountToken"]?.bool)
        case .role:
            roles["\(namespace)/\(name)"] = try? Permissions(role: object)
        case .clusterRole:
            roles["/\(name)"] = try? Permissions(role: object)
        case .roleBinding, .clusterRoleBinding:
            for subject in object.list("subjects")
            where subject["kind"]?.equals("ServiceAccount") == true {
                boundAccounts.insert("\(subject["namespace"]?.string ?? namespace)/\(subject["name"]?.string ?? "")")
            }
        case .ingress:
            for rule in spec?.list("rules") ?? [] {
                guard let host = rule["host"]?.string, !host.isEmpty else { continue }
                ingressHosts[host.lowercased(), default: []].insert("\(namespace)/\(name)")
            }
        default: break
        }
    }

    static func namespace(_ metadata: Node?) -> String {
        guard let namespace = metadata?["namespace"]?.string, !namespace.isEmpty else { return "default" }
        return namespace
    }

    /// Whether a network policy of the namespace, or a cluster-wide one, selects pods with these labels.
    func isIsolated(namespace: String, labels: Node?) -> Bool {
        clusterwidePolicies.contains { $0.matches(labels) }
            || networkPolicies[namespace]?.contains { $0.matches(labels) } == true
    }

    func hasBudget(namespace: String, labels: Node?) -> Bool {
        budgets[namespace]?.contains { $0.matches(labels) } == true
    }

    /// The services that select pods with these labels.
    func services(namespace: String, labels: Node?) -> [ServicePorts] {
        services[namespace]?.filter { $0.selector.matches(labels) } ?? []
    }

    func hasAccount(_ name: String, namespace: String) -> Bool { accounts[namespace]?[name] != nil }

    /// What the service account itself says about mounting its token; nil when it does not say, or is not in the set.
    func automount(account: String, namespace: String) -> Bool? { (accounts[namespace]?[account] ?? nil) ?? nil }

    /// What a role grants; nil when it is not in the set. The roles that Kubernetes itself ships are known.
    func permissions(kind: String, name: String, namespace: String) -> Permissions? {
        let found = roles[kind == "Role" ? "\(namespace)/\(name)" : "/\(name)"]
        if kind == "Role" { return found }
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
    func claims(onHost host: String) -> Int { ingressHosts[host.lowercased()]?.count ?? 0 }
}

/// What a Service leads to.
struct ServicePorts: Sendable {
    let selector: LabelSelector
    /// Ports and target ports, as written.
    let ports: [String]

    init(_ spec: Node?) {
        selector = LabelSelector(equalities: spec?["selector"])
        ports = (spec?["ports"].map { Array($0.elements) } ?? []).flatMap { port in
            [port["port"], port["targetPort"]].compactMap { $0.map { $0.string ?? $0.json(limit: 20) } }
        }
    }
}
