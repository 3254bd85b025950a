// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Findings
import PodSecurity

/// The admission policies, bindings, parameters and namespaces of files.
struct CELPolicyFiles {
    private(set) var policies = AdmissionPolicySet()
    private(set) var namespaces: [String: Node] = [:]
    /// What could not be used, with its file.
    private(set) var problems: [String] = []

    /// Every object may be a parameter: which are is said by the policies.
    init(_ paths: [String], unreadable: (String) -> Void) {
        var count = 0
        for file in InputFile.all(in: paths, problem: unreadable) {
            InputFile.objects(in: file, problem: unreadable) { found in
                let kind = found.subject.kind
                do throws(GatekeeperError) {
                    switch kind {
                    case AdmissionPolicy.kind, AdmissionPolicyBinding.kind, AdmissionPolicy.kyvernoKind:
                        try policies.add(found.object)
                        if kind != AdmissionPolicyBinding.kind { count += 1 }
                    default:
                        if kind == "Namespace" { namespaces[found.subject.name] = found.object }
                        try policies.add(param: found.object)
                    }
                } catch {
                    problems.append("\(file):\(found.object.line): \(found.subject.display): \(error)")
                }
            }
        }
        if count == 0, problems.isEmpty {
            problems.append("\(paths.joined(separator: ", ")): there is no policy in it")
        }
        for (binding, policy) in policies.danglingBindings {
            problems.append("binding \(binding): there is no policy \(policy)")
        }
    }

    /// Binds what has no binding.
    mutating func bindTheRest() -> [String] { policies.bindTheRest() }

    mutating func add(namespace: Node) {
        if let name = namespace["metadata"]?["name"]?.string { namespaces[name] = namespace }
    }

    /// A namespace of the files, or one with the label that every namespace has.
    func namespace(_ name: String) -> Node? {
        if name.isEmpty { return nil }
        if let known = namespaces[name] { return known }
        let quoted = EditValue.string(name).json
        let text =
            #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"# + quoted
            + #","labels":{"kubernetes.io/metadata.name":"# + quoted + "}}}"
        return try? JSONReader.read(Array(text.utf8), source: "namespace").root
    }
}
