// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// An object of Gatekeeper's kinds on the way to be read: what is malformed is named by its path.
struct ObjectFields {
    /// Nil where the object is absent or null.
    let node: Node?
    let path: String

    init(_ node: Node?, at path: String) throws(GatekeeperError) {
        self.path = path
        guard let node, !node.isNull else {
            self.node = nil
            return
        }
        guard node.isObject else { throw GatekeeperError(.invalid, "\(path) is no object") }
        self.node = node
    }

    func at(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func value(_ key: String) -> Node? { node?[dynamic: key].flatMap { $0.isNull ? nil : $0 } }

    func object(_ key: String) throws(GatekeeperError) -> ObjectFields { try ObjectFields(value(key), at: at(key)) }

    /// Empty where nothing is said.
    func text(_ key: String) throws(GatekeeperError) -> String {
        guard let value = value(key) else { return "" }
        guard let text = value.string else { throw GatekeeperError(.invalid, "\(at(key)) is no text") }
        return text
    }

    func required(_ key: String) throws(GatekeeperError) -> String {
        let text = try text(key)
        guard !text.isEmpty else { throw GatekeeperError(.invalid, "\(at(key)) is missing") }
        return text
    }

    func texts(_ key: String) throws(GatekeeperError) -> [String] {
        var texts: [String] = []
        for (index, element) in try elements(key).enumerated() {
            guard let text = element.string else { throw GatekeeperError(.invalid, "\(at(key))[\(index)] is no text") }
            texts.append(text)
        }
        return texts
    }

    func objects(_ key: String) throws(GatekeeperError) -> [ObjectFields] {
        var objects: [ObjectFields] = []
        for (index, element) in try elements(key).enumerated() {
            guard element.isObject else { throw GatekeeperError(.invalid, "\(at(key))[\(index)] is no object") }
            objects.append(try ObjectFields(element, at: "\(at(key))[\(index)]"))
        }
        return objects
    }

    func elements(_ key: String) throws(GatekeeperError) -> [Node] {
        guard let value = value(key) else { return [] }
        guard value.isArray else { throw GatekeeperError(.invalid, "\(at(key)) is no list") }
        return value.elements.map { $0 }
    }

    /// One of a few words; nil where nothing is said.
    func word<Word: RawRepresentable & CaseIterable>(
        _ key: String, _: Word.Type
    ) throws(GatekeeperError) -> Word? where Word.RawValue == String {
        let text = try text(key)
        if text.isEmpty { return nil }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw GatekeeperError(.invalid, "\(at(key)) must be one of \(known), not \(text)")
        }
        return word
    }

    /// The object's `metadata.name`, which must be there and fit a label.
    static func name(of object: Node) throws(GatekeeperError) -> String {
        let name = try ObjectFields(object["metadata"], at: "metadata").required("name")
        guard name.utf8.count <= 63 else { throw GatekeeperError(.invalid, "metadata.name is longer than 63 bytes") }
        return name
    }

    /// The kind of an object of a group; throws where it is of another.
    static func kind(of object: Node, group: String) throws(GatekeeperError) -> String {
        guard object["apiVersion"]?.string?.hasPrefix(group + "/") == true, let kind = object["kind"]?.string else {
            throw GatekeeperError(.invalid, "not an object of \(group)")
        }
        return kind
    }
}

/// Kinds by their names, without wildcards: `applyTo` of mutators and expansion templates.
struct AppliedKinds: Sendable {
    struct Binding: Hashable, Sendable {
        let group: String
        let version: String
        let kind: String
    }

    /// A product of three lists is written shorter than it is, and contradictions are sought for each kind.
    static let maxBindings = 1024

    private let entries: [(groups: Set<String>, versions: Set<String>, kinds: Set<String>, operations: Set<String>)]
    let bindings: [Binding]

    init(_ spec: ObjectFields) throws(GatekeeperError) {
        var entries: [(groups: Set<String>, versions: Set<String>, kinds: Set<String>, operations: Set<String>)] = []
        var bindings: Set<Binding> = []
        for entry in try spec.objects("applyTo") {
            let (groups, versions, kinds) =
                (try entry.texts("groups"), try entry.texts("versions"), try entry.texts("kinds"))
            for (key, list) in [("groups", groups), ("versions", versions), ("kinds", kinds)] {
                guard !list.isEmpty else { throw GatekeeperError(.invalid, "\(entry.at(key)) is missing") }
                guard !list.contains("*") else {
                    throw GatekeeperError(.invalid, "\(entry.at(key)) must name them; * is not for applyTo")
                }
            }
            let (tens, overflow) = groups.count.multipliedReportingOverflow(by: versions.count)
            let (count, overflows) = tens.multipliedReportingOverflow(by: kinds.count)
            guard !overflow, !overflows, bindings.count + count <= Self.maxBindings else {
                throw GatekeeperError(.invalid, "\(spec.at("applyTo")) comes to more than \(Self.maxBindings) kinds")
            }
            let operations = try entry.texts("operations")
            for operation in operations where !["CREATE", "UPDATE", "DELETE", "CONNECT"].contains(operation) {
                throw GatekeeperError(
                    .invalid, "\(entry.at("operations")) must be CREATE, UPDATE, DELETE or CONNECT, not \(operation)")
            }
            entries.append((Set(groups), Set(versions), Set(kinds), Set(operations)))
            for group in groups {
                for version in versions {
                    for kind in kinds { bindings.insert(Binding(group: group, version: version, kind: kind)) }
                }
            }
        }
        guard !entries.isEmpty else { throw GatekeeperError(.invalid, "\(spec.at("applyTo")) is missing") }
        self.entries = entries
        self.bindings = bindings.sorted { ($0.group, $0.version, $0.kind) < ($1.group, $1.version, $1.kind) }
    }

    /// - Parameter operation: empty where there is none, as in files; then it does not count.
    func contains(group: String, version: String, kind: String, operation: String = "") -> Bool {
        entries.contains { entry in
            entry.groups.contains(group) && entry.versions.contains(version) && entry.kinds.contains(kind)
                && (operation.isEmpty || entry.operations.isEmpty || entry.operations.contains(operation))
        }
    }
}
