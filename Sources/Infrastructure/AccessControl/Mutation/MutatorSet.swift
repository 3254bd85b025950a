// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// What a mutation is about, beside the object.
package struct MutationRequest: Sendable {
    package let group: String
    package let version: String
    package let kind: String
    /// Empty in files.
    package let operation: String
    package let namespace: Node?
    /// Whether the object came of an expansion.
    package let isGenerated: Bool
    /// Who asks; empty in files.
    package let user: String

    package init(
        group: String, version: String, kind: String, operation: String = "", namespace: Node?,
        isGenerated: Bool = false, user: String = ""
    ) {
        self.user = user
        (self.group, self.version, self.kind) = (group, version, kind)
        (self.operation, self.namespace, self.isGenerated) = (operation, namespace, isGenerated)
    }
}

/// Mutators, applied in the order of their kinds and names until nothing changes any more.
package struct MutatorSet: Sendable {
    private var mutators: [Mutator] = []
    /// Mutators that say different things about the same place, by id; none of them is applied.
    package private(set) var conflicts: Set<String> = []

    package init() {}

    package var isEmpty: Bool { mutators.isEmpty }

    /// Adds or replaces a mutator.
    package mutating func add(_ object: Node) throws(GatekeeperError) {
        let mutator = try Mutator(object)
        mutators.removeAll { $0.id == mutator.id }
        let place = mutators.firstIndex { ($0.kind.rawValue, $0.name) > (mutator.kind.rawValue, mutator.name) }
        mutators.insert(mutator, at: place ?? mutators.count)
        conflicts = ImpliedSchema.conflicts(among: mutators)
    }

    package mutating func remove(kind: Mutator.Kind, name: String) {
        mutators.removeAll { $0.kind == kind && $0.name == name }
        conflicts = ImpliedSchema.conflicts(among: mutators)
    }

    /// The object after all mutators, and those that changed it; nil where nothing changes. Throws where a mutator cannot
    /// be applied, and where they do not come to an end.
    package func mutated(
        _ object: Node, in request: MutationRequest
    ) throws(GatekeeperError) -> (object: Node, by: [String])? {
        let original = Value.node(object)
        var (value, node) = (original, object)
        var changedBy: Set<String> = []
        func apply(_ mutator: Mutator) throws(GatekeeperError) {
            guard !conflicts.contains(mutator.id), try mutator.isMeant(node, in: request),
                let new = try mutator.applied(to: value, user: request.user), !equal(new, value)
            else { return }
            changedBy.insert(mutator.id)
            value = new
            node = try value.document()
        }
        for _ in 0...mutators.count {
            let before = value
            for mutator in mutators where !mutator.isExternal { try apply(mutator) }
            guard equal(before, value) else { continue }
            guard changedBy.isEmpty || !equal(original, value) else {
                throw GatekeeperError(
                    .evaluation, "mutators undo each other: \(changedBy.sorted().joined(separator: ", "))")
            }
            for mutator in mutators where mutator.isExternal { try apply(mutator) }
            return equal(original, value) ? nil : (node, changedBy.sorted())
        }
        throw GatekeeperError(
            .evaluation, "mutators do not come to an end: \(changedBy.sorted().joined(separator: ", "))")
    }
}

extension Value {
    /// The value as a document of its own.
    func document() throws(GatekeeperError) -> Node {
        if case .node(let node) = self { return node }
        do throws(DocumentError) { return try JSONReader.read(Array(json.utf8), source: "object").root } catch {
            throw GatekeeperError(.evaluation, "the changed object cannot be read: \(error)")
        }
    }
}

/// What the locations of mutators imply about the kinds they apply to: what is a list for one cannot be an object for
/// another, and a list has one field that tells its elements apart.
private final class ImpliedSchema {
    private enum Shape: Hashable { case object, list, set, string, unknown }

    private var ids: Set<String> = []
    private var children: [String: [Shape: ImpliedSchema]] = [:]

    static func conflicts(among mutators: [Mutator]) -> Set<String> {
        var roots: [AppliedKinds.Binding: ImpliedSchema] = [:]
        for mutator in mutators {
            let end: Shape =
                switch mutator.kind {
                case .assign, .assignMetadata: .unknown
                case .assignImage: .string
                case .modifySet: .set
                }
            for binding in mutator.appliesTo?.bindings ?? [] {
                let root = roots[binding] ?? ImpliedSchema()
                roots[binding] = root
                root.add(mutator.id, mutator.path.steps[...], end)
            }
        }
        return roots.values.reduce(into: []) { $1.collect(into: &$0) }
    }

    private func add(_ id: String, _ steps: ArraySlice<MutationPath.Step>, _ end: Shape) {
        ids.insert(id)
        guard let first = steps.first else { return }
        let key =
            switch first {
            case .member(let name): name
            case .element(let field, _): field
            }
        let rest = steps.dropFirst()
        let shape: Shape = rest.first.map { $0.isElement ? .list : .object } ?? end
        let child = children[key]?[shape] ?? ImpliedSchema()
        children[key, default: [:]][shape] = child
        child.add(id, rest, end)
    }

    private func collect(into found: inout Set<String>) {
        for shapes in children.values {
            let known = shapes.keys.count { $0 != .unknown }
            for (shape, child) in shapes {
                if shape != .unknown, known > 1 || shape == .list && child.children.count > 1 {
                    found.formUnion(child.ids)
                }
                child.collect(into: &found)
            }
        }
    }
}
