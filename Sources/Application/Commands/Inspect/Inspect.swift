// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import Foundation
import PodSecurity
import Reporting

/// `bulwark inspect`: judges the objects of files or of a cluster.
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Inspect Kubernetes objects: files, folders, standard input (-), or a cluster (--live).",
        discussion: """
            Exit status: 0 done, 1 a failure reached --fail-on, 2 an input could not be read, 3 something could not be judged.
            """)

    @Argument(help: "Files or folders; - is standard input.")
    var paths: [String] = []

    @Option(name: .shortAndLong, help: "table, json, yaml, sarif, junit, html or policyreport.")
    var output: OutputArgument = OutputArgument(format: .table)

    @Flag(name: .long, help: "Print a unified diff that mends what can be mended mechanically.")
    var fix = false

    @Flag(name: .long, help: "With --fix: edit the files in place, keeping comments and order.")
    var write = false

    @OptionGroup var cluster: ClusterOptions

    @OptionGroup var options: InspectionOptions

    mutating func run() async throws {
        if !cluster.isAsked { return try runOnFiles() }
        guard paths.isEmpty else { throw UserError("name either files or a cluster, not both") }
        try checkFlags()
        if fix { throw UserError("--fix edits files; for a cluster the console shows a patch on each workload's page") }
        let (catalogue, inspector) = try inspector()
        var encoder = encoder()
        let live = try await cluster.inspection(inspector, options)
        encoder.begin(
            ReportContext(
                toolVersion: Version.current, time: inspector.now, source: live.cluster,
                checks: catalogue.checks.map(\.check), cluster: live.cluster))
        let (summary, status) = try await live.run(options) { encoder.add($0) }
        encoder.finish(summary)
        if status != .done { throw status }
    }

    /// What there is to do when no cluster is asked for, on the calling thread alone.
    func runOnFiles() throws {
        guard !paths.isEmpty else {
            throw UserError("nothing to inspect: name files or folders, - for standard input, or --live for a cluster")
        }
        try checkFlags()
        let (catalogue, inspector) = try inspector()
        if fix { return try mend(inspector) }
        var encoder = encoder()
        encoder.begin(
            ReportContext(
                toolVersion: Version.current, time: inspector.now,
                source: paths.count == 1 ? paths[0] : paths.joined(separator: " "),
                checks: catalogue.checks.map(\.check)))
        let inspection = FileInspection(options: options, inspector: inspector)
        try inspection.run(paths) { encoder.add($0) }
        encoder.finish(inspection.tally.summary)
        if inspection.status != .done { throw inspection.status }
    }

    private func checkFlags() throws {
        if write, !fix { throw UserError("--write goes with --fix") }
    }

    private func inspector() throws -> (Catalogue, Inspector) {
        let catalogue = try options.catalogue()
        var inspector = Inspector(
            catalogue,
            context: InspectionContext(
                settings: InspectionSettings(
                    allowedRegistries: options.allowRegistry, floatingTags: options.floatingTag)))
        inspector.now = Int64(time(nil))
        inspector.includesPasses = options.all
        if let file = options.exemptions { inspector.exemptions = try ExemptionsFile.read(file) }
        return (catalogue, inspector)
    }

    private func encoder() -> any ReportEncoder {
        // To ask for the environment and the folder takes a moment, and most formats show neither.
        let isTable = output.format == .table
        Terminal.widenOutput()
        return makeEncoder(
            output.format,
            options: EncodingOptions(
                width: isTable ? Terminal.width : 100, colour: isTable && Terminal.usesColour, showAll: options.all,
                baseDirectory: output.format == .json ? "" : FileManager.default.currentDirectoryPath),
            sink: Terminal.write)
    }

    private func mend(_ inspector: Inspector) throws {
        if write, paths.contains("-") { throw UserError("--write cannot edit standard input; leave it out for a diff") }
        let inspection = FileInspection(options: options, inspector: inspector)
        var count = 0
        try inspection.fixes(paths) { file, old, new in
            count += 1
            if write {
                try InputFile.replace(file, with: new)
                return
            }
            let diff = UnifiedDiff.diff(
                old: String(decoding: old, as: UTF8.self), new: String(decoding: new, as: UTF8.self), path: file)
            Array(diff.utf8).withUnsafeBytes { Terminal.write($0) }
        }
        Terminal.note(
            count == 0
                ? "nothing to mend mechanically"
                : write
                    ? "mended \(count) files; inspect again to see what is left"
                    : "\(count) files would change; --write edits them")
        if inspection.status != .done { throw inspection.status }
    }
}

/// A format on the command line.
struct OutputArgument: ExpressibleByArgument {
    let format: OutputFormat

    init(format: OutputFormat) { self.format = format }

    init?(argument: String) {
        guard let format = OutputFormat(rawValue: argument) else { return nil }
        self.format = format
    }

    var defaultValueDescription: String { format.rawValue }
    static var allValueStrings: [String] { OutputFormat.allCases.map(\.rawValue) }
}
