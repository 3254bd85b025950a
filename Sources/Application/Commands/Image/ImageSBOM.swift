// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ImageScanning
import Inventory
import OCI
import Reporting

/// `bulwark image sbom`: what an image holds, for others to read.
struct ImageSBOM: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbom", abstract: "Write a bill of materials: CycloneDX 1.6, SPDX 2.3, or a table.",
        discussion: "Exit status: 0 done, 2 the image could not be read, 3 a part of it could not be read.")

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, cyclonedx, spdx }

    @Argument(help: "A reference like debian:12, a file made by docker save, an OCI layout, or a folder.")
    var image: String

    @Option(name: .shortAndLong, help: "cyclonedx, spdx or table.")
    var output: Format = .cyclonedx

    @OptionGroup var options: ImageOptions

    mutating func run() async throws {
        let report = try await options.read(image)
        try BillWriter(report: report).write(output)
        for problem in report.inventory.problems.list {
            Terminal.error(problem.path.isEmpty ? problem.message : "\(problem.path): \(problem.message)")
        }
        if !report.inventory.problems.isEmpty { throw ExitStatus.unfinished }
    }
}

/// Writes a report's packages as a bill of materials.
struct BillWriter {
    let report: ImageReport

    func write(_ format: ImageSBOM.Format) throws {
        let bill = report.bill(toolVersion: Version.current)
        switch format {
        case .cyclonedx: try CycloneDX.write(bill) { bytes in bytes.withUnsafeBytes(Terminal.write) }
        case .spdx: try SPDX.write(bill) { bytes in bytes.withUnsafeBytes(Terminal.write) }
        case .table: writeTable()
        }
    }

    private func writeTable() {
        var table = TextTable([
            .init("KIND"), .init("NAME", least: 16), .init("VERSION", least: 10),
            .init("LAYER", right: true, optional: true),
            .init("OWNER", least: 10, optional: true), .init("WHERE", least: 12, optional: true),
        ])
        for package in report.inventory.packages {
            table.add([
                package.kind.rawValue, package.name, package.version, package.layer.map(String.init) ?? "",
                package.owner,
                package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)",
            ])
        }
        var output = OutputBuffer(sink: Terminal.write)
        table.write(to: &output, width: Terminal.width, colour: Terminal.usesColour)
        output.flush()
    }
}
