// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import Reporting
import Secrets

/// The report as data: `docs/schemas/image-v1.schema.json`.
extension ImageReport {
    package static let schemaVersion = "1"

    /// - Parameter withPackages: all packages, not only those with vulnerabilities.
    package func write(to writer: inout TreeWriter, time: Int64, toolVersion: String, withPackages: Bool) {
        writer.beginObject()
        writer.field("schemaVersion", Self.schemaVersion)
        writer.key("tool")
        writer.object {
            $0.field("name", "bulwark")
            $0.field("version", toolVersion)
        }
        writer.time("time", time)
        writer.key("image")
        writer.object { image(&$0) }
        writer.key("summary")
        writer.object { summary(&$0) }
        Self.list("layers", Array(inventory.layers.enumerated()), &writer) { Self.layer($0.element, $0.offset, &$1) }
        if withPackages { Self.list("packages", inventory.packages, &writer, Self.package) }
        Self.list("vulnerabilities", vulnerabilities, &writer) { $0.write(to: &$1) }
        Self.list("secrets", inventory.secrets, &writer, Self.secret)
        Self.list("malware", inventory.malware, &writer, Self.malware)
        Self.list("misconfigurations", inventory.misconfigurations, &writer, Self.misconfiguration)
        Self.list("problems", inventory.problems.list, &writer) { problem, writer in
            writer.field("path", problem.path)
            writer.key("layer")
            if let layer = problem.layer { writer.integer(layer) } else { writer.null() }
            writer.field("message", problem.message)
        }
        writer.endObject()
        writer.finish()
    }

    /// An array of objects, a line each.
    private static func list<Element>(
        _ key: StaticString, _ elements: [Element], _ writer: inout TreeWriter,
        _ body: (Element, inout TreeWriter) -> Void
    ) {
        writer.breakLine()
        writer.key(key)
        writer.array { writer in
            for element in elements {
                writer.breakLine()
                writer.object { body(element, &$0) }
            }
        }
    }

    private func image(_ writer: inout TreeWriter) {
        writer.field("name", name)
        writer.field("reference", reference)
        writer.field("digest", digest)
        writer.field("id", imageID)
        writer.field("platform", platform)
        writer.field("created", created)
        writer.key("distribution")
        guard let distribution = inventory.distribution else { return writer.null() }
        writer.object {
            $0.field("id", distribution.id)
            $0.field("version", distribution.versionID)
            $0.field("name", distribution.name)
            $0.field("ecosystem", distribution.ecosystem ?? "")
        }
    }

    private func summary(_ writer: inout TreeWriter) {
        writer.field("packages", inventory.packages.count)
        writer.field("complete", !isIncomplete)
        writer.field("problems", inventory.problems.count)
        writer.key("vulnerabilities")
        writer.object {
            for severity in Severity.allCases.reversed() {
                $0.key(dynamic: severity.description)
                $0.integer(count(severity))
            }
        }
        writer.field("fixable", counted.reduce(0) { $0 + ($1.fixedVersions.isEmpty ? 0 : 1) })
        writer.field("excepted", vulnerabilities.reduce(0) { $0 + ($1.exception == nil ? 0 : 1) })
        writer.field("errors", vulnerabilities.reduce(0) { $0 + ($1.status == .error ? 1 : 0) })
        writer.field("secrets", inventory.secrets.count)
        writer.field("malware", inventory.malware.count)
        writer.field("misconfigurations", inventory.misconfigurations.count)
        writer.key("notJudged")
        writer.object { writer in
            for item in unjudged {
                writer.key(dynamic: item.kind.rawValue)
                writer.integer(item.count)
            }
        }
        writer.key("advisories")
        guard let advisories else { return writer.null() }
        writer.object {
            $0.time("updated", advisories.updated)
            $0.field("records", advisories.records)
        }
    }

    private static func place(_ layer: Int?, _ fate: Shadow.Fate, _ writer: inout TreeWriter) {
        writer.key("layer")
        if let layer { writer.integer(layer) } else { writer.null() }
        writer.field("state", fate == .visible ? "present" : fate == .deleted ? "deleted" : "replaced")
    }

    private static func secret(_ finding: FileFinding<SecretMatch>, _ writer: inout TreeWriter) {
        let match = finding.match
        writer.field("rule", match.rule)
        writer.field("title", match.title)
        writer.field("severity", match.severity.description)
        writer.field("path", match.path)
        writer.field("line", match.line)
        writer.field("column", match.column)
        writer.field("excerpt", match.excerpt)
        writer.field("more", match.unlisted)
        place(finding.layer, finding.fate, &writer)
    }

    private static func misconfiguration(
        _ finding: FileFinding<ImageCheckResult>, _ writer: inout TreeWriter
    ) {
        let match = finding.match
        writer.field("check", match.check.id)
        writer.field("title", match.check.title)
        writer.field("severity", match.check.severity.description)
        writer.field("outcome", match.outcome.rawValue)
        writer.field("message", match.message)
        writer.field("path", match.path)
        writer.field("value", match.value)
        writer.field("remediation", match.check.remediation)
        place(finding.layer, finding.fate, &writer)
    }

    private static func malware(_ finding: FileFinding<MalwareMatch>, _ writer: inout TreeWriter) {
        let match = finding.match
        writer.field("rule", match.rule)
        writer.field("source", match.source.rawValue)
        writer.field("namespace", match.namespace)
        writer.field("title", match.title)
        writer.field("severity", match.severity.description)
        writer.field("description", match.description)
        writer.field("path", match.path)
        writer.key("evidence")
        writer.array { writer in
            for item in match.evidence {
                writer.object {
                    $0.field("string", item.identifier)
                    $0.field("offset", Int(clamping: item.offset))
                    $0.field("excerpt", item.excerpt)
                }
            }
        }
        place(finding.layer, finding.fate, &writer)
    }

    private static func layer(_ layer: ImageInventory.LayerSummary, _ index: Int, _ writer: inout TreeWriter) {
        writer.field("index", index)
        writer.field("digest", layer.digest)
        writer.field("diffID", layer.diffID)
        writer.field("createdBy", layer.createdBy)
        writer.field("files", layer.files)
        writer.field("bytes", Int(layer.bytes))
        writer.field("packages", layer.packages)
    }

    static func package(_ package: FoundPackage, _ writer: inout TreeWriter) {
        writer.field("kind", package.kind.rawValue)
        writer.field("name", package.name)
        writer.field("version", package.version)
        writer.field("architecture", package.architecture)
        writer.field("source", package.source)
        writer.field("sourceVersion", package.sourceVersion)
        writer.field("path", package.path)
        writer.field("innerPath", package.innerPath)
        writer.field("owner", package.owner)
        writer.key("layer")
        if let layer = package.layer { writer.integer(layer) } else { writer.null() }
        writer.field("licenses", package.licenses)
    }
}

extension ImageVulnerability {
    func write(to writer: inout TreeWriter) {
        writer.field("id", id)
        writer.field("advisory", advisory)
        writer.field("aliases", aliases)
        writer.field("ecosystem", ecosystem)
        writer.field("status", status.rawValue)
        writer.field("severity", severity.description)
        writer.field("severitySource", severitySource)
        writer.key("score")
        Self.number(score, &writer)
        writer.field("vector", vector)
        writer.key("exploitProbability")
        Self.number(exploitProbability, &writer)
        writer.field("knownExploited", isKnownExploited)
        writer.key("package")
        writer.object { ImageReport.package(package, &$0) }
        writer.field("fixedVersions", fixedVersions)
        writer.field("title", title)
        writer.field("details", details)
        writer.field("remedy", remedy)
        writer.field("references", references)
        writer.time("published", published == 0 ? nil : published)
        writer.time("modified", modified == 0 ? nil : modified)
        if let exception {
            writer.key("exception")
            writer.object {
                $0.field("source", exception.source)
                $0.field("reason", exception.reason)
            }
        }
        if !message.isEmpty { writer.field("message", message) }
    }

    private static func number(_ value: Double?, _ writer: inout TreeWriter) {
        guard let value, value.isFinite else { return writer.null() }
        writer.number(value)
    }
}

extension ImageComparison {
    /// `{schemaVersion, added[], solved[], kept[], packages[{kind, name, before[], after[]}]}`
    package func write(to writer: inout TreeWriter) {
        writer.beginObject()
        writer.field("schemaVersion", ImageReport.schemaVersion)
        for (name, list) in [("added", added), ("solved", solved), ("kept", kept)] {
            writer.breakLine()
            writer.key(dynamic: name)
            writer.array { writer in
                for item in list {
                    writer.breakLine()
                    writer.object { item.write(to: &$0) }
                }
            }
        }
        writer.breakLine()
        writer.key("packages")
        writer.array { writer in
            for change in packages {
                writer.breakLine()
                writer.object {
                    $0.field("kind", change.kind.rawValue)
                    $0.field("name", change.name)
                    $0.field("before", change.before)
                    $0.field("after", change.after)
                }
            }
        }
        writer.endObject()
        writer.finish()
    }
}
