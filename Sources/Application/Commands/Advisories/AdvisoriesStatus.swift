// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Foundation
import Reporting

/// `bulwark advisories status`
struct AdvisoriesStatus: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show how many advisories there are, and how old they are.",
        discussion: "Exit status: 0 done, old advisories included, 2 there are none, or a file is damaged.")

    @OptionGroup var place: AdvisoriesOptions

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    @Flag(name: .long, help: "Read every byte and hold it against the stored digests.")
    var verify = false

    func run() throws {
        let status = AdvisoryStatus(path: place.folder, verifying: verify)
        guard !status.ecosystems.isEmpty else {
            throw UserError("\(place.folder) holds no advisories; run bulwark advisories update or import")
        }
        let now = Int64(Date().timeIntervalSince1970)
        if output == .json { json(status, now) } else { table(status, now) }
        for entry in status.ecosystems where !entry.problem.isEmpty { Terminal.error(entry.problem) }
        if now - status.oldest > AdvisoryStatus.oldAge, status.oldest > 0 {
            Terminal.note(
                "some advisories are older than \(AdvisoryStatus.oldAge / 86_400) days; run bulwark advisories update")
        }
        if status.ecosystems.contains(where: { !$0.problem.isEmpty }) { throw ExitStatus.unreadable }
    }

    private func table(_ status: AdvisoryStatus, _ now: Int64) {
        var table = TextTable([
            .init("ECOSYSTEM"), .init("ADVISORIES", right: true), .init("PACKAGES", right: true),
            .init("WITHDRAWN", right: true, optional: true), .init("UNREADABLE", right: true),
            .init("NEWEST", optional: true),
            .init("CHECKED"), .init("SOURCE", least: 10, optional: true),
        ])
        for entry in status.ecosystems {
            if entry.problem.isEmpty {
                table.add([
                    entry.name, "\(entry.records)", "\(entry.packages)", "\(entry.withdrawn)", "\(entry.refused)",
                    entry.newest > 0 ? String(Timestamp.iso8601(entry.newest).prefix(10)) : "",
                    Self.age(now - entry.checked),
                    entry.source,
                ])
            } else {
                table.add([entry.name, "damaged"])
            }
        }
        var text = OutputBuffer(sink: Terminal.write)
        table.write(to: &text, width: Terminal.width, colour: Terminal.usesColour)
        if status.scores > 0 {
            text.append(
                "scores of \(status.scores) vulnerabilities, imported \(Self.age(now - status.scoresImported))\n")
        }
        text.flush()
    }

    private func json(_ status: AdvisoryStatus, _ now: Int64) {
        var tree = TreeWriter(.json, output: OutputBuffer(sink: Terminal.write))
        tree.object { tree in
            tree.field("schemaVersion", "1")
            tree.field("database", place.folder)
            tree.field("scores", status.scores)
            tree.key("ecosystems")
            tree.array { tree in
                for entry in status.ecosystems {
                    tree.breakLine()
                    tree.object {
                        $0.field("name", entry.name)
                        $0.field("advisories", entry.records)
                        $0.field("packages", entry.packages)
                        $0.field("withdrawn", entry.withdrawn)
                        $0.field("unreadable", entry.refused)
                        $0.field("newest", entry.newest > 0 ? Timestamp.iso8601(entry.newest) : "")
                        $0.field("imported", entry.imported > 0 ? Timestamp.iso8601(entry.imported) : "")
                        $0.field("checked", entry.checked > 0 ? Timestamp.iso8601(entry.checked) : "")
                        $0.field("ageSeconds", Int(max(now - entry.checked, 0)))
                        $0.field("bytes", Int(entry.bytes))
                        $0.field("source", entry.source)
                        $0.field("problem", entry.problem)
                    }
                }
            }
        }
        tree.finish()
        tree.output.flush()
    }

    static func age(_ seconds: Int64) -> String {
        switch max(seconds, 0) {
        case ..<3600: "\(max(seconds, 0) / 60) min ago"
        case ..<172_800: "\(seconds / 3600) h ago"
        default: "\(seconds / 86_400) days ago"
        }
    }
}
