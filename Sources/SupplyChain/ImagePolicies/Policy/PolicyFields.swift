// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Reads the members of one object of a policy strictly: a wrong type and an unknown name are errors that name the field.
/// A policy that means something else than its author thinks is worse than none. Null is absent, as to the API server.
struct PolicyFields {
    let node: Node
    /// `spec.rules`
    let path: String

    static let maxElements = 200

    init(_ node: Node, path: String, known: Set<String>) throws(ImagePolicyError) {
        guard node.isObject else { throw Self.mismatch(path, "an object", node) }
        (self.node, self.path) = (node, path)
        for member in node.members where !known.contains(member.key.string) {
            throw ImagePolicyError(
                .policy,
                "\(path.isEmpty ? "the object" : path) has an unknown field "
                    + "\(ImageScan.cut(member.key.string, 60)); there are \(known.sorted().joined(separator: ", "))")
        }
    }

    func path(of field: String) -> String { path.isEmpty ? field : "\(path).\(field)" }

    func problem(_ field: String, _ message: String) -> ImagePolicyError {
        ImagePolicyError(.policy, "\(path(of: field)) \(message)")
    }

    static func mismatch(_ path: String, _ expected: String, _ node: Node) -> ImagePolicyError {
        ImagePolicyError(
            .policy, "\(path.isEmpty ? "the object" : path) must be \(expected), not \(node.json(limit: 60))")
    }

    func member(_ field: String) -> Node? {
        let member = node[dynamic: field]
        return member?.isNull == true ? nil : member
    }

    func bool(_ field: String) throws(ImagePolicyError) -> Bool? {
        guard let member = member(field) else { return nil }
        guard let value = member.bool else { throw Self.mismatch(path(of: field), "true or false", member) }
        return value
    }

    func string(_ field: String) throws(ImagePolicyError) -> String? {
        guard let member = member(field) else { return nil }
        guard let value = member.string else { throw Self.mismatch(path(of: field), "a string", member) }
        return value
    }

    /// A string that must be there and not be empty.
    func text(_ field: String) throws(ImagePolicyError) -> String {
        guard let text = try string(field), !text.isEmpty else { throw problem(field, "is required") }
        return text
    }

    func whole(_ field: String, in range: ClosedRange<Int>) throws(ImagePolicyError) -> Int? {
        guard let member = member(field) else { return nil }
        guard let value = member.int, range.contains(value) else {
            throw Self.mismatch(
                path(of: field), "a whole number from \(range.lowerBound) to \(range.upperBound)", member)
        }
        return value
    }

    /// A span of time in seconds: `90m`, `36h`, `7d`.
    func span(_ field: String) throws(ImagePolicyError) -> Int64? {
        guard let text = try string(field) else { return nil }
        let units: [Character: Int64] = ["m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), text.utf8.count <= 7,
            text.dropLast().utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = Int64(text.dropLast()), count > 0
        else { throw problem(field, "is \"\(ImageScan.cut(text, 60))\", must be a span of time: 90m, 36h, 7d") }
        return count * unit
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        _ field: String, default fallback: Value
    ) throws(ImagePolicyError) -> Value where Value.RawValue == String {
        guard let text = try string(field) else { return fallback }
        guard let value = Value(rawValue: text) else {
            let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem(field, "is \"\(ImageScan.cut(text, 60))\", must be one of \(all)")
        }
        return value
    }

    func elements(_ field: String) throws(ImagePolicyError) -> [Node] {
        guard let member = member(field) else { return [] }
        guard member.isArray else { throw Self.mismatch(path(of: field), "a list", member) }
        guard member.count <= Self.maxElements else {
            throw problem(field, "has \(member.count) elements, more than \(Self.maxElements)")
        }
        return Array(member.elements)
    }

    /// A list of names, none of them empty.
    func names(_ field: String) throws(ImagePolicyError) -> [String] {
        var names: [String] = []
        for (index, element) in try elements(field).enumerated() {
            guard let name = element.string, !name.isEmpty else {
                throw Self.mismatch("\(path(of: field))[\(index)]", "a name", element)
            }
            names.append(name)
        }
        return names
    }

    func patterns(_ field: String) throws(ImagePolicyError) -> [ReferencePattern] {
        var patterns: [ReferencePattern] = []
        for (index, name) in try names(field).enumerated() {
            do throws(ImagePolicyError) { patterns.append(try ReferencePattern(name)) } catch {
                throw problem("\(field)[\(index)]", error.message)
            }
        }
        return patterns
    }

    func objects(_ field: String, known: Set<String>) throws(ImagePolicyError) -> [PolicyFields] {
        var objects: [PolicyFields] = []
        for (index, element) in try elements(field).enumerated() {
            objects.append(try PolicyFields(element, path: "\(path(of: field))[\(index)]", known: known))
        }
        return objects
    }
}
