// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What reading our own objects needs besides: whatever is not what it should be is an error that names the field. A
/// policy that means something else than its author thinks is worse than none.
extension FieldReader {
    func problem(_ field: String, _ message: String) -> PodFieldError {
        PodFieldError(path: path.isEmpty ? field : "\(path).\(field)", message: message)
    }

    /// A string that must be there and not be empty.
    func text(_ field: String) throws(PodFieldError) -> String {
        guard let text = try string(field), !text.isEmpty else { throw problem(field, "is required") }
        return text
    }

    /// A list of names, none of them empty.
    func names(_ field: String) throws(PodFieldError) -> [String] {
        let names = try strings(field)
        if let index = names.firstIndex(of: "") { throw problem("\(field)[\(index)]", "must not be empty") }
        return names
    }

    /// One of the values of an enumeration.
    func choice<Value: RawRepresentable & CaseIterable>(
        _ field: String, default fallback: Value?
    ) throws(PodFieldError) -> Value where Value.RawValue == String {
        let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
        guard let text = try string(field) else {
            guard let fallback else { throw problem(field, "is required: one of \(all)") }
            return fallback
        }
        guard let value = Value(rawValue: text) else {
            throw problem(field, "is \"\(text.prefix(60))\", must be one of \(all)")
        }
        return value
    }

    /// The whole of an object of our API group: checks its kind and returns its metadata and `spec`.
    static func object(
        _ node: Node, kind: String, spec known: Set<String>
    ) throws(PodFieldError) -> (metadata: Node, spec: FieldReader) {
        let object = try FieldReader(node, path: "", known: ["apiVersion", "kind", "metadata", "spec", "status"])
        // Lists leave both out of their items.
        if let version = try object.string("apiVersion"), version != PolicyResources.apiVersion {
            throw object.problem("apiVersion", "is \(version.prefix(60)), must be \(PolicyResources.apiVersion)")
        }
        if let given = try object.string("kind"), given != kind {
            throw object.problem("kind", "is \(given.prefix(60)), must be \(kind)")
        }
        guard let metadata = object.member("metadata"), metadata.isObject else {
            throw object.problem("metadata", "is required")
        }
        guard let spec = try object.object("spec", known: known) else { throw object.problem("spec", "is required") }
        return (metadata, spec)
    }

    static func name(of metadata: Node) throws(PodFieldError) -> String {
        guard let name = metadata["name"]?.string, !name.isEmpty else {
            throw PodFieldError(path: "metadata.name", message: "is required")
        }
        return name
    }
}
