// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import Findings
import Foundation
import ImageScanning
import Inventory
import Malware
import Reporting
import Secrets

/// How vulnerabilities are judged and shown: shared by images and SBOMs.
struct ScanOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, sarif, html, junit, policyreport, cyclonedx, spdx
    }

    @Option(name: .shortAndLong, help: "table, json, sarif, html, junit, policyreport, cyclonedx or spdx.")
    var output: Format = .table

    @Option(name: .long, help: "Exit with 1 when a vulnerability has this severity or worse.")
    var failOn: SeverityArgument?

    @Option(name: .long, help: "Only vulnerabilities of this severity or worse.")
    var severity: SeverityArgument?

    @Flag(name: .long, help: "Only vulnerabilities that an upgrade mends.")
    var onlyFixed = false

    @Option(name: .long, help: "A .trivyignore or .trivyignore.yaml; one in this folder is used unasked. Repeatable.")
    var ignoreFile: [String] = []

    @Option(name: .long, help: "A VEX document: OpenVEX, CycloneDX (JSON or XML) or CSAF. Repeatable.")
    var vex: [String] = []

    @Option(name: .long, help: "A YAML file of approved exceptions.")
    var exemptions: String?

    @OptionGroup var place: AdvisoriesOptions

    @Flag(name: .long, help: "Judge language packages of the distribution by their language's advisories too.")
    var judgeOwned = false

    @Option(name: .long, help: "Only these, between commas: vulnerabilities, secrets, malware, configuration.")
    var scanners: ScannerSet = .all

    @Option(name: .long, help: "A folder or file of YARA rules, besides our own. Repeatable.")
    var yaraRules: [String] = []

    @Option(name: .long, help: "A list of hashes of bad files: SHA-256, SHA-1 or MD5, one a line. Repeatable.")
    var hashList: [String] = []

    @Option(name: .long, help: "Ask ClamAV too: the path of clamd's socket, or HOST:PORT.")
    var clamd: String?

    @Flag(name: .long, help: "Show what is excepted, and in JSON every package.")
    var all = false

    struct Setup {
        /// Nil where vulnerabilities are not asked for.
        let database: AdvisoryDatabase?
        let state: ImageReport.AdvisoryState?
        let content: ContentScanners
        /// Names the scanners of the contents for the cache; nil where they are somebody's own and may change.
        let contentName: String?
        var exceptions: Exceptions
        let now: Int64
    }

    /// Opens all that judging needs, so that what is missing is told before an image is fetched.
    /// - Parameter readsFiles: whether contents of files are looked at, for which rules are compiled.
    func setup(readsFiles: Bool = true) throws -> Setup {
        let path = place.folder
        let exceptions = try exceptions()
        let now = Int64(Date().timeIntervalSince1970)
        let content = readsFiles ? try contentScanners() : .none
        let isOwn = yaraRules.isEmpty && hashList.isEmpty && clamd == nil
        let name = isOwn ? "\(Version.current)-\(scanners.subtracting(.vulnerabilities).rawValue)" : nil
        guard scanners.contains(.vulnerabilities) else {
            return Setup(
                database: nil, state: nil, content: content, contentName: name, exceptions: exceptions, now: now)
        }
        do throws(AdvisoryError) {
            let database = try AdvisoryDatabase(path: path)
            let status = AdvisoryStatus(path: path)
            let age = now - status.oldest
            if status.oldest > 0, age > AdvisoryStatus.oldAge {
                Terminal.note("the advisories are \(age / 86_400) days old; bulwark advisories update brings new ones")
            }
            let state = ImageReport.AdvisoryState(
                updated: status.oldest, records: status.ecosystems.reduce(0) { $0 + $1.records })
            return Setup(
                database: database, state: state, content: content, contentName: name, exceptions: exceptions, now: now)
        } catch {
            throw UserError("\(error)", .unfinished)
        }
    }

    private func contentScanners() throws -> ContentScanners {
        var content = ContentScanners(judgesBehaviour: scanners.contains(.configuration))
        do throws(SecretError) {
            if scanners.contains(.secrets) { content.secrets = try SecretScanner.standard() }
        } catch { throw UserError("\(error)", .unfinished) }
        do throws(MalwareError) {
            guard scanners.contains(.malware) else { return content }
            var rules: [RuleFile] = []
            for path in yaraRules { rules += try RuleFile.read(path) }
            var daemon: Clamd?
            if let clamd {
                daemon = try Clamd(clamd)
                try daemon?.ping()
            }
            content.malware = try MalwareScanner(
                rules: rules, hashes: hashList.isEmpty ? nil : try HashList(hashList), clamd: daemon)
        } catch { throw UserError("\(error)") }
        return content
    }

    private func exceptions() throws -> Exceptions {
        var exceptions = Exceptions()
        var ignoreFiles = ignoreFile
        if ignoreFiles.isEmpty {
            ignoreFiles = [".trivyignore", ".trivyignore.yaml"].filter { FileManager.default.fileExists(atPath: $0) }
        }
        do throws(ScanError) {
            for path in ignoreFiles {
                exceptions.ignored.append(try IgnoreFile(try Self.text(path), source: path))
            }
            for path in vex { exceptions.statements.append(try VEXDocument(try Self.text(path), source: path)) }
        } catch {
            throw UserError("\(error)")
        }
        if let exemptions { exceptions.exemptions = try ExemptionsFile.read(exemptions) }
        return exceptions
    }

    private static func text(_ path: String) throws(ScanError) -> [UInt8] {
        do { return try InputFile.text(path, limit: 64 << 20) } catch {
            throw ScanError(.unreadable, (error as? UserError)?.message ?? "\(path): \(error)")
        }
    }

    /// Judges what was read, shows it, and ends with the status of the contract.
    /// - Parameter judged: told of the report before anything is left out of it.
    func finish(_ report: inout ImageReport, _ setup: Setup, judged: (ImageReport) -> Void = { _ in }) throws {
        judge(&report, setup)
        judged(report)
        if let least = severity?.severity {
            report.vulnerabilities.removeAll { $0.severity < least && $0.status != .error }
        }
        if onlyFixed { report.vulnerabilities.removeAll { $0.fixedVersions.isEmpty && $0.status != .error } }
        try show(report, setup.now)
        if report.isIncomplete { throw ExitStatus.unfinished }
        if let limit = failOn?.severity, let worst = report.worst, worst >= limit { throw ExitStatus.failed }
    }

    func judge(_ report: inout ImageReport, _ setup: Setup) {
        guard let database = setup.database else { return }
        var matcher = VulnerabilityMatcher(database)
        matcher.judgesOwned = judgeOwned
        matcher.judge(&report)
        report.advisories = setup.state
        setup.exceptions.apply(to: &report, now: setup.now)
    }

    private func show(_ report: ImageReport, _ now: Int64) throws {
        switch output {
        case .table:
            var buffer = OutputBuffer(sink: Terminal.write)
            ImageTable(width: Terminal.width, colour: Terminal.usesColour, showAll: all).write(report, to: &buffer)
            buffer.flush()
        case .json:
            var writer = TreeWriter(.json, output: OutputBuffer(sink: Terminal.write))
            report.write(to: &writer, time: now, toolVersion: Version.current, withPackages: all)
            writer.output.flush()
        case .cyclonedx: try BillWriter(report: report).write(.cyclonedx)
        case .spdx: try BillWriter(report: report).write(.spdx)
        case .sarif: encode(report, .sarif, now)
        case .html: encode(report, .html, now)
        case .junit: encode(report, .junit, now)
        case .policyreport: encode(report, .policyreport, now)
        }
    }

    private func encode(_ report: ImageReport, _ format: OutputFormat, _ now: Int64) {
        var encoder = makeEncoder(
            format,
            options: EncodingOptions(
                width: Terminal.width, colour: Terminal.usesColour, showAll: all,
                baseDirectory: FileManager.default.currentDirectoryPath),
            sink: Terminal.write)
        let results = report.results
        var checks: [String: Check] = [:]
        var summary = Summary()
        summary.objects = 1
        summary.subjects = 1
        for result in results {
            checks[result.check.id] = result.check
            summary.add(result.outcome, result.check.severity)
        }
        encoder.begin(
            ReportContext(
                toolVersion: Version.current, time: now, source: report.name, checks: Array(checks.values)))
        for result in results { encoder.add(result) }
        encoder.finish(summary)
    }
}
