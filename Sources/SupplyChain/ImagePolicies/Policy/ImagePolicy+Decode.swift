// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Kubernetes

extension ImagePolicy {
    private static let specFields: Set<String> = [
        "mode", "enabled", "namespaces", "images", "rules", "whenMissing", "waitSeconds", "whenIncomplete",
        "exemptions",
    ]

    /// Reads an ImagePolicy object.
    /// - Throws: `policy` with the first field that is not what it should be; unknown fields too.
    package init(_ node: Node) throws(ImagePolicyError) {
        let object = try PolicyFields(node, path: "", known: ["apiVersion", "kind", "metadata", "spec", "status"])
        // Lists leave both out of their items.
        let resource = ImagePolicyResources.policies
        if let version = try object.string("apiVersion"), version != resource.apiVersion {
            throw object.problem("apiVersion", "is \(ImageScan.cut(version, 60)), must be \(resource.apiVersion)")
        }
        if let kind = try object.string("kind"), kind != resource.kind {
            throw object.problem("kind", "is \(ImageScan.cut(kind, 60)), must be \(resource.kind)")
        }
        guard let metadata = object.member("metadata"), let name = metadata["name"]?.string, !name.isEmpty else {
            throw object.problem("metadata.name", "is required")
        }
        guard let member = object.member("spec") else { throw object.problem("spec", "is required") }
        self.init(name: name)
        generation = metadata["generation"]?.int ?? 1
        let spec = try PolicyFields(member, path: "spec", known: Self.specFields)
        mode = try spec.choice("mode", default: .enforce)
        isEnabled = try spec.bool("enabled") ?? true
        if let selection = spec.member("namespaces") {
            namespaces = try NamespaceSelection(selection, path: "spec.namespaces")
        }
        images = try spec.patterns("images")
        if spec.member("images") != nil, images.isEmpty {
            throw spec.problem("images", "must not be empty; leave it out for every image")
        }
        guard let rules = spec.member("rules") else { throw spec.problem("rules", "is required; {} asks for a scan") }
        self.rules = try Rules(rules)
        whenMissing = try spec.choice("whenMissing", default: .deny)
        waitSeconds = try spec.whole("waitSeconds", in: 1...Self.maxWaitSeconds) ?? 8
        if spec.member("waitSeconds") != nil, whenMissing != .wait {
            throw spec.problem("waitSeconds", "goes with whenMissing: wait")
        }
        whenIncomplete = try spec.choice("whenIncomplete", default: .deny)
        let asksElse = self.rules.requireDigest || self.rules.registries != nil
        needsScan =
            self.rules.asksScan || spec.member("whenMissing") != nil || spec.member("whenIncomplete") != nil
            || !asksElse
        for fields in try spec.objects(
            "exemptions", known: ["users", "namespaces", "images", "owner", "reason", "expires"])
        { exemptions.append(try ImageExemption(fields)) }
    }

    static let maxWaitSeconds = 28

    /// What can be known of a policy that cannot be read: its mode, whether it is switched on and where it counts, as far
    /// as these can be read. It counts for every image, and none can be judged by it.
    package init(unreadable node: Node, name: String, problem: String) {
        self.init(name: name)
        self.problem = problem
        generation = node["metadata"]?["generation"]?.int ?? 1
        guard let spec = node["spec"] else { return }
        mode = spec["mode"]?.string.flatMap { Mode(rawValue: $0) } ?? .enforce
        isEnabled = spec["enabled"]?.bool ?? true
        guard let selection = spec["namespaces"], !selection.isNull else { return }
        do throws(ImagePolicyError) {
            namespaces = try NamespaceSelection(selection, path: "spec.namespaces")
        } catch { namespaces = nil }
    }
}

extension ImagePolicy.Rules {
    init(_ node: Node) throws(ImagePolicyError) {
        self.init()
        let fields = try PolicyFields(
            node, path: "spec.rules",
            known: [
                "vulnerabilities", "malware", "secrets", "maxScanAge", "maxAdvisoryAge", "requireDigest", "registries",
            ])
        for rule in try fields.objects("vulnerabilities", known: ["severity", "onlyFixable", "maxCount"]) {
            let name = try rule.text("severity")
            guard let severity = Severity.allCases.first(where: { $0.description == name }) else {
                let all = Severity.allCases.reversed().map(\.description).joined(separator: ", ")
                throw rule.problem("severity", "is \"\(ImageScan.cut(name, 60))\", must be one of \(all)")
            }
            vulnerabilities.append(
                .init(
                    severity: severity, onlyFixable: try rule.bool("onlyFixable") ?? false,
                    maxCount: try rule.whole("maxCount", in: 0...1_000_000) ?? 0))
        }
        malware = try fields.bool("malware") ?? false
        secrets = try fields.bool("secrets") ?? false
        maxScanAge = try fields.span("maxScanAge")
        maxAdvisoryAge = try fields.span("maxAdvisoryAge")
        requireDigest = try fields.bool("requireDigest") ?? false
        if fields.member("registries") != nil { registries = try fields.patterns("registries") }
    }
}

extension ImageExemption {
    init(_ fields: PolicyFields) throws(ImagePolicyError) {
        self.init(owner: try fields.text("owner"), reason: try fields.text("reason"))
        users = try fields.names("users")
        namespaces = try fields.names("namespaces")
        images = try fields.patterns("images")
        if let text = try fields.string("expires") {
            guard let seconds = RFC3339.seconds(text) else {
                throw fields.problem(
                    "expires", "is \"\(ImageScan.cut(text, 60))\", must be a time such as 2027-01-31T00:00:00Z")
            }
            expiry = seconds
        }
        // Without any of them it would exempt everything: that is what `enabled: false` says plainly.
        guard !(users.isEmpty && namespaces.isEmpty && images.isEmpty) else {
            throw ImagePolicyError(.policy, "\(fields.path) must name users, namespaces or images")
        }
    }
}

extension NamespaceSelection {
    init(_ node: Node, path: String) throws(ImagePolicyError) {
        let fields = try PolicyFields(node, path: path, known: ["names", "selector"])
        var requirements: [Requirement]?
        if let given = fields.member("selector") {
            let parts = try PolicyFields(given, path: "\(path).selector", known: ["matchLabels", "matchExpressions"])
            var found: [Requirement] = []
            if let labels = parts.member("matchLabels") {
                guard labels.isObject, labels.count <= PolicyFields.maxElements else {
                    throw parts.problem("matchLabels", "must be an object of few labels")
                }
                for (key, value) in labels.members {
                    guard let text = value.string else {
                        throw parts.problem("matchLabels.\(ImageScan.cut(key.string, 60))", "must be a string")
                    }
                    found.append(Requirement(key: key.string, operator: .isIn, values: [text]))
                }
            }
            for expression in try parts.objects("matchExpressions", known: ["key", "operator", "values"]) {
                found.append(try Requirement(expression))
            }
            requirements = found
        }
        self.init(names: try fields.names("names"), selector: requirements)
        guard !names.isEmpty || selector != nil else {
            throw ImagePolicyError(
                .policy, "\(path) must hold names or a selector; leave it out for every namespace")
        }
    }
}

extension NamespaceSelection.Requirement {
    init(_ fields: PolicyFields) throws(ImagePolicyError) {
        let name = try fields.text("operator")
        guard let known = Operator(rawValue: name) else {
            throw fields.problem(
                "operator", "is \"\(ImageScan.cut(name, 60))\", must be In, NotIn, Exists or DoesNotExist")
        }
        var values: [String] = []
        for (index, element) in try fields.elements("values").enumerated() {
            guard let text = element.string else {
                throw PolicyFields.mismatch("\(fields.path(of: "values"))[\(index)]", "a string", element)
            }
            values.append(text)
        }
        self.init(key: try fields.text("key"), operator: known, values: values)
        guard values.isEmpty != (known == .isIn || known == .notIn) else {
            throw fields.problem("values", "must \(values.isEmpty ? "not " : "")be empty for \(known.rawValue)")
        }
    }
}
