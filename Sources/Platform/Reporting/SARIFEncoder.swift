// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// SARIF 2.1.0 (OASIS standard): one run, the checks as rules, results streamed, the invocation last.
struct SARIFEncoder: ReportEncoder {
    /// An error outcome is also a notification of the tool; of a flood the first ones tell enough.
    private static let notificationLimit = 100

    private var writer: TreeWriter
    private let baseDirectory: String
    private var indices: [String: Int] = [:]
    private var time: Int64 = 0
    private var notifications: [(check: String, text: String)] = []
    private var errors = 0
    /// The place of the last file: results of a file come together.
    private var lastFile = ""
    private var lastPlace = (uri: "", isRelative: true)

    init(output: OutputBuffer, options: EncodingOptions) {
        writer = TreeWriter(.json, output: output)
        baseDirectory = SourcePath.directory(options.baseDirectory)
    }

    mutating func begin(_ context: ReportContext) {
        time = context.time
        writer.beginObject()
        writer.field(
            "$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json")
        writer.field("version", "2.1.0")
        writer.key("runs")
        writer.beginArray()
        writer.beginObject()
        writer.key("tool")
        writer.beginObject()
        writer.key("driver")
        writer.beginObject()
        writer.field("name", "bulwark")
        writer.field("version", context.toolVersion)
        if Self.isSemantic(context.toolVersion) { writer.field("semanticVersion", context.toolVersion) }
        writer.key("rules")
        writer.beginArray()
        for (index, check) in context.sortedChecks.enumerated() {
            indices[check.id] = index
            writer.breakLine()
            rule(check)
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        writer.key("automationDetails")
        writer.object { $0.field("id", context.cluster.isEmpty ? "inspect/" : "inspect/\(context.cluster)/") }
        if !baseDirectory.isEmpty {
            writer.key("originalUriBaseIds")
            writer.object { writer in
                writer.key("SRCROOT")
                writer.object { $0.field("uri", "file://" + SourcePath.encoded(baseDirectory)) }
            }
        }
        writer.field("columnKind", "utf16CodeUnits")
        writer.key("properties")
        writer.object { writer in
            writer.field("source", context.source)
            writer.field("cluster", context.cluster)
        }
        writer.breakLine()
        writer.key("results")
        writer.beginArray()
        writer.output.flush()
    }

    mutating func add(_ result: CheckResult) {
        writer.breakLine()
        writer.beginObject()
        writer.field("ruleId", result.check.id)
        if let index = indices[result.check.id] { writer.field("ruleIndex", index) }
        let kind = Self.kind(result)
        writer.field("kind", kind)
        writer.field("level", kind == "fail" ? Self.level(result) : "none")
        writer.key("message")
        let text = Self.message(result)
        writer.object { $0.field("text", text) }
        locations(result)
        writer.key("partialFingerprints")
        writer.object { writer in
            writer.key("bulwark/v1")
            writer.quoted { output in
                output.appendHex(result.fingerprint.high, digits: 16)
                output.appendHex(result.fingerprint.low, digits: 16)
            }
        }
        if result.outcome == .skip, let exemption = result.exemption { suppression(exemption) }
        writer.key("properties")
        writer.object { writer in
            writer.field("outcome", result.outcome.rawValue)
            writer.field("severity", result.check.severity.description)
            writer.field("container", result.container)
            writer.field("path", result.path)
            writer.field("value", result.value)
            writer.key("subject")
            writer.subject(result.subject)
        }
        writer.endObject()
        if result.outcome == .error {
            errors += 1
            if notifications.count < Self.notificationLimit {
                notifications.append((result.check.id, "\(result.subject.display): \(text)"))
            }
        }
    }

    mutating func finish(_ summary: Summary) {
        writer.endArray()
        writer.breakLine()
        writer.key("invocations")
        writer.beginArray()
        writer.beginObject()
        // An outcome `error` means that a question stayed open: the run cannot be called a success.
        writer.field("executionSuccessful", errors == 0)
        writer.field("startTimeUtc", Timestamp.iso8601(time))
        if !notifications.isEmpty {
            writer.key("toolExecutionNotifications")
            writer.beginArray()
            for notification in notifications {
                writer.object { writer in
                    writer.field("level", "error")
                    writer.key("message")
                    writer.object { $0.field("text", notification.text) }
                    writer.key("associatedRule")
                    writer.object { $0.field("id", notification.check) }
                }
            }
            writer.endArray()
        }
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.finish()
        writer.output.flush()
    }

    // MARK: Rules

    private mutating func rule(_ check: Check) {
        writer.beginObject()
        writer.field("id", check.id)
        writer.field("name", Self.pascal(check.slug))
        text("shortDescription", check.title)
        text("fullDescription", check.why.isEmpty ? check.title : check.why)
        writer.key("help")
        let help = Self.help(check)
        writer.object { writer in
            writer.field("text", help.text)
            writer.field("markdown", help.markdown)
        }
        if let page = check.references.first { writer.field("helpUri", page) }
        writer.key("defaultConfiguration")
        writer.object { $0.field("level", Self.level(check.severity)) }
        writer.key("properties")
        writer.object { writer in
            writer.field("security-severity", Self.securitySeverity(check.severity))
            writer.field("precision", "high")
            writer.field("tags", Self.tags(check))
            writer.field("slug", check.slug)
            writer.key("aliases")
            writer.object { for alias in check.aliases { $0.key(dynamic: alias.tool); $0.strings(alias.ids) } }
        }
        writer.endObject()
    }

    private mutating func text(_ key: StaticString, _ text: String) {
        writer.key(key)
        writer.object { $0.field("text", text) }
    }

    private static func help(_ check: Check) -> (text: String, markdown: String) {
        var text = check.why
        var markdown = Markdown.escaped(check.why)
        if !check.remediation.isEmpty {
            text += "\n\nHow to fix: \(check.remediation)"
            markdown += "\n\n**How to fix:** \(Markdown.escaped(check.remediation))"
        }
        if !check.references.isEmpty {
            text += "\n\nSee " + check.references.joined(separator: ", ")
            markdown += "\n\n" + check.references.map { "- <\($0)>" }.joined(separator: "\n")
        }
        return (text, markdown)
    }

    static func tags(_ check: Check) -> [String] {
        ["security", "kubernetes", check.area]
            + check.controls.flatMap { control in control.ids.map { "\(control.benchmark):\($0)" } }
    }

    /// The score GitHub and others sort by, in the middle of CVSS's band for the severity.
    static func securitySeverity(_ severity: Severity) -> String {
        switch severity {
        case .critical: "9.5"
        case .high: "8.0"
        case .medium: "5.5"
        case .low: "2.5"
        case .informational, .unknown: "0.0"
        }
    }

    static func level(_ severity: Severity) -> String {
        switch severity {
        case .critical, .high: "error"
        case .medium: "warning"
        case .low, .informational, .unknown: "note"
        }
    }

    private static func level(_ result: CheckResult) -> String {
        let level = level(result.check.severity)
        return result.outcome == .warn && level == "error" ? "warning" : level
    }

    /// The message with its evidence: many viewers show nothing else.
    private static func message(_ result: CheckResult) -> String {
        let text = result.message.isEmpty ? result.check.title : result.message
        if result.path.isEmpty { return text }
        return result.value.isEmpty ? "\(text) (\(result.path))" : "\(text) (\(result.path) = \(result.value))"
    }

    /// SARIF's word for an outcome (section 3.27.9): `open` is a question without an answer.
    private static func kind(_ result: CheckResult) -> String {
        switch result.outcome {
        case .fail, .warn: "fail"
        case .pass: "pass"
        case .error: "open"
        case .skip: result.exemption == nil ? "notApplicable" : "fail"
        }
    }

    private static func pascal(_ slug: String) -> String {
        slug.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    private static func isSemantic(_ version: String) -> Bool {
        let numbers = version.prefix { $0 != "-" && $0 != "+" }.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 3 && numbers.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    // MARK: Results

    private mutating func locations(_ result: CheckResult) {
        writer.key("locations")
        writer.beginArray()
        writer.beginObject()
        if let source = result.source, source.file != "-" {
            if source.file != lastFile {
                (lastFile, lastPlace) = (source.file, SourcePath.uri(source.file, base: baseDirectory))
            }
            let place = lastPlace
            let hasBase = !baseDirectory.isEmpty
            writer.key("physicalLocation")
            writer.object { writer in
                writer.key("artifactLocation")
                writer.object { writer in
                    writer.field("uri", place.uri)
                    if place.isRelative, hasBase { writer.field("uriBaseId", "SRCROOT") }
                }
                if source.line > 0 {
                    writer.key("region")
                    writer.object { $0.field("startLine", source.line) }
                }
            }
        }
        writer.key("logicalLocations")
        writer.beginArray()
        writer.beginObject()
        writer.field("name", result.subject.name)
        writer.field("fullyQualifiedName", Self.qualifiedName(result))
        writer.field("kind", "resource")
        writer.endObject()
        writer.endArray()
        writer.endObject()
        writer.endArray()
    }

    /// `cluster/group/Kind/namespace/name/container`, without the parts that are empty.
    static func qualifiedName(_ result: CheckResult) -> String {
        let subject = result.subject
        var name = ""
        for part in [subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name] {
            if !part.isEmpty { name += name.isEmpty ? part : "/" + part }
        }
        return result.container.isEmpty ? name : "\(name)/\(result.container)"
    }

    private mutating func suppression(_ exemption: Exemption) {
        writer.key("suppressions")
        writer.array { writer in
            writer.object { writer in
                writer.field("kind", "external")
                writer.field("status", "accepted")
                var reason = exemption.reason
                if !exemption.owner.isEmpty { reason += " (\(exemption.owner))" }
                if let expiry = exemption.expiry { reason += ", until \(Timestamp.iso8601(expiry))" }
                writer.field("justification", reason)
            }
        }
    }
}
