// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ImageScanning
import Inventory
import Reporting

/// `bulwark image inventory`: the packages alone, a line each, as `scripts/conformance packages` compares them.
struct ImageInventoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inventory",
        abstract: "List packages, a line each: kind, name, version, architecture, source, path.",
        shouldDisplay: false)

    @Argument(help: "An image, an archive of one, or a folder.")
    var image: String

    enum Format: String, ExpressibleByArgument, CaseIterable { case tsv }

    @Option(name: .shortAndLong, help: "tsv.")
    var output: Format = .tsv

    @OptionGroup var options: ImageOptions

    mutating func run() async throws {
        let report = try await options.read(image)
        var output = OutputBuffer(sink: Terminal.write)
        for package in report.inventory.packages {
            let fields = [
                package.kind.rawValue, package.name, package.version, package.architecture, package.source,
                package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)", package.owner,
                package.layer.map(String.init) ?? "",
            ]
            output.append(fields.map(DisplayText.safe).joined(separator: "\t"))
            output.append("\n")
        }
        output.flush()
        for problem in report.inventory.problems.list {
            Terminal.error(problem.path.isEmpty ? problem.message : "\(problem.path): \(problem.message)")
        }
        if !report.inventory.problems.isEmpty { throw ExitStatus.unfinished }
    }
}
