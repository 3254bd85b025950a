// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Reads the `judge:` block of a check: a condition, or the name of a function.
///
///     judge:
///       scope: container            # container, pod or object
///       containers: [main, sidecar] # which containers, all when absent: main, initial, sidecar, ephemeral
///       kinds: [Ingress]            # which objects; workloads when absent
///       fail-when: {path: securityContext.privileged, is: true}
///       message: The container is privileged.
///
/// Comparisons: `is`, `is-not`, `in`, `not-in`, `prefix`, `above`, `below`, `present: true`, and `absent: true`, or `absent` with the
/// type that a value has to have when there is one: string, object, list, quantity.
enum JudgeDecoding {
    static func judge(_ node: Node, slug: String) throws(InspectionError) -> InspectionCheck.Judge {
        if let name = node["function"]?.string {
            guard let function = JudgeFunctions.named(name) else {
                throw InspectionError(.catalogue, "check \(slug): there is no judge function \(name)")
            }
            return function
        }
        guard let block = node["fail-when"], let message = node["message"]?.string else {
            throw InspectionError(.catalogue, "check \(slug): judge needs fail-when and message, or function")
        }
        let condition = try condition(block, slug)
        let kinds = try kinds(node, slug)
        switch node["scope"]?.string {
        case "container":
            let roles = node["containers"]?.elements.compactMap(\.string)
            let isAsked = Container.RoleName.allCases.map { roles?.contains($0.rawValue) ?? true }
            return .container { (container, target, _) throws(UnreadableField) in
                if !isAsked[container.roleName.index] { return .notApplicable }
                if let kinds, !kinds.contains(target.kind) { return .notApplicable }
                guard let match = try condition.match(container.node, pod: target.podSpec) else { return .pass }
                return .fail(message, match.path, match.value)
            }
        case "pod":
            return .pod { (target, _) throws(UnreadableField) in
                if let kinds, !kinds.contains(target.kind) { return .notApplicable }
                guard let spec = target.podSpec else { return .notApplicable }
                guard let match = try condition.match(spec, pod: nil) else { return .pass }
                return .fail(message, .pod(match.path.text), match.value)
            }
        case "object":
            return .object(kinds ?? ObjectKind.allCases.filter(\.isWorkload)) { (target, _) throws(UnreadableField) in
                guard let match = try condition.match(target.object, pod: nil) else { return .pass }
                return .fail(message, .object(match.path.text), match.value)
            }
        default:
            throw InspectionError(.catalogue, "check \(slug): scope should be container, pod or object")
        }
    }

    private static func kinds(_ node: Node, _ slug: String) throws(InspectionError) -> [ObjectKind]? {
        guard let list = node["kinds"] else { return nil }
        var kinds: [ObjectKind] = []
        for name in list.elements {
            guard let kind = ObjectKind(apiVersion: "v1", kind: name.string ?? "") else {
                throw InspectionError(.catalogue, "check \(slug): unknown kind \(name.json(limit: 40))")
            }
            kinds.append(kind)
        }
        return kinds
    }

    static func condition(_ node: Node, _ slug: String) throws(InspectionError) -> Condition {
        for (key, combine) in [("any", Condition.any), ("all", Condition.all)] {
            guard let list = node[dynamic: key] else { continue }
            var parts: [Condition] = []
            for part in list.elements { parts.append(try condition(part, slug)) }
            return combine(parts)
        }
        guard let path = node["path"]?.string else {
            throw InspectionError(.catalogue, "check \(slug): a condition needs a path, any or all")
        }
        return .field(
            FieldCondition(
                path: path, steps: steps(path), test: try test(node, slug), inherits: node["inherit"]?.bool ?? false))
    }

    /// Splits `volumes[].hostPath`; a key with dots stands in brackets: `annotations[a.b/c]`.
    static func steps(_ path: String) -> [FieldCondition.Step] {
        var steps: [FieldCondition.Step] = []
        var key = ""
        var bracketed = false
        func end() {
            if !key.isEmpty { steps.append(.key(key)) }
            key = ""
        }
        for character in path {
            switch character {
            case "[":
                end()
                bracketed = true
            case "]":
                if key.isEmpty { steps.append(.each) }
                end()
                bracketed = false
            case "." where !bracketed: end()
            default: key.append(character)
            }
        }
        end()
        return steps
    }

    private static func test(_ node: Node, _ slug: String) throws(InspectionError) -> FieldCondition.Test {
        if node["absent"]?.bool == true { return .absent(nil) }
        if let shape = node["absent"]?.string.flatMap(FieldCondition.Shape.init) { return .absent(shape) }
        if node["present"]?.bool == true { return .present }
        if let bound = node["above"]?.int { return .above(bound) }
        if let bound = node["below"]?.int { return .below(bound) }
        if let prefix = node["prefix"]?.string { return .prefix(prefix) }
        for (key, negated) in [("is", false), ("is-not", true)] {
            guard let value = node[dynamic: key] else { continue }
            if let bool = value.bool { return .isBool(bool, negated: negated) }
            if let text = value.string { return .isText(text, negated: negated) }
            if let number = value.int { return .isNumber(number, negated: negated) }
        }
        for (key, negated) in [("in", false), ("not-in", true)] {
            if let list = node[dynamic: key] { return .inTexts(list.elements.compactMap(\.string), negated: negated) }
        }
        throw InspectionError(.catalogue, "check \(slug): a condition needs a comparison")
    }
}

extension Container {
    /// What the `containers:` key of a judge calls containers.
    enum RoleName: String, CaseIterable {
        case main, initial, sidecar, ephemeral

        var index: Int {
            switch self {
            case .main: 0
            case .initial: 1
            case .sidecar: 2
            case .ephemeral: 3
            }
        }
    }

    var roleName: RoleName {
        switch role {
        case .main: .main
        case .initial: isSidecar ? .sidecar : .initial
        case .ephemeral: .ephemeral
        }
    }
}
