// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// Assign, AssignMetadata, ModifySet or AssignImage of mutations.gatekeeper.sh.
package struct Mutator: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case assign = "Assign", assignImage = "AssignImage", assignMetadata = "AssignMetadata", modifySet = "ModifySet"
    }

    enum Source: Sendable {
        case change(PathEdit.Change)
        /// The object's own `name` or `namespace`.
        case metadata(String)
        case external(ExternalSource)
    }

    private enum Condition: String, CaseIterable { case mustExist = "MustExist", mustNotExist = "MustNotExist" }
    private enum SetOperation: String, CaseIterable { case merge, prune }
    private enum MetadataField: String, CaseIterable { case name, namespace }

    package static let group = "mutations.gatekeeper.sh"

    package let kind: Kind
    package let name: String
    package let path: MutationPath
    /// Nil for AssignMetadata, which is for all kinds.
    let appliesTo: AppliedKinds?
    private let match: ConstraintMatch
    private let mustExist: [Int: Bool]
    private let source: Source

    package var id: String { "\(kind.rawValue)/\(name)" }

    package init(_ object: Node) throws(GatekeeperError) {
        let word = try ObjectFields.kind(of: object, group: Mutator.group)
        guard let kind = Kind(rawValue: word) else {
            throw GatekeeperError(.invalid, "\(word) is no kind of mutator")
        }
        self.kind = kind
        name = try ObjectFields.name(of: object)
        let spec = try ObjectFields(object["spec"], at: "spec")
        let path = try MutationPath(try spec.required("location"), at: "spec.location")
        self.path = path
        match = try ConstraintMatch(spec.value("match"))
        let parameters = try spec.object("parameters")
        guard parameters.value("assignIf") == nil else {
            // It was dropped early; ignoring it would change more than is meant.
            throw GatekeeperError(.invalid, "\(parameters.at("assignIf")) is no longer part of the language")
        }
        appliesTo = kind == .assignMetadata ? nil : try AppliedKinds(spec)
        try Mutator.check(path, for: kind)
        mustExist = try Mutator.conditions(parameters, path, kind)
        switch kind {
        case .assign, .assignMetadata: source = try Mutator.assigned(try parameters.object("assign"), path, kind)
        case .assignImage: source = .change(.image(try ImageParts(parameters)))
        case .modifySet:
            let values = try parameters.object("values").elements("fromList").map { Value.node($0) }
            switch try parameters.word("operation", SetOperation.self) ?? .merge {
            case .merge: source = .change(.merge(values))
            case .prune: source = .change(.prune(values))
            }
        }
    }

    private static func check(_ path: MutationPath, for kind: Kind) throws(GatekeeperError) {
        let steps = path.steps
        if kind == .assignMetadata {
            guard steps.count == 3, !steps.contains(where: \.isElement), path.isMetadata,
                [.member("labels"), .member("annotations")].contains(steps[1])
            else {
                throw GatekeeperError(
                    .invalid, "spec.location must be metadata.labels.NAME or metadata.annotations.NAME, not \(path)")
            }
            return
        }
        guard !path.isMetadata else {
            throw GatekeeperError(.invalid, "spec.location: \(kind.rawValue) cannot change metadata")
        }
        if kind != .assign, steps.last?.isElement == true {
            throw GatekeeperError(.invalid, "spec.location: \(kind.rawValue) cannot end at an element of a list")
        }
        if kind != .modifySet, steps.count >= 2, case .element(let field, _) = steps[steps.count - 2],
            steps[steps.count - 1] == .member(field)
        {
            throw GatekeeperError(.invalid, "spec.location: the field that tells elements apart cannot be changed")
        }
    }

    private static func conditions(
        _ parameters: ObjectFields, _ path: MutationPath, _ kind: Kind
    ) throws(GatekeeperError) -> [Int: Bool] {
        // Metadata that is there stays.
        if kind == .assignMetadata { return [path.steps.count - 1: false] }
        var found: [Int: Bool] = [:]
        for test in try parameters.objects("pathTests") {
            let part = try MutationPath(try test.required("subPath"), at: test.at("subPath"))
            guard path.begins(with: part) else {
                throw GatekeeperError(.invalid, "\(test.at("subPath")) is no beginning of spec.location")
            }
            guard let condition = try test.word("condition", Condition.self) else {
                throw GatekeeperError(.invalid, "\(test.at("condition")) is missing")
            }
            let depth = part.steps.count - 1
            let isWanted = condition == .mustExist
            guard found[depth] ?? isWanted == isWanted else {
                throw GatekeeperError(.invalid, "\(test.path) contradicts another test of the same path")
            }
            found[depth] = isWanted
        }
        return found
    }

    private static func assigned(
        _ assign: ObjectFields, _ path: MutationPath, _ kind: Kind
    ) throws(GatekeeperError) -> Source {
        let given = ["value", "fromMetadata", "externalData"].filter { assign.node?[dynamic: $0] != nil }
        guard given.count == 1 else {
            throw GatekeeperError(.invalid, "\(assign.path) must have one of value, fromMetadata and externalData")
        }
        if case .element(let field, let key) = path.steps.last {
            guard let key else {
                throw GatekeeperError(.invalid, "spec.location ends with every element; nothing can be put there")
            }
            guard let value = assign.value("value").map({ Value.node($0) }), value.kind == .object else {
                throw GatekeeperError(.invalid, "\(assign.path) must have an object as value for an element of a list")
            }
            guard let own = value.members?[field], equal(own, key.value) else {
                throw GatekeeperError(.invalid, "\(assign.at("value")).\(field) must be the key in spec.location")
            }
        }
        if let node = assign.node?[dynamic: "value"] {
            let value = Value.node(node)
            if kind == .assignMetadata, value.kind != .string {
                throw GatekeeperError(.invalid, "\(assign.at("value")) is no text")
            }
            return .change(.set(value))
        }
        if assign.value("fromMetadata") != nil {
            guard let field = try assign.object("fromMetadata").word("field", MetadataField.self) else {
                throw GatekeeperError(.invalid, "\(assign.at("fromMetadata")).field is missing")
            }
            return .metadata(field.rawValue)
        }
        return .external(try ExternalSource(try assign.object("externalData")))
    }

    /// Whether an object is meant.
    func isMeant(_ object: Node, in request: MutationRequest) throws(GatekeeperError) -> Bool {
        if let appliesTo,
            !appliesTo.contains(
                group: request.group, version: request.version, kind: request.kind, operation: request.operation)
        {
            return false
        }
        return try match.matches(
            object, group: request.group, kind: request.kind, namespace: request.namespace,
            isGenerated: request.isGenerated)
    }

    /// Whether a provider is asked: once, when nothing else changes any more, or its answer would be asked about again.
    var isExternal: Bool { if case .external = source { true } else { false } }

    /// The object with the change; nil where a condition does not hold.
    func applied(to object: Value, user: String = "") throws(GatekeeperError) -> Value? {
        let change: PathEdit.Change
        switch source {
        case .change(let known): change = known
        case .metadata(let field):
            change = .set(.string(object.members?["metadata"]?.members?[field]?.text ?? ""))
        case .external(let source): change = .external(source, user: user)
        }
        do throws(GatekeeperError) {
            return try PathEdit(path: path, mustExist: mustExist, change: change).applied(to: object)
        } catch {
            throw GatekeeperError(error.code, "\(id): \(error.message)")
        }
    }
}
