// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// One container of a pod, with the settings that it takes over from the pod. What several checks ask for is worked out once.
final class Container {
    /// Which of the pod's lists holds it.
    enum Role: Int, CaseIterable {
        case initial, main, ephemeral

        var key: StaticString {
            switch self {
            case .initial: "initContainers"
            case .main: "containers"
            case .ephemeral: "ephemeralContainers"
            }
        }

        var list: String {
            switch self {
            case .initial: "initContainers"
            case .main: "containers"
            case .ephemeral: "ephemeralContainers"
            }
        }
    }

    let node: Node
    let role: Role
    let index: Int
    /// The container's own, nil when unset.
    let security: Node?
    /// The pod's, nil when unset.
    let podSecurity: Node?

    /// The name, or its place in the list when it has none.
    let name: String
    /// The path of what stands in it, up to the last dot.
    private(set) lazy var place = ContainerPlaces.usual(base, role, index) ?? "\(base).\(role.list)[\(index)]."
    private let base: String
    /// The name, as what it shows is remembered by.
    private(set) lazy var problemName = ProblemSet.Name(name)
    /// The image it names, nil when it names none.
    private(set) lazy var image = Result { () throws(UnreadableField) in try Images.Reference.of(node) }
    /// The capabilities it adds and drops.
    private(set) lazy var capabilities = Result { () throws(UnreadableField) in try Capabilities.Lists(security) }

    /// `base` is the path of the pod spec.
    init(node: Node, role: Role, index: Int, podSecurity: Node?, base: String) throws(UnreadableField) {
        self.base = base
        self.node = node
        self.role = role
        self.index = index
        self.podSecurity = podSecurity
        security = try node.object("securityContext")
        name = try node.string("name") ?? "\(role.list)[\(index)]"
    }

    /// A sidecar is an init container that keeps running (restartPolicy Always).
    var isSidecar: Bool { role == .initial && node["restartPolicy"]?.equals("Always") == true }

    /// Whether it runs as long as the pod does, so that probes make sense.
    var isLongRunning: Bool { role == .main || isSidecar }

    /// A field that a container takes over from the pod when it has none of its own, and where it stands.
    func inherited(_ key: StaticString) -> (node: Node, isOwn: Bool)? {
        if let own = security?[key], !own.isNull { return (own, true) }
        if let pod = podSecurity?[key], !pod.isNull { return (pod, false) }
        return nil
    }

    /// The path of an inherited field: the container's own, or the pod's.
    func inheritedPath(_ field: String, isOwn: Bool) -> FieldPath {
        isOwn ? .relative("securityContext.\(field)") : .pod("securityContext.\(field)")
    }
}

/// The places of containers that nearly all pods have, made once.
private enum ContainerPlaces {
    private static let most = 4
    private static let inPods = Container.Role.allCases.flatMap { role in
        (0..<most).map { "spec.\(role.list)[\($0)]." }
    }

    static func usual(_ base: String, _ role: Container.Role, _ index: Int) -> String? {
        base == "spec" && index < most ? inPods[role.rawValue * most + index] : nil
    }
}

extension Node {
    /// What kind of value it is, in words; never the value itself, which may be a secret.
    var described: String {
        switch kind {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// The elements of a list; none when it is absent or something else.
    func list(_ key: StaticString) -> [Node] { self[key].map { Array($0.elements) } ?? [] }
}

/// Reading of fields whose type Kubernetes fixes: absent and null are nil, another type is an error, never a default.
extension Node {
    func object(_ key: StaticString) throws(UnreadableField) -> Node? { try typed(key, .object, "an object") }
    func array(_ key: StaticString) throws(UnreadableField) -> Node? { try typed(key, .array, "a list") }

    func bool(_ key: StaticString) throws(UnreadableField) -> Bool? { try typed(key, .bool, "true or false")?.bool }
    func text(_ key: StaticString) throws(UnreadableField) -> Node? { try typed(key, .string, "a string") }
    func string(_ key: StaticString) throws(UnreadableField) -> String? { try typed(key, .string, "a string")?.string }

    func int(_ key: StaticString) throws(UnreadableField) -> Int? {
        guard let node = try typed(key, .number, "a whole number") else { return nil }
        guard let value = node.int else {
            throw UnreadableField(message: "\(key) should be a whole number, not \(node.described)", path: "\(key)")
        }
        return value
    }

    /// The texts of a list of strings; empty when the list is unset.
    func strings(_ key: StaticString) throws(UnreadableField) -> [String] {
        guard let list = try array(key) else { return [] }
        var texts: [String] = []
        texts.reserveCapacity(list.count)
        for element in list.elements {
            guard let text = element.string else {
                throw UnreadableField(message: "\(key) should be a list of strings", path: "\(key)")
            }
            texts.append(text)
        }
        return texts
    }

    /// Whether a text of a list of strings holds `part`: `strings` without the strings, to be asked before.
    func list(_ key: StaticString, holds part: StaticString) throws(UnreadableField) -> Bool {
        guard let list = try array(key) else { return false }
        var found = false
        for element in list.elements {
            guard element.kind == .string else {
                throw UnreadableField(message: "\(key) should be a list of strings", path: "\(key)")
            }
            found = found || element.withUTF8 { $0.holds(part) } == true
        }
        return found
    }

    /// What `body` finds first in the objects of a list, nil when it finds nothing or the list is unset. Its errors get their
    /// place in the list.
    func first<Found>(
        of key: StaticString, _ body: (Int, Node) throws(UnreadableField) -> Found?
    ) throws(UnreadableField) -> Found? {
        guard let list = try array(key) else { return nil }
        var index = 0
        for element in list.elements {
            guard element.kind == .object else {
                throw UnreadableField(
                    message: "an element of \(key) should be an object, not \(element.described)",
                    path: "\(key)[\(index)]")
            }
            do throws(UnreadableField) {
                if let found = try body(index, element) { return found }
            } catch {
                throw UnreadableField(message: error.message, path: "\(key)[\(index)].\(error.path)")
            }
            index += 1
        }
        return nil
    }

    @inline(__always)
    private func typed(_ key: StaticString, _ kind: Kind, _ expected: StaticString) throws(UnreadableField) -> Node? {
        guard let node = self[key], !node.isNull else { return nil }
        if node.kind != kind { throw node.isNot(expected, key) }
        return node
    }

    @inline(never)
    private func isNot(_ expected: StaticString, _ key: StaticString) -> UnreadableField {
        UnreadableField(message: "\(key) should be \(expected), not \(described)", path: "\(key)")
    }
}
