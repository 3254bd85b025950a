// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Who asks for a pod and where: what decides which policies count.
package struct Requester: Sendable, Equatable {
    /// The user that sent the request, and its groups. Empty where nobody asks yet (a preview).
    package var user: String
    package var groups: [String]
    package var namespace: String
    /// The name of the pod's service account; empty for a pod without one.
    package var serviceAccount: String
    package var runtimeClass: String?

    package init(
        user: String = "", groups: [String] = [], namespace: String, serviceAccount: String = "",
        runtimeClass: String? = nil
    ) {
        self.user = user
        self.groups = groups
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.runtimeClass = runtimeClass
    }

    /// The accounts in kube-system that make pods, by the group and kind of what they make them of.
    static let controllers = [
        "apps/Deployment": "replicaset-controller", "apps/ReplicaSet": "replicaset-controller",
        "apps/StatefulSet": "statefulset-controller", "apps/DaemonSet": "daemon-set-controller",
        "batch/Job": "job-controller", "batch/CronJob": "job-controller",
        "/ReplicationController": "replication-controller", "/PodTemplate": "",
    ]

    /// Who will ask for the pods of a template: its controller, for the template's account.
    /// - Parameter kind: group and kind, `apps/Deployment`.
    package static func controller(of kind: String, namespace: String, pod: Pod) -> Requester {
        let account = pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName
        let name = controllers[kind] ?? ""
        return Requester(
            user: name.isEmpty ? "" : userName(namespace: "kube-system", account: name),
            groups: name.isEmpty ? [] : ["system:serviceaccounts", "system:serviceaccounts:kube-system"],
            namespace: namespace, serviceAccount: account, runtimeClass: pod.runtimeClassName)
    }

    /// What RBAC calls an account.
    static func userName(namespace: String, account: String) -> String {
        "system:serviceaccount:\(namespace):\(account)"
    }

    /// The requesting user's name and that of the pod's account.
    var users: [String] {
        let own = serviceAccount.isEmpty ? [] : [Self.userName(namespace: namespace, account: serviceAccount)]
        return user.isEmpty ? own : [user] + own
    }

    /// The requesting user's groups and those of the pod's account.
    var allGroups: [String] {
        guard !serviceAccount.isEmpty else { return groups }
        return groups + ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
    }
}

extension PolicyExemption {
    /// Whether it covers a request at `now` (seconds since 1970). Users are those who ask, as in Pod Security Admission.
    func covers(_ requester: Requester, now: Int64) -> Bool {
        if let expiry, expiry <= now { return false }
        if !users.isEmpty, !users.contains(requester.user) { return false }
        if !namespaces.isEmpty, !namespaces.contains(requester.namespace) { return false }
        guard !runtimeClasses.isEmpty else { return true }
        return requester.runtimeClass.map { runtimeClasses.contains($0) } ?? false
    }
}
