// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// A file of cases for `bulwark policy test` (docs/policies/testing.md):
///
///     policies: [restricted.yaml]
///     cases:
///       - name: a plain pod is refused
///         objects: plain.yaml
///         expect: deny
///         contains: [runAsNonRoot]
struct PolicyTestFile {
    enum Answer: String, CaseIterable { case allow, warn, deny }

    struct Case {
        var name: String
        var line: Int
        /// Relative to the test file, resolved.
        var objects: String
        /// `Kind/name`; empty for all objects of the file.
        var object = ""
        var user = ""
        var groups: [String] = []
        var namespace = ""
        var namespaceLabels: [String: String] = [:]
        var expect: Answer
        /// Each must occur in a reason.
        var contains: [String] = []
    }

    let path: String
    /// Resolved like `Case.objects`.
    let policies: [String]
    let cases: [Case]
    /// The moment that exemptions are judged at, in seconds since 1970; nil is when the tests run.
    let now: Int64?

    init(_ path: String) throws(UserError) {
        let bytes: [UInt8]
        do { bytes = try InputFile.text(path) } catch let error as UserError { throw error } catch {
            throw UserError("\(path): \(error)")
        }
        let results = DocumentReader.documents(in: bytes, source: path)
        guard results.count == 1, let result = results.first else {
            throw UserError("\(path): must hold one document, not \(results.count)")
        }
        let root: Node
        switch result {
        case .success(let document): root = document.root
        case .failure(let error): throw UserError("\(error)")
        }
        let folder = path.contains("/") ? String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) : ""
        let resolve = { (name: String) in name.hasPrefix("/") ? name : folder + name }
        let fields = TestFields(node: root, path: path)
        try fields.check(["policies", "cases", "now"])
        self.path = path
        let moment = try fields.text("now")
        now = moment.isEmpty ? nil : try? Int64(Date(moment, strategy: .iso8601).timeIntervalSince1970)
        if !moment.isEmpty, now == nil { throw fields.problem("now must be a time like 2027-03-31T00:00:00Z") }
        policies = try fields.texts("policies").map(resolve)
        guard !policies.isEmpty else { throw fields.problem("policies must name at least one file") }
        guard let list = root["cases"], list.isArray, list.count > 0 else {
            throw fields.problem("cases must be a list that is not empty")
        }
        var cases: [Case] = []
        for node in list.elements { cases.append(try Case(TestFields(node: node, path: path), resolve)) }
        self.cases = cases
    }
}

extension PolicyTestFile.Case {
    init(_ fields: TestFields, _ resolve: (String) -> String) throws(UserError) {
        try fields.check([
            "name", "objects", "object", "user", "groups", "namespace", "namespaceLabels", "expect", "contains",
        ])
        name = try fields.text("name", isNeeded: true)
        line = fields.node.line
        objects = resolve(try fields.text("objects", isNeeded: true))
        object = try fields.text("object")
        user = try fields.text("user")
        groups = try fields.texts("groups")
        namespace = try fields.text("namespace")
        contains = try fields.texts("contains")
        guard let answer = PolicyTestFile.Answer(rawValue: try fields.text("expect", isNeeded: true)) else {
            throw fields.problem("expect must be one of allow, warn, deny")
        }
        expect = answer
        guard let labels = fields.node["namespaceLabels"], !labels.isNull else { return }
        guard labels.isObject else { throw fields.problem("namespaceLabels must be an object") }
        for (key, value) in labels.members {
            guard let text = value.string else {
                throw fields.problem("namespaceLabels: \(key.string) must be a string")
            }
            namespaceLabels[key.string] = text
        }
    }
}

/// Reads the members of one object of a test file strictly.
struct TestFields {
    let node: Node
    let path: String

    func problem(_ message: String) -> UserError { UserError("\(path):\(node.line): \(message)") }

    func check(_ known: Set<String>) throws(UserError) {
        guard node.isObject else { throw problem("must be an object of \(known.sorted().joined(separator: ", "))") }
        for (key, _) in node.members where !known.contains(key.string) {
            throw problem("unknown key \(key.string); there are \(known.sorted().joined(separator: ", "))")
        }
    }

    /// Empty when it is not there.
    func text(_ key: String, isNeeded: Bool = false) throws(UserError) -> String {
        let value = node[dynamic: key]
        if let text = value?.string, !text.isEmpty || !isNeeded { return text }
        guard value == nil || value?.isNull == true, !isNeeded else { throw problem("\(key) must be a string") }
        return ""
    }

    func texts(_ key: String) throws(UserError) -> [String] {
        guard let list = node[dynamic: key], !list.isNull else { return [] }
        let texts = list.elements.compactMap(\.string)
        guard list.isArray, texts.count == list.count, !texts.contains("") else {
            throw problem("\(key) must be a list of strings that are not empty")
        }
        return texts
    }
}
