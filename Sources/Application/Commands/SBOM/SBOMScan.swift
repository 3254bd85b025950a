// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import ImageScanning
import Inventory

/// `bulwark sbom scan`: judges a bill of materials as if it were the image that it tells of.
struct SBOMScan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Look up the packages of a CycloneDX or SPDX file in the advisories.",
        discussion: """
            CycloneDX 1.2 to 1.6 as JSON or XML, SPDX 2.2 and 2.3 as JSON or lines of tags and values. What a CycloneDX file \
            says of its own vulnerabilities (analysis) counts as VEX does.

            Exit status: 0 done, 1 a vulnerability reached --fail-on, 2 the file could not be read, 3 a part of it could not be judged.
            """)

    @Argument(help: "A file, or - for standard input.")
    var file: String

    @OptionGroup var scan: ScanOptions

    private static let limit = 512 << 20

    mutating func run() async throws {
        var setup = try scan.setup(readsFiles: false)
        let bytes =
            try file == "-"
            ? InputFile.all(of: InputFile.spoolStandardInput(), "-") : InputFile.text(file, limit: Self.limit)
        let bill: BillOfMaterials
        let cycloneDX: [UInt8]?
        do throws(InventoryError) { (bill, cycloneDX) = try BillOfMaterials.read(bytes, source: file) } catch {
            throw UserError("\(error)")
        }
        if let cycloneDX, !bill.packages.isEmpty {
            do throws(ScanError) {
                let own = try VEXDocument(cycloneDX, source: file)
                if !own.isEmpty { setup.exceptions.statements.insert(own, at: 0) }
            } catch { throw UserError("\(error)") }
        }
        var report = ImageReport(bill: bill, source: file)
        let isJudged = setup.database != nil
        try scan.finish(&report, setup) { report in
            if isJudged, let remark = Self.remark(bill.listed, report, file) { Terminal.note(remark) }
        }
    }

    /// What the bill tells of and the advisories do not: it is not taken over, and not passed over in silence either.
    static func remark(_ listed: [[String]], _ report: ImageReport, _ file: String) -> String? {
        var found: Set<String> = []
        for item in report.vulnerabilities { found.formUnion([item.id, item.advisory] + item.aliases) }
        let missing = listed.filter { found.isDisjoint(with: $0) }.compactMap(\.first)
        guard !missing.isEmpty else { return nil }
        let shown = missing.prefix(5).joined(separator: ", ")
        let more = missing.count > 5 ? " and \(missing.count - 5) more" : ""
        return "\(file) itself tells of \(missing.count) "
            + (missing.count == 1 ? "vulnerability" : "vulnerabilities")
            + " that the advisories do not find in its packages, and which the result leaves out: \(shown)\(more)"
    }
}
