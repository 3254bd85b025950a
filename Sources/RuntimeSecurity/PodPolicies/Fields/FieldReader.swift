// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Reads the members of one object strictly: a wrong type and an unknown name are errors that name the field. Null
/// is absent, as to the API server.
struct FieldReader {
    let node: Node
    /// `spec.fields.runAsUser`
    let path: String

    /// - Parameter known: every name that may stand in the object.
    init(_ node: Node, path: String, known: Set<String>) throws(PodFieldError) {
        guard node.isObject else { throw Self.mismatch(path, "an object", node) }
        self.node = node
        self.path = path
        for member in node.members where !known.contains(member.key.string) {
            throw PodFieldError(
                path: path, expected: "an object of \(known.sortedByBytes().joined(separator: ", "))",
                found: "one with \(member.key.string.cut(to: 100))")
        }
    }

    func path(of field: String) -> String { path.isEmpty ? field : "\(path).\(field)" }

    func missing(_ field: String, _ expected: String) -> PodFieldError {
        PodFieldError(path: path(of: field), expected: expected, found: "nothing")
    }

    func member(_ field: String) -> Node? {
        let member = node[dynamic: field]
        return member?.isNull == true ? nil : member
    }

    func bool(_ field: String) throws(PodFieldError) -> Bool? {
        guard let member = member(field) else { return nil }
        guard let value = member.bool else { throw Self.mismatch(path(of: field), "true or false", member) }
        return value
    }

    func string(_ field: String) throws(PodFieldError) -> String? {
        guard let member = member(field) else { return nil }
        guard let value = member.string else { throw Self.mismatch(path(of: field), "a string", member) }
        return value
    }

    func int(_ field: String) throws(PodFieldError) -> Int {
        guard let member = member(field) else { throw missing(field, "a whole number") }
        guard let value = member.int else { throw Self.mismatch(path(of: field), "a whole number", member) }
        return value
    }

    func strings(_ field: String) throws(PodFieldError) -> [String] {
        var texts: [String] = []
        for (index, element) in try elements(field).enumerated() {
            guard let text = element.string else {
                throw Self.mismatch("\(path(of: field))[\(index)]", "a string", element)
            }
            texts.append(text)
        }
        return texts
    }

    func elements(_ field: String) throws(PodFieldError) -> [Node] {
        guard let member = member(field) else { return [] }
        guard member.isArray else { throw Self.mismatch(path(of: field), "a list", member) }
        guard member.count <= Self.maxElements else {
            throw PodFieldError(
                path: path(of: field), expected: "at most \(Self.maxElements) elements", found: "\(member.count)")
        }
        return Array(member.elements)
    }

    /// The object under a name.
    func object(_ field: String, known: Set<String>) throws(PodFieldError) -> FieldReader? {
        guard let member = member(field) else { return nil }
        return try FieldReader(member, path: path(of: field), known: known)
    }

    func objects(_ field: String, known: Set<String>) throws(PodFieldError) -> [FieldReader] {
        var objects: [FieldReader] = []
        for (index, element) in try elements(field).enumerated() {
            objects.append(try FieldReader(element, path: "\(path(of: field))[\(index)]", known: known))
        }
        return objects
    }

    /// Far beyond what a policy needs.
    private static let maxElements = 10_000

    private static func mismatch(_ path: String, _ expected: String, _ node: Node) -> PodFieldError {
        PodFieldError(path: path, expected: expected, found: node.json(limit: 60))
    }
}

extension PodFieldError {
    init(path: String, expected: String, found: String) {
        self.init(path: path, message: "must be \(expected), not \(found)")
    }
}
