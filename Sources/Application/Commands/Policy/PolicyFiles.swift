// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import PodPolicies
import PodSecurity

/// The policies, bindings and switches of files.
struct PolicyFiles {
    private(set) var policies: [PodPolicy] = []
    private(set) var bindings: [PodPolicyBinding] = []
    private(set) var control = AdmissionControl()

    /// Reads files and folders; objects of other kinds are passed over. What cannot be read as a policy ends the
    /// command: to judge without it would say that it allows.
    static func read(_ paths: [String]) throws(UserError) -> PolicyFiles {
        if paths.isEmpty { return PolicyFiles() }
        var files = PolicyFiles()
        var problems: [String] = []
        let note = { (message: String) in problems.append(message) }
        for file in InputFile.all(in: paths, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                do throws(PodFieldError) {
                    try files.add(found)
                } catch {
                    note("\(file):\(found.object.line): \(found.subject.display): \(error)")
                }
            }
        }
        if files.policies.isEmpty, problems.isEmpty {
            problems.append("\(paths.joined(separator: ", ")): there is no PodPolicy in it")
        }
        var names: Set<String> = []
        for policy in files.policies where !names.insert(policy.name).inserted {
            problems.append("the policy \(policy.name) is there twice")
        }
        guard let last = problems.popLast() else { return files }
        for problem in problems { Terminal.error(problem) }
        throw UserError(last)
    }

    private mutating func add(_ found: FoundObject) throws(PodFieldError) {
        guard found.subject.group == PolicyResources.group else { return }
        switch found.subject.kind {
        case "PodPolicy": policies.append(try PodPolicy(found.object))
        case "PodPolicyBinding": bindings.append(try PodPolicyBinding(found.object))
        case "AdmissionControl": control = try AdmissionControl(found.object)
        default: break
        }
    }
}
