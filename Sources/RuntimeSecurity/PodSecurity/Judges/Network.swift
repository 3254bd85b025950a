// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// How pods are reached.
enum Network {
    static func notIsolated(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        if context.isIsolated(namespace: target.namespace, labels: target.podLabels) {
            guard let policy = context.idlePolicy(namespace: target.namespace, labels: target.podLabels) else {
                return .pass
            }
            return .fail(
                "The network policy \(policy) has rules for a direction that its policyTypes leave out: that way all is open.",
                .template("metadata.labels"), target.podLabels)
        }
        try context.require(.networkPolicy, path: "")
        return .fail(
            "No network policy selects the pod: everything may talk to it.", .template("metadata.labels"),
            target.podLabels)
    }

    static func exposedService(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let spec = try target.object.object("spec") else { return .pass }
        if let type = try spec.string("type"), type == "NodePort" || type == "LoadBalancer" {
            return .fail(
                "The Service is reachable from outside the cluster (\(type)).", .object("spec.type"), spec["type"])
        }
        if let addresses = try spec.array("externalIPs"), addresses.count > 0 {
            return .fail("The Service takes traffic for external addresses.", .object("spec.externalIPs"), addresses)
        }
        if let ingress = context.openIngress(service: target.subject.name, namespace: target.namespace) {
            return .warn(
                "The Ingress \(ingress) leads to the Service from outside, and it has no TLS.",
                .object("metadata.name"),
                target.metadata?["name"])
        }
        return .pass
    }

    static func ingressWithoutTLS(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let spec = try target.object.object("spec") else { return .pass }
        let tls = try spec.array("tls")
        guard let tls, tls.count > 0 else {
            return .fail("The Ingress serves without TLS.", .object("spec.tls"), spec["tls"])
        }
        var covered: [String] = []
        for entry in tls.elements { covered += (try entry.strings("hosts")).map { $0.lowercased() } }
        let found: Verdict? = try spec.first(of: "rules") { (index, rule) throws(UnreadableField) in
            guard let host = try rule.string("host"), !host.isEmpty else { return nil }
            let path = FieldPath.object("spec.rules[\(index)].host")
            if host.hasPrefix("*") {
                return .fail("The Ingress claims every host under \(host.dropFirst(2)).", path, rule["host"])
            }
            if context.claims(onHost: host) > 1 {
                return .fail("Another Ingress claims the host \(host) as well.", path, rule["host"])
            }
            if !covered.isEmpty, !covered.contains(where: { covers($0, host.lowercased()) }) {
                return .fail("No TLS entry covers the host \(host).", path, rule["host"])
            }
            return nil
        }
        return found ?? .pass
    }

    private static func covers(_ pattern: String, _ host: String) -> Bool {
        if pattern == host { return true }
        guard pattern.hasPrefix("*."), let dot = host.firstIndex(of: ".") else { return false }
        return host[dot...] == pattern.dropFirst()
    }

    /// Annotations that the NGINX controllers paste into their configuration (CVE-2021-25742 and its kin).
    private static let snippets = [
        "configuration-snippet", "server-snippet", "auth-snippet", "stream-snippet", "modsecurity-snippet",
        "location-snippets", "server-snippets", "http-snippets", "location-snippet",
    ]

    static func ingressSnippet(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let annotations = try target.metadata?.object("annotations") else { return .pass }
        for (key, _) in annotations.members {
            let name = key.string
            guard let slash = name.lastIndex(of: "/"), name.contains("nginx") else { continue }
            let last = String(name[name.index(after: slash)...])
            if snippets.contains(last) {
                return .fail(
                    "The annotation \(last) puts its text into the proxy's configuration.",
                    .object("metadata.annotations[\(name)]"))
            }
        }
        return .pass
    }
}
