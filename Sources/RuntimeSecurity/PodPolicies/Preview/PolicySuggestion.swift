// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Finds the tightest `spec.fields` that everything seen passes without being changed. The same pods give the same
/// rules, in whatever order they come.
package struct PolicySuggestion: Sendable {
    /// What was seen that made a rule wider than the tightest.
    package struct Remark: Sendable, Equatable {
        /// `hostPorts`
        package var field: String
        /// `8080 in container web of Pod shop/cart`
        package var reason: String
    }

    /// Distinct pods are kept, for every candidate is tried on all of them.
    static let maxPods = 10_000
    private var pods: [Pod] = []
    private var names: [String] = []
    private var keys: Set<String> = []
    /// How many were seen, repeats counted.
    package private(set) var seen = 0
    package private(set) var templates = 0
    /// Pods beyond `maxPods` different ones.
    package private(set) var leftOut = 0

    package init() {}

    /// Takes an object of a cluster if its pods run as the account `account` of their namespace. What has no pods, has
    /// run to its end, or is the template of what has an owner is passed over.
    package mutating func add(
        _ object: Node, apiVersion: String, kind: String, account: String
    ) throws(PodFieldError) {
        guard !PreviewCandidate.isOver(object, kind) else { return }
        let metadata = object["metadata"]
        let isOwned = metadata?["ownerReferences"]?.elements.contains { $0["controller"]?.bool == true } ?? false
        if kind != "Pod", isOwned { return }
        guard let source = try PodSource.find(in: object, apiVersion: apiVersion, kind: kind),
            source.pod.account == account
        else { return }
        let (namespace, name) = (metadata?["namespace"]?.string ?? "", metadata?["name"]?.string ?? "")
        add(source.pod, subject: "\(kind) \(namespace)/\(name)", isTemplate: source.isTemplate)
    }

    /// - Parameter subject: `Pod shop/cart-7d`
    package mutating func add(_ pod: Pod, subject: String, isTemplate: Bool) {
        seen += 1
        if isTemplate { templates += 1 }
        var plain = pod
        (plain.name, plain.generateName, plain.nodeName, plain.namespace) = ("", "", "", "")
        plain.annotations = plain.annotations.filter { $0.key.contains("seccomp.") || $0.key.contains("apparmor.") }
        if isTemplate, !plain.volumes.contains(where: \.isServiceAccountProjection) {
            // The pods made of it get the account's token mounted, and should pass too.
            var token = Volume()
            (token.type, token.isServiceAccountProjection) = ("projected", true)
            token.projectedSources = ["serviceAccountToken", "configMap", "downwardAPI"]
            plain.volumes.append(token)
        }
        let key = "\(plain)"
        guard keys.insert(key).inserted else { return }
        guard pods.count < Self.maxPods else {
            leftOut += 1
            return
        }
        pods.append(plain)
        names.append(subject)
    }

    package var isEmpty: Bool { pods.isEmpty }

    /// The rules, and what widened them. Nil when even the widest rules do not accept what was seen.
    package func rules() -> (rules: SecurityRules, remarks: [Remark])? {
        var rules = Self.widest
        guard accepts(rules) else { return nil }
        var remarks: [Remark] = []
        /// Takes the first candidate that everything passes; they are given from tight to wide.
        func tighten(_ field: String, _ candidates: [(inout SecurityRules) -> Void]) {
            for (index, candidate) in candidates.enumerated() {
                var tried = rules
                candidate(&tried)
                guard accepts(tried) else { continue }
                rules = tried
                if index == 0 { return }
                break
            }
            // What the tightest would have refused says why it is wider.
            guard let tightest = candidates.first else { return }
            var tried = rules
            tightest(&tried)
            if let reason = objection(to: tried) { remarks.append(Remark(field: field, reason: reason)) }
        }
        let seen = Seen(pods)
        tighten("privileged", [{ $0.privileged = false }])
        tighten("hostNetwork", [{ $0.hostNetwork = false }])
        tighten("hostPID", [{ $0.hostPID = false }])
        tighten("hostIPC", [{ $0.hostIPC = false }])
        tighten("hostPorts", [{ $0.hostPorts = [] }, { $0.hostPorts = seen.hostPorts }])
        tighten("volumes", [{ $0.volumes = [] }, { $0.volumes = seen.volumes }])
        tighten("allowedHostPaths", [{ $0.allowedHostPaths = seen.hostPaths }])
        tighten("allowedFlexVolumes", [{ $0.allowedFlexVolumes = seen.drivers(of: "flexVolume") }])
        tighten("allowedCSIDrivers", [{ $0.allowedCSIDrivers = seen.drivers(of: "csi") }])
        tighten(
            "allowedCapabilities",
            [{ $0.allowedCapabilities = [] }, { $0.allowedCapabilities = seen.addedCapabilities }])
        let drops = seen.droppedByAll.filter { !rules.allowedCapabilities.contains($0) }
        tighten("requiredDropCapabilities", [{ $0.requiredDropCapabilities = drops }])
        tighten("allowPrivilegeEscalation", [{ $0.allowPrivilegeEscalation = false }])
        tighten("readOnlyRootFilesystem", [{ $0.readOnlyRootFilesystem = true }])
        var users: [(inout SecurityRules) -> Void] = [
            { ($0.runAsUser, $0.runAsUserRanges) = (.mustRunAsNonRoot, []) }
        ]
        // A range needs an id that was seen.
        if !seen.users.isEmpty {
            users.insert({ ($0.runAsUser, $0.runAsUserRanges) = (.mustRunAs, seen.users) }, at: 0)
        }
        tighten("runAsUser", users)
        tighten("runAsGroup", Self.groups(seen.groups) { $0.runAsGroup = $1 })
        tighten("supplementalGroups", Self.groups(seen.supplementalGroups) { $0.supplementalGroups = $1 })
        tighten("fsGroup", Self.groups(seen.fsGroups) { $0.fsGroup = $1 })
        if let options = seen.seLinux {
            tighten("seLinux", [{ ($0.seLinux, $0.seLinuxOptions) = (.mustRunAs, options) }])
        }
        let unseen = Seen.safeSysctls.filter { !seen.sysctls.contains($0) }
        tighten(
            "forbiddenSysctls",
            [
                { ($0.forbiddenSysctls, $0.allowedUnsafeSysctls) = (["*"], []) },
                { ($0.forbiddenSysctls, $0.allowedUnsafeSysctls) = (unseen, seen.unsafeSysctls) },
            ])
        tighten("allowedProcMountTypes", [{ $0.allowedProcMountTypes = [] }])
        tighten(
            "runtimeClass",
            [
                { $0.runtimeClass = .init(allowed: []) },
                { $0.runtimeClass = .init(allowed: seen.runtimeClasses) },
            ])
        tighten(
            "allowedSeccompProfiles",
            [
                { $0.allowedSeccompProfiles = seen.seccompProfiles.filter { $0 == "runtime/default" } },
                { $0.allowedSeccompProfiles = seen.seccompProfiles },
            ])
        tighten(
            "allowedAppArmorProfiles",
            [
                { $0.allowedAppArmorProfiles = seen.appArmorProfiles.filter { $0 == "runtime/default" } },
                { $0.allowedAppArmorProfiles = seen.appArmorProfiles },
            ])
        return (rules, remarks)
    }

    private static func groups(
        _ seen: [SecurityRules.IDRange], _ set: @escaping (inout SecurityRules, SecurityRules.Groups) -> Void
    ) -> [(inout SecurityRules) -> Void] {
        // Where no group was seen, a range must still stand there: nobody's.
        let ranges = seen.isEmpty ? [.init(min: 65_534, max: 65_534)] : seen
        return [{ set(&$0, .init(.mustRunAs, ranges: ranges)) }, { set(&$0, .init(.mayRunAs, ranges: ranges)) }]
    }

    /// Rules that accept everything and change nothing.
    private static let widest: SecurityRules = {
        var rules = SecurityRules()
        rules.privileged = true
        (rules.hostNetwork, rules.hostPID, rules.hostIPC) = (true, true, true)
        rules.hostPorts = [.init(min: 0, max: 65_535)]
        rules.volumes = ["*"]
        rules.allowedCapabilities = ["*"]
        rules.allowedUnsafeSysctls = ["*"]
        rules.allowedProcMountTypes = ["Default", "Unmasked"]
        rules.allowedSeccompProfiles = ["*"]
        return rules
    }()

    private func accepts(_ rules: SecurityRules) -> Bool { objection(to: rules) == nil }

    /// The first thing that the rules refuse or would change.
    private func objection(to rules: SecurityRules) -> String? {
        var found: String?
        for (pod, name) in zip(pods, names) {
            let reason: String
            if let violation = rules.violations(in: pod).first {
                reason = RefusalText.line(violation)
            } else if let change = rules.changes(filling: pod).first {
                reason = "\(change.path) would be set"
            } else {
                continue
            }
            // The first by text, so that the order of adding does not show.
            let text = "\(name): \(reason)"
            if found.map({ text < $0 }) ?? true { found = text }
        }
        return found
    }
}

/// Everything that a set of pods asks for, sorted.
private struct Seen {
    var hostPorts: [SecurityRules.HostPortRange] = []
    var volumes: [String] = []
    var hostPaths: [SecurityRules.AllowedHostPath] = []
    var addedCapabilities: [String] = []
    var droppedByAll: [String] = []
    var users: [SecurityRules.IDRange] = []
    var groups: [SecurityRules.IDRange] = []
    var supplementalGroups: [SecurityRules.IDRange] = []
    var fsGroups: [SecurityRules.IDRange] = []
    /// Nil unless all pods have the same.
    var seLinux: SELinuxOptions?
    var sysctls: Set<String> = []
    var runtimeClasses: [String] = []
    var seccompProfiles: [String] = []
    var appArmorProfiles: [String] = []
    private var drivers: [String: [String]] = [:]

    /// Those that Kubernetes 1.20 lets every pod set.
    static let safeSysctls = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ping_group_range",
        "net.ipv4.tcp_syncookies",
    ]

    var unsafeSysctls: [String] { sysctls.subtracting(Self.safeSysctls).sorted() }

    func drivers(of type: String) -> [String] { drivers[type] ?? [] }

    init(_ pods: [Pod]) {
        let containers = pods.flatMap(\.allContainers)
        let contexts = pods.compactMap(\.security)
        let own = containers.compactMap(\.security)
        let everyVolume = pods.flatMap(\.volumes)
        hostPorts = Self.ranges(containers.flatMap { $0.ports.map(\.hostPort) }.filter { $0 > 0 })
            .map { .init(min: $0.min, max: $0.max) }
        volumes = Self.sorted(everyVolume.flatMap { [$0.type.isEmpty ? "emptyDir" : $0.type] + $0.otherTypes })
        hostPaths = Self.hostPaths(pods)
        addedCapabilities = Self.sorted(own.flatMap { $0.capabilities?.add ?? [] })
        let drops = containers.map { Set($0.security?.capabilities?.drop ?? []) }
        droppedByAll = drops.dropFirst().reduce(drops.first ?? []) { $0.intersection($1) }.sorted()
        users = Self.ranges((contexts.map(\.runAsUser) + own.map(\.runAsUser)).compactMap { $0 })
        groups = Self.ranges((contexts.map(\.runAsGroup) + own.map(\.runAsGroup)).compactMap { $0 })
        supplementalGroups = Self.ranges(contexts.flatMap { $0.supplementalGroups ?? [] })
        fsGroups = Self.ranges(contexts.compactMap(\.fsGroup))
        let labels = contexts.map(\.seLinux) + own.map(\.seLinux).filter { $0 != nil }
        if let first = labels.first ?? nil, contexts.count == pods.count, labels.allSatisfy({ $0 == first }) {
            seLinux = first
        }
        sysctls = Set(contexts.flatMap { $0.sysctls.map(\.name) })
        runtimeClasses = Self.sorted(pods.compactMap(\.runtimeClassName))
        let annotations = pods.flatMap(\.annotations)
        seccompProfiles = Self.sorted(
            (contexts.compactMap(\.seccomp) + own.compactMap(\.seccomp)).map(\.seccompAnnotation).filter { !$0.isEmpty }
                + annotations.filter { $0.key.contains("seccomp.") }.map(\.value))
        appArmorProfiles = Self.sorted(
            (contexts.compactMap(\.appArmor) + own.compactMap(\.appArmor)).map(\.appArmorAnnotation)
                .filter { !$0.isEmpty } + annotations.filter { $0.key.contains("apparmor.") }.map(\.value))
        for volume in everyVolume where !volume.driver.isEmpty {
            for type in [volume.type] + volume.otherTypes { drivers[type, default: []].append(volume.driver) }
        }
        drivers = drivers.mapValues(Self.sorted)
    }

    private static func sorted(_ values: [String]) -> [String] { Set(values).sorted() }

    /// Runs of neighbours.
    private static func ranges(_ values: [Int]) -> [SecurityRules.IDRange] {
        var ranges: [SecurityRules.IDRange] = []
        for value in Set(values).sorted() {
            if let last = ranges.last, last.max == value - 1 {
                ranges[ranges.count - 1].max = value
            } else {
                ranges.append(.init(min: value, max: value))
            }
        }
        return ranges
    }

    /// Read-only where every mount of every pod is.
    private static func hostPaths(_ pods: [Pod]) -> [SecurityRules.AllowedHostPath] {
        var writable: [String: Bool] = [:]
        for pod in pods {
            for volume in pod.volumes where !volume.hostPath.isEmpty {
                let isWritten = pod.allContainers.contains {
                    $0.volumeMounts.contains { $0.name == volume.name && !$0.readOnly }
                }
                writable[volume.hostPath] = (writable[volume.hostPath] ?? false) || isWritten
            }
        }
        return writable.sorted { $0.key < $1.key }.map { .init(pathPrefix: $0.key, readOnly: !$0.value) }
    }
}
