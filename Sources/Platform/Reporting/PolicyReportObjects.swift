// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The two APIs that hold policy reports in a cluster; OpenReports is PolicyReport under new names.
package enum PolicyReportAPI: String, Sendable, CaseIterable {
    /// `wgpolicyk8s.io/v1alpha2`: PolicyReport, ClusterPolicyReport.
    case wgpolicy
    /// `openreports.io/v1alpha1`: Report, ClusterReport.
    case openreports

    package var apiVersion: String { self == .wgpolicy ? "wgpolicyk8s.io/v1alpha2" : "openreports.io/v1alpha1" }

    /// The kind of a namespace's report, or of the cluster's own.
    package func kind(cluster: Bool) -> String {
        switch self {
        case .wgpolicy: cluster ? "ClusterPolicyReport" : "PolicyReport"
        case .openreports: cluster ? "ClusterReport" : "Report"
        }
    }

    /// The API path of the collection; a namespace of "" is the cluster's.
    package func path(namespace: String) -> String {
        let scope = namespace.isEmpty ? "" : "namespaces/\(namespace)/"
        return "/apis/\(apiVersion)/\(scope)\(kind(cluster: namespace.isEmpty).lowercased())s"
    }
}

/// Gathers results into one report object a namespace, and one for what has no namespace. An object stays below the size
/// an API server accepts: of more results the least severe are left out, and the object says how many.
package struct PolicyReportObjects: Sendable {
    /// One object, ready to be written to the API server.
    package struct Object: Sendable {
        package var kind: String
        /// Empty for the cluster's own report.
        package var namespace: String
        package var name: String
        /// The whole object as JSON.
        package var json: [UInt8]
    }

    /// The name of every object.
    package static let name = "bulwark-inspection"
    package static let omittedAnnotation = "bulwark/omitted-results"

    private struct Group {
        /// Results and their sizes in bytes, worst first: problems by severity, then passes and skips.
        var ranks: [[(result: CheckResult, size: Int)]] = Array(repeating: [], count: Severity.allCases.count + 1)
        var size = 0
        var omitted = 0
        var counts: [Outcome: Int] = [:]
    }

    private let api: PolicyReportAPI
    private let time: Int64
    private let limit: Int
    private var groups: [String: Group] = [:]

    /// `limit` is the bytes of results an object may hold: etcd takes 1.5 MB, and clients copy the object into annotations.
    package init(api: PolicyReportAPI, time: Int64, limit: Int = 900_000) {
        self.api = api
        self.time = time
        self.limit = limit
    }

    package mutating func add(_ result: CheckResult) {
        var measure = TreeWriter(.json)
        write(result, to: &measure)
        let size = measure.output.count + 1
        let rank = result.outcome.isProblem ? Severity.critical.rawValue - result.check.severity.rawValue : 6
        let namespace = Self.namespace(of: result.subject)
        var group = groups.removeValue(forKey: namespace) ?? Group()
        group.counts[result.outcome, default: 0] += 1
        group.ranks[rank].append((result, size))
        group.size += size
        while group.size > limit, let last = group.ranks.lastIndex(where: { !$0.isEmpty }) {
            group.size -= group.ranks[last].removeLast().size
            group.omitted += 1
        }
        groups[namespace] = group
    }

    /// A finding of the ledger: a suppressed one counts as skipped, a resolved one is left out.
    package mutating func add(_ finding: Finding, check: Check) {
        guard finding.status != .resolved else { return }
        add(
            CheckResult(
                check: check, outcome: finding.status == .suppressed ? .skip : finding.outcome,
                subject: finding.subject,
                container: finding.container, message: finding.message, path: finding.path, value: finding.value,
                fingerprint: finding.fingerprint))
    }

    /// The cluster's report first, then the namespaces' by name; none for a namespace without results.
    package func objects() -> [Object] {
        groups.keys.sorted().map { namespace in
            var writer = TreeWriter(.json)
            write(namespace, to: &writer)
            return Object(
                kind: api.kind(cluster: namespace.isEmpty), namespace: namespace, name: Self.name,
                json: writer.output.bytes)
        }
    }

    /// All objects as one `List`, which `kubectl apply` takes.
    func writeList(to writer: inout TreeWriter) {
        writer.object { writer in
            writer.field("apiVersion", "v1")
            writer.field("kind", "List")
            writer.key("items")
            writer.array { writer in
                for namespace in groups.keys.sorted() { write(namespace, to: &writer) }
            }
        }
        writer.finish()
    }

    /// Where the report of a subject lives. An object that needs a namespace but names none lands in `default`.
    static func namespace(of subject: Subject) -> String {
        if !subject.namespace.isEmpty { return subject.namespace }
        return clusterKinds.contains(subject.kind) || subject.kind.hasPrefix("Cluster") ? "" : "default"
    }

    private static let clusterKinds: Set<String> = [
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "CustomResourceDefinition", "FlowSchema",
        "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy",
        "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment",
    ]

    // MARK: Writing

    private func write(_ namespace: String, to writer: inout TreeWriter) {
        guard let group = groups[namespace] else { return }
        writer.beginObject()
        writer.field("apiVersion", api.apiVersion)
        writer.field("kind", api.kind(cluster: namespace.isEmpty))
        writer.key("metadata")
        writer.object { writer in
            writer.field("name", Self.name)
            if !namespace.isEmpty { writer.field("namespace", namespace) }
            writer.key("labels")
            writer.object { $0.field("app.kubernetes.io/managed-by", "bulwark") }
            if group.omitted > 0 {
                writer.key("annotations")
                writer.object { writer in
                    writer.key(dynamic: Self.omittedAnnotation)
                    writer.string("\(group.omitted) less severe results are counted but not listed")
                }
            }
        }
        // v1alpha2 has the source on results only.
        if api == .openreports { writer.field("source", "bulwark") }
        writer.key("summary")
        writer.object { writer in
            for outcome in Outcome.allCases {
                writer.key(dynamic: outcome.rawValue)
                writer.integer(group.counts[outcome] ?? 0)
            }
        }
        writer.key("results")
        writer.beginArray()
        for rank in group.ranks {
            for entry in rank { write(entry.result, to: &writer) }
        }
        writer.endArray()
        writer.endObject()
    }

    private func write(_ result: CheckResult, to writer: inout TreeWriter) {
        writer.beginObject()
        writer.field("source", "bulwark")
        writer.field("policy", result.check.id)
        writer.field("rule", result.check.slug)
        if !result.check.area.isEmpty { writer.field("category", result.check.area) }
        switch result.check.severity {
        case .unknown: break
        case .informational: writer.field("severity", "info")
        default: writer.field("severity", result.check.severity.description)
        }
        writer.key("timestamp")
        writer.object { writer in
            writer.field("seconds", Int(time))
            writer.field("nanos", 0)
        }
        writer.field("result", result.outcome.rawValue)
        // The API's `warn` is a requirement that was not met and does not score.
        writer.field("scored", result.outcome != .warn)
        writer.key("resources")
        writer.array { writer in
            writer.object { writer in
                writer.field("apiVersion", result.subject.apiVersion)
                writer.field("kind", result.subject.kind)
                let namespace = Self.namespace(of: result.subject)
                if !namespace.isEmpty { writer.field("namespace", namespace) }
                writer.field("name", result.subject.name)
            }
        }
        writer.field("message", result.message.isEmpty ? result.check.title : result.message)
        writer.key("properties")
        writer.object { writer in
            writer.field("title", result.check.title)
            if !result.container.isEmpty { writer.field("container", result.container) }
            if !result.path.isEmpty { writer.field("path", result.path) }
            if !result.value.isEmpty { writer.field("value", result.value) }
            if let source = result.source {
                writer.field("source", source.line > 0 ? "\(source.file):\(source.line)" : source.file)
            }
            if let exemption = result.exemption {
                writer.field("exemption", "\(exemption.owner): \(exemption.reason)")
            }
            writer.field("fingerprint", result.fingerprint.description)
        }
        writer.endObject()
    }
}

/// `--output policyreport`: the objects as a YAML list.
struct PolicyReportEncoder: ReportEncoder {
    private var writer: TreeWriter
    private let api: PolicyReportAPI
    private var objects: PolicyReportObjects

    init(output: OutputBuffer, options: EncodingOptions) {
        writer = TreeWriter(.yaml, output: output)
        api = options.policyReportAPI
        objects = PolicyReportObjects(api: options.policyReportAPI, time: 0)
    }

    mutating func begin(_ context: ReportContext) {
        objects = PolicyReportObjects(api: api, time: context.time)
    }

    mutating func add(_ result: CheckResult) { objects.add(result) }

    mutating func finish(_ summary: Summary) {
        objects.writeList(to: &writer)
        writer.output.flush()
    }
}
