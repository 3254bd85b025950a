// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import ImagePolicies
import Kubernetes
import PodPolicies
import PodSecurity

/// The policies, bindings and switches of files, and what is known of images.
struct PolicyFiles {
    private(set) var policies: [PodPolicy] = []
    private(set) var bindings: [PodPolicyBinding] = []
    private(set) var control = AdmissionControl()
    private(set) var imagePolicies: [ImagePolicy] = []
    /// ImageScan objects.
    let images = ImagePolicyIndex()

    /// Reads files and folders; objects of other kinds are passed over. What cannot be read as a policy ends the
    /// command: to judge without it would say that it allows.
    /// - Parameter judgesImages: whether the command judges by image policies; else one among the files ends it.
    static func read(_ paths: [String], judgesImages: Bool) throws(UserError) -> PolicyFiles {
        if paths.isEmpty { return PolicyFiles() }
        var files = PolicyFiles()
        var problems: [String] = []
        let note = { (message: String) in problems.append(message) }
        var names: Set<String> = []
        for file in InputFile.all(in: paths, problem: note) {
            InputFile.objects(in: file, problem: note) { found in
                let place = "\(file):\(found.object.line): \(found.subject.display)"
                do {
                    if !judgesImages, found.isImagePolicy {
                        note("\(place) is not judged here; bulwark policy test and bulwark image judge do")
                    } else if try files.add(found), !names.insert(found.subject.display).inserted {
                        note("\(place) is there twice")
                    }
                } catch {
                    note("\(place): \(error)")
                }
            }
        }
        if files.policies.isEmpty, files.imagePolicies.isEmpty, problems.isEmpty {
            let kinds = judgesImages ? "neither a PodPolicy nor an ImagePolicy" : "no PodPolicy"
            problems.append("\(paths.joined(separator: ", ")): there is \(kinds) in it")
        }
        guard let last = problems.popLast() else { return files }
        for problem in problems { Terminal.error(problem) }
        throw UserError(last)
    }

    /// Whether it may be there only once.
    private mutating func add(_ found: FoundObject) throws -> Bool {
        if found.isImagePolicy {
            imagePolicies.append(try ImagePolicy(found.object))
            return true
        }
        if found.isImageScan {
            _ = try ImagePolicies.ImageScan.verdict(of: found.object)
            images.put(scan: found.object, name: found.subject.name)
            return true
        }
        guard found.subject.group == PolicyResources.group else { return false }
        switch found.subject.kind {
        case "PodPolicy":
            policies.append(try PodPolicy(found.object))
            return true
        case "PodPolicyBinding": bindings.append(try PodPolicyBinding(found.object))
        case "AdmissionControl": control = try AdmissionControl(found.object)
        default: break
        }
        return false
    }
}

extension FoundObject {
    var isImagePolicy: Bool { isOne(of: ImagePolicyResources.policies) }
    var isImageScan: Bool { isOne(of: ImagePolicyResources.scans) }

    private func isOne(of resource: APIResource) -> Bool {
        subject.kind == resource.kind && subject.group == resource.group
    }
}
