// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import Reporting
import Secrets

/// The report for people at a terminal: what the image is, its vulnerabilities worst first, what could not be read, and
/// one line that sums it up.
package struct ImageTable {
    private let width: Int
    private let style: TerminalStyle
    /// Excepted vulnerabilities too.
    private let showAll: Bool

    package init(width: Int, colour: Bool, showAll: Bool) {
        self.width = min(max(width, 40), 200)
        style = TerminalStyle(isOn: colour)
        self.showAll = showAll
    }

    package func write(_ report: ImageReport, to output: inout OutputBuffer) {
        writeHead(report, to: &output)
        let shown = report.vulnerabilities.filter { showAll || $0.exception == nil }
        if !shown.isEmpty {
            output.append("\n")
            writeVulnerabilities(shown, to: &output)
        }
        writeFiles(report.inventory, to: &output)
        writeMisconfigurations(report.inventory, to: &output)
        writeProblems(report, to: &output)
        writeUnjudged(report, to: &output)
        output.append("\n")
        output.append(summary(report))
        output.append("\n")
    }

    private func writeHead(_ report: ImageReport, to output: inout OutputBuffer) {
        let name = report.reference.isEmpty ? report.name : report.reference
        output.append(style.apply(.bold, DisplayText.cut(DisplayText.safe(name), to: width)))
        output.append("\n")
        var facts: [String] = []
        if let distribution = report.inventory.distribution {
            let name = distribution.prettyName.isEmpty ? distribution.name : distribution.prettyName
            facts.append(name.isEmpty ? "\(distribution.id) \(distribution.versionID)" : name)
        }
        if !report.platform.isEmpty { facts.append(report.platform) }
        if !report.inventory.layers.isEmpty { facts.append("\(report.inventory.layers.count) layers") }
        facts.append("\(report.inventory.packages.count) packages")
        for line in DisplayText.wrap(DisplayText.safe(facts.joined(separator: ", ")), to: width - 2) {
            output.append("  " + style.apply(.faint, line) + "\n")
        }
        let digest = report.digest.isEmpty ? report.imageID : report.digest
        if !digest.isEmpty { output.append("  " + style.apply(.faint, DisplayText.cut(digest, to: width - 2)) + "\n") }
    }

    private func writeVulnerabilities(_ list: [ImageVulnerability], to output: inout OutputBuffer) {
        var table = TextTable([
            .init("SEVERITY"), .init("ID", least: 14), .init("PACKAGE", least: 12), .init("INSTALLED", least: 8),
            .init("FIXED", least: 8), .init("LAYER", right: true, optional: true),
            .init("WHERE", least: 12, optional: true),
        ])
        for item in list {
            let package = item.package
            let place = package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)"
            let fixed =
                item.exception != nil
                ? "excepted" : item.status == .error ? "error" : item.fixedVersions.first ?? item.status.rawValue
            table.add([
                .init(item.severity.description, ink: Self.ink(item.severity)), .init(item.id, ink: .bold),
                .init(package.name), .init(package.version), .init(fixed),
                .init(package.layer.map(String.init) ?? ""), .init(place, ink: .faint),
            ])
        }
        table.write(to: &output, width: width, colour: style.isOn)
    }

    private func writeFiles(_ inventory: ImageInventory, to output: inout OutputBuffer) {
        struct Row {
            let severity: Severity
            let rule: String
            let place: String
            let text: String
        }
        func table(_ title: String, _ rows: [Row]) {
            if rows.isEmpty { return }
            output.append("\n" + style.apply(.bold, title) + "\n")
            var table = TextTable([
                .init("SEVERITY"), .init("RULE", least: 12), .init("WHERE", least: 16),
                .init("WHAT", least: 12, optional: true),
            ])
            for row in rows {
                table.add([
                    .init(row.severity.description, ink: Self.ink(row.severity)), .init(row.rule, ink: .bold),
                    .init(row.place), .init(row.text, ink: .faint),
                ])
            }
            table.write(to: &output, width: width, colour: style.isOn)
        }
        func place(_ text: String, _ fate: String) -> String { fate.isEmpty ? text : "\(text) (\(fate))" }
        table(
            "Malicious files",
            inventory.malware.map {
                Row(
                    severity: $0.match.severity, rule: $0.match.rule, place: place($0.match.path, $0.fateText),
                    text: $0.match.title)
            })
        table(
            "Secrets",
            inventory.secrets.map {
                let more = $0.match.unlisted > 0 ? " and \($0.match.unlisted) more" : ""
                return Row(
                    severity: $0.match.severity, rule: $0.match.rule,
                    place: place("\($0.match.path):\($0.match.line)", $0.fateText), text: $0.match.excerpt + more)
            })
    }

    private func writeMisconfigurations(_ inventory: ImageInventory, to output: inout OutputBuffer) {
        if inventory.misconfigurations.isEmpty { return }
        output.append("\n" + style.apply(.bold, "Configuration") + "\n")
        var table = TextTable([
            .init("SEVERITY"), .init("CHECK"), .init("WHERE", least: 12), .init("WHAT", least: 20),
        ])
        for finding in inventory.misconfigurations {
            let match = finding.match
            table.add([
                .init(match.check.severity.description, ink: Self.ink(match.check.severity)),
                .init(match.check.id, ink: .bold), .init(match.path), .init("\(match.check.title): \(match.message)"),
            ])
        }
        table.write(to: &output, width: width, colour: style.isOn)
    }

    private func writeProblems(_ report: ImageReport, to output: inout OutputBuffer) {
        let problems = report.inventory.problems
        if problems.isEmpty { return }
        output.append("\n" + style.apply(.bold, "Could not be read") + "\n")
        for problem in problems.list.prefix(20) {
            let layer = problem.layer.map { "layer \($0): " } ?? ""
            let path = problem.path.isEmpty ? "" : "\(problem.path): "
            let text = DisplayText.safe(layer + path + problem.message)
            for line in DisplayText.wrap(text, to: width - 2) { output.append("  \(line)\n") }
        }
        if problems.count > 20 { output.append("  and \(problems.count - 20) more: see --output json\n") }
    }

    private func writeUnjudged(_ report: ImageReport, to output: inout OutputBuffer) {
        let unjudged = report.unjudged
        if unjudged.isEmpty { return }
        output.append("\n" + style.apply(.bold, "Not judged") + "\n")
        for item in unjudged {
            for line in DisplayText.wrap(item.text, to: width - 2) { output.append("  \(line)\n") }
        }
    }

    private func summary(_ report: ImageReport) -> String {
        var parts = Severity.allCases.reversed().compactMap { severity -> String? in
            let count = report.count(severity)
            return count == 0 ? nil : style.apply(Self.ink(severity), "\(count) \(severity)")
        }
        if parts.isEmpty { parts = ["no known vulnerabilities"] }
        var text = parts.joined(separator: ", ")
        let fixable = report.counted.reduce(0) { $0 + ($1.fixedVersions.isEmpty ? 0 : 1) }
        if fixable > 0 { text += "; \(fixable) can be mended by an upgrade" }
        let excepted = report.vulnerabilities.count { $0.exception != nil }
        if excepted > 0 { text += "; \(excepted) excepted" }
        let unjudged = report.unjudged.reduce(0) { $0 + $1.count }
        if unjudged > 0 { text += "; \(unjudged) packages not judged" }
        if report.advisories == nil { text = "vulnerabilities were not looked up" }
        if !report.inventory.malware.isEmpty {
            text += "; " + style.apply(.critical, "\(report.inventory.malware.count) malicious files")
        }
        if !report.inventory.secrets.isEmpty { text += "; \(report.inventory.secrets.count) secrets" }
        if report.isIncomplete { text += "; " + style.apply(.bold, "not complete") }
        return text
    }

    static func ink(_ severity: Severity) -> TerminalStyle.Ink {
        switch severity {
        case .critical: .critical
        case .high: .high
        case .medium: .medium
        case .low: .low
        case .informational, .unknown: .plain
        }
    }
}
