// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What a server serves. Old servers have only beta versions of some kinds and new ones have dropped them: ask here.
package struct APIResources: Sendable {
    /// Preferred versions first.
    package private(set) var all: [APIResource] = []
    /// Group versions that could not be asked for (an add-on's server that is down), and why.
    package private(set) var failures: [(groupVersion: String, error: KubernetesError)] = []
    /// `v1.20.2`.
    package private(set) var serverVersion = ""

    package init(_ resources: [APIResource] = []) { all = resources }

    /// The resource of a kind, in the version that the server prefers.
    /// - Parameter groups: where to look, best first; some kinds moved (`Ingress` from `extensions`).
    package func resource(kind: String, groups: [String]) -> APIResource? {
        for group in groups {
            if let found = all.first(where: { $0.kind == kind && $0.group == group }) { return found }
        }
        return nil
    }

    /// The resource of exactly this `apiVersion` and `kind`, as a manifest names it.
    package func resource(apiVersion: String, kind: String) -> APIResource? {
        all.first { $0.kind == kind && $0.apiVersion == apiVersion }
    }

    fileprivate mutating func add(_ list: Node, groupVersion: String) {
        let parts = groupVersion.split(separator: "/", maxSplits: 1)
        guard let version = parts.last, let resources = list["resources"] else { return }
        for item in resources.elements {
            // `pods/status` is a part of a resource.
            guard let plural = item["name"]?.string, !plural.contains("/"), let kind = item["kind"]?.string else {
                continue
            }
            all.append(
                APIResource(
                    group: parts.count == 2 ? String(parts[0]) : "", version: String(version), plural: plural,
                    kind: kind,
                    namespaced: item["namespaced"]?.bool ?? false,
                    verbs: item["verbs"]?.elements.compactMap(\.string) ?? []))
        }
    }

    fileprivate mutating func failed(_ groupVersion: String, _ error: KubernetesError) {
        failures.append((groupVersion, error))
    }

    fileprivate mutating func version(_ text: String) { serverVersion = text }
}

extension APIClient {
    /// Asks the server what it serves.
    /// - Parameter groups: only these (the core group is the empty string); nil for all.
    /// - Throws: when the server itself cannot be asked; a single group that fails is noted in the result.
    package func discover(groups: Set<String>? = nil) async throws -> APIResources {
        var result = APIResources()
        let version = try await send(APIRequest(path: "/version")).root
        guard let text = version["gitVersion"]?.string else {
            throw KubernetesError(.notKubernetes, "\(name) answered /version without a gitVersion")
        }
        result.version(text.excerpt(60))
        var groupVersions: [String] = []
        if groups?.contains("") ?? true {
            groupVersions +=
                try await send(APIRequest(path: "/api")).root["versions"]?.elements.compactMap(\.string) ?? []
        }
        let list = try await send(APIRequest(path: "/apis")).root
        for group in list["groups"].map({ Array($0.elements.prefix(1000)) }) ?? [] {
            guard let name = group["name"]?.string, groups?.contains(name) ?? true else { continue }
            let served = group["versions"]?.elements.compactMap { $0["groupVersion"]?.string } ?? []
            let preferred = group["preferredVersion"]?["groupVersion"]?.string
            groupVersions += served.filter { $0 == preferred } + served.filter { $0 != preferred }
        }
        for groupVersion in groupVersions {
            let segments = groupVersion.split(separator: "/").map { String($0).urlSegment }
            let path = (segments.count > 1 ? "/apis/" : "/api/") + segments.joined(separator: "/")
            do {
                result.add(try await send(APIRequest(path: path, attempts: 2)).root, groupVersion: groupVersion)
            } catch let error as KubernetesError where Self.concernsOneGroup(error) {
                result.failed(groupVersion, error)
            }
        }
        return result
    }

    /// An aggregated API without its server answers 503 or 404; whoever may see only some groups gets 403.
    private static func concernsOneGroup(_ error: KubernetesError) -> Bool {
        [.server, .notFound, .forbidden, .malformedAnswer].contains(error.code)
    }
}
