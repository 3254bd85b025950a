// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Kubernetes
import Logging

/// Makes the kinds of constraints that templates ask for, and writes into every policy object what became of it: whether
/// it is in force, what is wrong with it, what the audit found. One process of a cluster runs it, the holder of a Lease.
package actor GatekeeperController {
    /// What the last audit found, for a constraint by kind and name.
    package typealias AuditReader = @Sendable (_ constraint: Constraint) async throws -> ConstraintAuditResult?

    private let client: APIClient
    private let index: GatekeeperIndex
    private let audit: AuditReader?
    private let onNewKind: @Sendable () -> Void
    private let logger: Logger
    /// The definitions as they were put in, by template name.
    private var defined: [String: String] = [:]
    /// Why a template's definition was not taken.
    private var refused: [String: String] = [:]
    /// Statuses as they were written, by `KIND/NAME`.
    private var written: [String: String] = [:]

    /// What statuses call this program.
    package static let id = "bulwark"
    /// Writes of a round; the rest waits for the next one.
    static let maxWrites = 50

    /// - Parameter onNewKind: is told when there is a new kind of constraint to watch.
    package init(
        _ client: APIClient, _ index: GatekeeperIndex, audit: AuditReader? = nil,
        onNewKind: @escaping @Sendable () -> Void = {}, logger: Logger
    ) {
        self.client = client
        self.index = index
        self.audit = audit
        self.onNewKind = onNewKind
        self.logger = logger
    }

    /// Brings the cluster in line with the templates. Trouble with one object does no harm to the others.
    /// - Throws: `CancellationError`.
    package func round() async throws {
        guard index.waitsFor == nil else { return }
        let objects = index.objects
        let set = index.moment(namespace: "").constraints
        for object in objects where object.group == ConstraintTemplate.group {
            try Task.checkCancellation()
            guard
                let template = set.kinds.lazy.compactMap({ set.template(for: $0) }).first(where: {
                    $0.name == object.name
                })
            else { continue }
            try await define(template, uid: object.uid)
        }
        try await forget(templates: Set(objects.filter { $0.group == ConstraintTemplate.group }.map(\.name)))
        try await writeStatuses(objects, set)
    }

    // MARK: Definitions

    private func define(_ template: ConstraintTemplate, uid: String) async throws {
        let definition = ConstraintDefinition(template, uid: uid)
        let json = definition.manifest.json
        guard defined[template.name] != json else { return }
        do {
            if let found = try await found(definition.name),
                found.node["metadata"]?["labels"]?[dynamic: "gatekeeper.sh/constraint"]?.string != "yes"
            {
                refused[template.name] = "the CustomResourceDefinition \(definition.name) is somebody else's"
                defined[template.name] = json
                return
            }
            do { try await apply(definition) } catch let error as KubernetesError where error.code == .invalid {
                // Its own schema is ours to judge by; an API server that cannot read it need not.
                let reason = error.message
                try await apply(ConstraintDefinition(template, uid: uid, takesAnything: true))
                logger.notice(
                    "The API server cannot check parameters; reviews do",
                    metadata: ["template": "\(template.name)", "reason": "\(reason)"])
            }
            refused[template.name] = nil
            defined[template.name] = json
            onNewKind()
        } catch let error as KubernetesError {
            refused[template.name] = error.message
            logger.warning(
                "A kind of constraint was not made",
                metadata: ["template": "\(template.name)", "reason": "\(error.message)"])
        }
    }

    private func apply(_ definition: ConstraintDefinition) async throws {
        _ = try await client.apply(
            .customResourceDefinitions, namespace: nil, name: definition.name, Array(definition.manifest.json.utf8),
            options: WriteOptions(force: true))
    }

    private func found(_ name: String) async throws -> APIObject? {
        do { return try await client.get(.customResourceDefinitions, namespace: nil, name: name) } catch let error
            as KubernetesError where error.code == .notFound
        { return nil }
    }

    /// Removes the kinds whose templates went while this ran; for what went before, they name their owner.
    private func forget(templates: Set<String>) async throws {
        for name in defined.keys where !templates.contains(name) {
            do {
                let definition = "\(name).\(Constraint.group)"
                if let found = try await found(definition),
                    found.node["metadata"]?["labels"]?[dynamic: "app.kubernetes.io/managed-by"]?.string == "bulwark"
                {
                    try await client.delete(
                        .customResourceDefinitions, namespace: nil, name: definition,
                        uid: found.node["metadata"]?["uid"]?.string)
                }
                (defined[name], refused[name]) = (nil, nil)
            } catch let error as KubernetesError {
                logger.warning(
                    "A kind without its template was not removed",
                    metadata: ["template": "\(name)", "reason": "\(error.message)"])
            }
        }
    }

    // MARK: Statuses

    private func writeStatuses(_ objects: [GatekeeperIndex.PolicyObject], _ set: ConstraintSet) async throws {
        let problems = index.problems
        let constraints = Dictionary(set.constraints.map { ("\($0.kind)/\($0.name)", $0) }) { first, _ in first }
        let known = Set(objects.map(\.id))
        written = written.filter { known.contains($0.key) }
        var writes = 0
        let silent = [GatekeeperConfig.group, SyncSet.group, ExternalDataProvider.group]
        for object in objects where !silent.contains(object.group) {
            try Task.checkCancellation()
            do {
                let status = try await status(object, problems[object.id]?.message, constraints[object.id])
                let text = status.json
                guard written[object.id] != text, writes < Self.maxWrites else { continue }
                writes += 1
                let resource =
                    GatekeeperResources.resource(object.kind, version: object.version)
                    ?? APIResource(
                        group: object.group, version: object.version, plural: object.kind.lowercased(),
                        kind: object.kind, namespaced: false)
                let body: ManifestValue = ["status": status]
                _ = try await client.patch(
                    resource, namespace: nil, name: object.name, body.json, subresource: "status")
                written[object.id] = text
            } catch let error as KubernetesError where error.code == .notFound {
                continue  // It is gone, and the watch will tell.
            } catch let error as KubernetesError {
                logger.warning(
                    "A status was not written", metadata: ["object": "\(object.id)", "reason": "\(error.message)"])
            }
        }
    }

    private func status(
        _ object: GatekeeperIndex.PolicyObject, _ problem: String?, _ constraint: Constraint?
    ) async throws -> ManifestValue {
        var problem = problem
        if object.group == ConstraintTemplate.group { problem = problem ?? refused[object.name] }
        let errors = problem.map { text -> ManifestValue in
            [["code": "invalid", "message": .string(String(text.prefix(2_000)))]]
        }
        var entry: ManifestValue = ["id": .string(Self.id), "observedGeneration": .int(object.generation)]
        // A merge patch keeps what it does not name.
        entry["errors"] = errors ?? []
        switch object.group {
        case ConstraintTemplate.group:
            entry["templateUID"] = .string(object.uid)
            entry["operations"] = ["audit", "status", "webhook"]
            return ["created": .bool(defined[object.name] != nil && refused[object.name] == nil), "byPod": [entry]]
        case Constraint.group:
            entry["constraintUID"] = .string(object.uid)
            entry["enforced"] = .bool(constraint != nil)
            entry["operations"] = ["audit", "status", "webhook"]
            var status: ManifestValue = ["byPod": [entry]]
            if let constraint, let result = try await audit?(constraint) {
                for (key, value) in result.status { status[key] = value }
            }
            return status
        default:
            entry["mutatorUID"] = object.group == Mutator.group ? .string(object.uid) : nil
            entry["enforced"] = .bool(errors == nil)
            return ["byPod": [entry]]
        }
    }
}
