// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import OCI

extension ImageScan {
    /// Reads an ImageScan object. Whoever wrote it may mean harm: an object that is not for the reference that its name
    /// says, or a result without its numbers, is an error and never a clean image.
    /// - Throws: `scan` with the field.
    package static func verdict(of node: Node) throws(ImagePolicyError) -> ImageVerdict {
        guard let name = node["metadata"]?["name"]?.string else { throw problem("metadata.name", "is required") }
        guard let image = node["spec"]?["image"]?.string else { throw problem("spec.image", "must be a string") }
        var whole: String?
        do throws(ImagePolicyError) { whole = try reference(image) } catch {
            throw problem("spec.image", "is no reference: \(error)")
        }
        guard whole == image else { throw problem("spec.image", "must be written whole: \(whole ?? "")") }
        guard self.name(of: image) == name else {
            throw problem("metadata.name", "is not the name of \(image), which is \(self.name(of: image))")
        }
        var verdict = ImageVerdict(reference: image, phase: .pending)
        guard let status = node["status"], !status.isNull else { return verdict }
        guard status.isObject else { throw problem("status", "must be an object") }
        let reader = StatusReader(status: status)
        // What admission asked for has no phase until the server sees it.
        guard let phase = try reader.text("phase", limit: maxText) else { return verdict }
        guard let known = ImageVerdict.Phase(rawValue: phase) else {
            throw problem("status.phase", "is \"\(cut(phase, 60))\"")
        }
        verdict.phase = known
        verdict.message = try reader.text("message", limit: 4 * maxMessage) ?? ""
        verdict.digest = try reader.digest()
        verdict.resolved = try reader.time("resolved")
        verdict.scanned = try reader.time("scanned")
        verdict.advisories = try reader.time("advisories")
        guard verdict.hasResult else { return verdict }
        guard !verdict.digest.isEmpty else { throw problem("status.digest", "is missing from a result") }
        guard verdict.scanned > 0 else { throw problem("status.scanned", "is missing from a result") }
        verdict.vulnerabilities = try reader.vulnerabilities()
        verdict.worst = try reader.worst()
        verdict.malware = try reader.count("malware")
        verdict.secrets = try reader.count("secrets")
        verdict.misconfigurations = try reader.count("misconfigurations")
        return verdict
    }

    static func problem(_ field: String, _ message: String) -> ImagePolicyError {
        ImagePolicyError(.scan, "\(field) \(message)")
    }
}

private struct StatusReader {
    let status: Node

    func member(_ field: String) -> Node? {
        let member = status[dynamic: field]
        return member?.isNull == true ? nil : member
    }

    func text(_ field: String, limit: Int) throws(ImagePolicyError) -> String? {
        guard let member = member(field) else { return nil }
        return try Self.text(member, "status.\(field)", limit)
    }

    private static func text(_ node: Node, _ path: String, _ limit: Int) throws(ImagePolicyError) -> String {
        guard let text = node.string else { throw ImageScan.problem(path, "must be a string") }
        guard text.utf8.count <= limit else { throw ImageScan.problem(path, "is longer than \(limit) bytes") }
        return text
    }

    func digest() throws(ImagePolicyError) -> String {
        guard let text = try text("digest", limit: 300), !text.isEmpty else { return "" }
        do throws(OCIError) { return try Digest(text).description } catch {
            throw ImageScan.problem("status.digest", "is none: \(error.message)")
        }
    }

    func time(_ field: String) throws(ImagePolicyError) -> Int64 {
        guard let text = try text(field, limit: 64) else { return 0 }
        guard let seconds = RFC3339.seconds(text), seconds > 0 else {
            throw ImageScan.problem(
                "status.\(field)", "is \"\(text)\", must be a time after 1970 such as 2027-01-31T00:00:00Z")
        }
        return seconds
    }

    /// One that a result must have.
    func count(_ field: String) throws(ImagePolicyError) -> Int {
        try Self.count(status[dynamic: field], "status.\(field)")
    }

    private static func count(_ node: Node?, _ path: String) throws(ImagePolicyError) -> Int {
        guard let node else { throw ImageScan.problem(path, "is missing from a result") }
        guard let value = node.int, value >= 0, value <= ImageScan.maxCount else {
            throw ImageScan.problem(path, "must be a whole number from 0 to \(ImageScan.maxCount)")
        }
        return value
    }

    func vulnerabilities() throws(ImagePolicyError) -> [Severity: ImageVerdict.Count] {
        let (totals, fixables) = (try counts("vulnerabilities"), try counts("fixable"))
        var found: [Severity: ImageVerdict.Count] = [:]
        for severity in Severity.allCases {
            let count = ImageVerdict.Count(total: totals[severity] ?? 0, fixable: fixables[severity] ?? 0)
            guard count.fixable <= count.total else {
                throw ImageScan.problem("status.fixable.\(severity)", "is more than there are")
            }
            if count.total > 0 { found[severity] = count }
        }
        return found
    }

    /// Each severity must be there: one that is left out is not known to be none.
    private func counts(_ field: String) throws(ImagePolicyError) -> [Severity: Int] {
        let path = "status.\(field)"
        guard let object = member(field), object.isObject else {
            throw ImageScan.problem(path, "is missing from a result, or no object")
        }
        var (counts, sum): ([Severity: Int], Int) = ([:], 0)
        for severity in Severity.allCases {
            let count = try Self.count(object[dynamic: severity.description], "\(path).\(severity)")
            counts[severity] = count
            sum += count
        }
        guard try Self.count(object["total"], "\(path).total") == sum else {
            throw ImageScan.problem("\(path).total", "is not the sum of the severities, \(sum)")
        }
        return counts
    }

    func worst() throws(ImagePolicyError) -> [ImageVerdict.Vulnerability] {
        guard let list = member("worst") else { return [] }
        guard list.isArray, list.count <= 10 * ImageVerdict.maxWorst else {
            throw ImageScan.problem("status.worst", "must be a list of \(ImageVerdict.maxWorst) at most")
        }
        var worst: [ImageVerdict.Vulnerability] = []
        for (index, element) in list.elements.enumerated() {
            let path = "status.worst[\(index)]"
            func text(_ field: String) throws(ImagePolicyError) -> String {
                guard let node = element[dynamic: field], !node.isNull else { return "" }
                return try Self.text(node, "\(path).\(field)", 4 * ImageScan.maxText)
            }
            guard element.isObject else { throw ImageScan.problem(path, "must be an object") }
            let severity = try text("severity")
            guard let known = Severity.allCases.first(where: { $0.description == severity }) else {
                throw ImageScan.problem("\(path).severity", "is \"\(ImageScan.cut(severity, 60))\"")
            }
            worst.append(
                .init(
                    id: try text("id"), severity: known, package: try text("package"), version: try text("version"),
                    fixedVersion: try text("fixedVersion")))
        }
        return worst
    }
}
