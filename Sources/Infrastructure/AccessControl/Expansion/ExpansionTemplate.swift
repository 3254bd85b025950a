// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// An `ExpansionTemplate` of expansion.gatekeeper.sh: which objects make which others, so that what a Deployment would
/// make is judged with it.
package struct ExpansionTemplate: Sendable {
    package static let group = "expansion.gatekeeper.sh"

    package let name: String
    /// Replaces the action of constraints for what comes of it; nil leaves it.
    package let action: EnforcementAction?
    let appliesTo: AppliedKinds
    let source: [String]
    let generated: AppliedKinds.Binding

    package init(_ object: Node) throws(GatekeeperError) {
        let kind = try ObjectFields.kind(of: object, group: ExpansionTemplate.group)
        guard kind == "ExpansionTemplate" else { throw GatekeeperError(.invalid, "\(kind) is no ExpansionTemplate") }
        name = try ObjectFields.name(of: object)
        let spec = try ObjectFields(object["spec"], at: "spec")
        appliesTo = try AppliedKinds(spec)
        source = try spec.required("templateSource").split(separator: ".", omittingEmptySubsequences: false)
            .map(String.init)
        guard !source.contains("") else {
            throw GatekeeperError(.invalid, "spec.templateSource must be names with dots between them")
        }
        let made = try spec.object("generatedGVK")
        generated = AppliedKinds.Binding(
            group: try made.text("group"), version: try made.required("version"), kind: try made.required("kind"))
        let action = try EnforcementAction(spec.value("enforcementAction"), at: "spec.enforcementAction")
        self.action = try spec.text("enforcementAction").isEmpty ? nil : action
        guard action != .scoped else {
            throw GatekeeperError(.invalid, "spec.enforcementAction must be deny, dryrun or warn")
        }
    }

    func isMeant(_ binding: AppliedKinds.Binding) -> Bool {
        appliesTo.contains(group: binding.group, version: binding.version, kind: binding.kind)
    }

    /// What an object makes.
    func expanded(_ object: Node) throws(GatekeeperError) -> Node {
        var found: Node? = object
        for key in source { found = found?[dynamic: key] }
        guard let found, found.isObject else {
            throw GatekeeperError(
                .evaluation, "expansion template \(name): the object has no \(source.joined(separator: "."))")
        }
        let parent = object["metadata"]
        var made = ObjectValue(found)
        made.set(
            .string("apiVersion"),
            .string(generated.group.isEmpty ? generated.version : "\(generated.group)/\(generated.version)"))
        made.set(.string("kind"), .string(generated.kind))
        var metadata = made["metadata"]?.members ?? ObjectValue()
        // A name that nobody gave yet: the maker's, and what is made.
        metadata.set(.string("name"), .string("\(parent?["name"]?.string ?? "")-\(generated.kind)".lowercased()))
        // Rules about what nobody owns must not hit what its maker will own.
        var owner = [("apiVersion", object["apiVersion"]), ("kind", object["kind"]), ("name", parent?["name"])]
        if let uid = parent?["uid"] { owner.append(("uid", uid)) }
        let members = owner.compactMap { key, node in node.map { (Value.string(key), Value.node($0)) } }
        metadata.set(.string("ownerReferences"), .array([.object(ObjectValue(members))]))
        if let home = parent?["namespace"]?.string, !home.isEmpty {
            metadata.set(.string("namespace"), .string(home))
        }
        made.set(.string("metadata"), .object(metadata))
        return try Value.object(made).document()
    }
}

/// Expansion templates, applied also to what they make.
package struct ExpansionSet: Sendable {
    package struct Resultant: Sendable {
        package let object: Node
        /// The template that made it.
        package let template: String
        package let action: EnforcementAction?
    }

    /// An expansion of an expansion and so on.
    static let maxDepth = 30
    static let maxResultants = 1000

    private var templates: [String: ExpansionTemplate] = [:]
    /// Templates that make what they begin with, by name; none of them is applied.
    package private(set) var cycles: Set<String> = []

    package init() {}

    package var isEmpty: Bool { templates.isEmpty }

    package mutating func add(_ object: Node) throws(GatekeeperError) {
        let template = try ExpansionTemplate(object)
        templates[template.name] = template
        findCycles()
    }

    package mutating func remove(name: String) {
        templates[name] = nil
        findCycles()
    }

    private mutating func findCycles() {
        var next: [String: [String]] = [:]
        for (name, template) in templates {
            next[name] = templates.values.filter { $0.isMeant(template.generated) }.map(\.name)
        }
        cycles = Set(
            templates.keys.filter { start in
                var (seen, waiting) = (Set<String>(), next[start] ?? [])
                while let name = waiting.popLast() {
                    if name == start { return true }
                    if seen.insert(name).inserted { waiting += next[name] ?? [] }
                }
                return false
            })
    }

    /// All that comes of an object, changed by the mutators that are for it. Throws where an expansion that is meant for
    /// it cannot be done.
    package func expanded(
        _ object: Node, group: String, version: String, kind: String, namespace: Node?, mutators: MutatorSet
    ) throws(GatekeeperError) -> [Resultant] {
        var found: [Resultant] = []
        var waiting = [(object: object, AppliedKinds.Binding(group: group, version: version, kind: kind))]
        for _ in 0..<Self.maxDepth where !waiting.isEmpty {
            var made: [(object: Node, AppliedKinds.Binding)] = []
            for (object, binding) in waiting {
                for template in templates.values.sorted(by: { $0.name < $1.name }) where template.isMeant(binding) {
                    guard !cycles.contains(template.name) else {
                        throw GatekeeperError(
                            .evaluation, "expansion template \(template.name) makes what it begins with")
                    }
                    var new = try template.expanded(object)
                    let to = template.generated
                    let request = MutationRequest(
                        group: to.group, version: to.version, kind: to.kind, namespace: namespace, isGenerated: true)
                    if let changed = try mutators.mutated(new, in: request) { new = changed.object }
                    found.append(Resultant(object: new, template: template.name, action: template.action))
                    guard found.count <= Self.maxResultants else {
                        throw GatekeeperError(.evaluation, "an object expands to more than \(Self.maxResultants)")
                    }
                    made.append((new, to))
                }
            }
            waiting = made
        }
        return found
    }
}
