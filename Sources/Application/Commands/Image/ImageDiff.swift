// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Findings
import ImageScanning
import Inventory
import Reporting

/// `bulwark image diff`: what an upgrade mends, and what it brings.
struct ImageDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two images: vulnerabilities that go, come and stay, and changed packages.",
        discussion: """
            Exit status: 0 done, 1 a new vulnerability reached --fail-on, 2 an image could not be read, 3 a part could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Argument(help: "The image that runs today.")
    var old: String

    @Argument(help: "The image that shall take its place.")
    var new: String

    @Option(name: .shortAndLong, help: "table or json.")
    var output: Format = .table

    @Option(name: .long, help: "Exit with 1 when a new vulnerability has this severity or worse.")
    var failOn: SeverityArgument?

    @OptionGroup var place: AdvisoriesOptions

    @OptionGroup var options: ImageOptions

    mutating func run() async throws {
        let judging = try ScanOptions.parse(
            ["--scanners", "vulnerabilities", "--database", place.folder])
        let setup = try judging.setup()
        var reports: [ImageReport] = []
        for name in [old, new] {
            var report = try await options.read(name)
            judging.judge(&report, setup)
            reports.append(report)
        }
        let comparison = ImageComparison(from: reports[0], to: reports[1])
        switch output {
        case .table: writeTable(comparison)
        case .json: writeJSON(comparison)
        }
        for report in reports where report.isIncomplete {
            Terminal.error("\(report.name) could not be judged as a whole; bulwark image scan says what is missing")
        }
        if reports.contains(where: \.isIncomplete) { throw ExitStatus.unfinished }
        if let limit = failOn?.severity, comparison.added.contains(where: { $0.severity >= limit }) {
            throw ExitStatus.failed
        }
    }

    private func writeTable(_ comparison: ImageComparison) {
        var output = OutputBuffer(sink: Terminal.write)
        func vulnerabilities(_ title: String, _ list: [ImageVulnerability]) {
            guard !list.isEmpty else { return }
            output.append("\(title)\n")
            var table = TextTable([
                .init("SEVERITY"), .init("ID", least: 14), .init("PACKAGE", least: 12), .init("VERSION", least: 8),
                .init("FIXED", least: 8, optional: true),
            ])
            for item in list {
                table.add([
                    item.severity.description, item.id, item.package.name, item.package.version,
                    item.fixedVersions.first ?? "",
                ])
            }
            table.write(to: &output, width: Terminal.width, colour: Terminal.usesColour)
            output.append("\n")
        }
        vulnerabilities("New", comparison.added)
        vulnerabilities("Gone", comparison.solved)
        if !comparison.packages.isEmpty {
            output.append("Packages\n")
            var table = TextTable([
                .init("KIND"), .init("NAME", least: 16), .init("BEFORE", least: 8), .init("AFTER", least: 8),
            ])
            for change in comparison.packages {
                table.add([
                    change.kind.rawValue, change.name, change.before.joined(separator: ", "),
                    change.after.joined(separator: ", "),
                ])
            }
            table.write(to: &output, width: Terminal.width, colour: Terminal.usesColour)
            output.append("\n")
        }
        output.append(
            "\(comparison.solved.count) gone, \(comparison.added.count) new, \(comparison.kept.count) stay; "
                + "\(comparison.packages.count) packages differ\n")
        output.flush()
    }

    private func writeJSON(_ comparison: ImageComparison) {
        var writer = TreeWriter(.json, output: OutputBuffer(sink: Terminal.write))
        comparison.write(to: &writer)
        writer.output.flush()
    }
}
