// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Findings
import Reporting

/// `bulwark advisories show`
struct AdvisoriesShow: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what the advisories say of a vulnerability.",
        discussion: "Exit status: 0 done, 2 there are no advisories, or none of that name.")

    @OptionGroup var place: AdvisoriesOptions

    @Argument(help: "A CVE, or the id of a record, such as GHSA-… or DSA-….")
    var id: String

    @Option(name: .shortAndLong, help: "text or json.")
    var output = Format.text

    func run() throws {
        let found: [StoredAdvisory]
        do throws(AdvisoryError) {
            found = try AdvisoryDatabase(path: place.folder).records(named: id)
        } catch { throw UserError("\(error)", error.status) }
        guard !found.isEmpty else { throw UserError("no advisory is called \(id)") }
        if output == .json { json(found) } else { text(found) }
    }

    private func text(_ found: [StoredAdvisory]) {
        for (at, advisory) in found.enumerated() {
            var lines = [at == 0 ? advisory.id : "\n\(advisory.id)"]
            if !advisory.summary.isEmpty { lines.append(advisory.summary) }
            if !advisory.aliases.isEmpty { lines.append("Also      " + advisory.aliases.joined(separator: " ")) }
            if !advisory.related.isEmpty { lines.append("Related   " + advisory.related.joined(separator: " ")) }
            let severity = advisory.severity
            if !severity.source.isEmpty {
                lines.append(
                    "Severity  \(severity.severity) (\(severity.source))"
                        + (severity.score.map { ", score \($0)" } ?? ""))
            }
            for vector in severity.vectors { lines.append("          " + vector) }
            if advisory.published > 0 { lines.append("Published " + Timestamp.iso8601(advisory.published)) }
            if advisory.modified > 0 { lines.append("Changed   " + Timestamp.iso8601(advisory.modified)) }
            for package in advisory.affected.prefix(50) {
                let listed =
                    package.ranges.isEmpty ? package.versions.prefix(20).joined(separator: " ") : package.ranges
                lines.append(
                    "Affects   \(package.ecosystem) \(package.name) \(listed)"
                        + (package.willNotBeFixed ? " (will not be fixed)" : ""))
            }
            if advisory.affected.count > 50 { lines.append("          and \(advisory.affected.count - 50) more") }
            for reference in advisory.references { lines.append("See       " + reference) }
            for line in lines {
                Terminal.say(
                    line.hasPrefix("\n") ? "\n" + DisplayText.safe(String(line.dropFirst())) : DisplayText.safe(line))
            }
            if !advisory.details.isEmpty {
                Terminal.say("")
                for line in advisory.details.split(separator: "\n", omittingEmptySubsequences: false) {
                    Terminal.say(DisplayText.safe(String(line)))
                }
            }
        }
    }

    private func json(_ found: [StoredAdvisory]) {
        var tree = TreeWriter(.json, output: OutputBuffer(sink: Terminal.write))
        tree.object { tree in
            tree.field("schemaVersion", "1")
            tree.key("advisories")
            tree.array { tree in
                for advisory in found {
                    tree.breakLine()
                    tree.object { Self.write(advisory, &$0) }
                }
            }
        }
        tree.finish()
        tree.output.flush()
    }

    private static func write(_ advisory: StoredAdvisory, _ tree: inout TreeWriter) {
        tree.field("id", advisory.id)
        tree.field("aliases", advisory.aliases)
        tree.field("related", advisory.related)
        tree.field("summary", advisory.summary)
        tree.field("details", advisory.details)
        tree.field("severity", advisory.severity.severity.description)
        tree.field("severitySource", advisory.severity.source)
        tree.field("score", advisory.severity.score.map { "\($0)" } ?? "")
        tree.field("vectors", advisory.severity.vectors)
        tree.field("published", advisory.published > 0 ? Timestamp.iso8601(advisory.published) : "")
        tree.field("modified", advisory.modified > 0 ? Timestamp.iso8601(advisory.modified) : "")
        tree.field("references", advisory.references)
        tree.key("affected")
        tree.array { tree in
            for package in advisory.affected {
                tree.object {
                    $0.field("ecosystem", package.ecosystem)
                    $0.field("package", package.name)
                    $0.field("ranges", package.ranges)
                    $0.field("versions", package.versions)
                    $0.field("willNotBeFixed", package.willNotBeFixed)
                }
            }
        }
    }
}
