// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import ImageScanning
import Inventory

/// `bulwark sbom scan`: judges a bill of materials as if it were the image that it tells of.
struct SBOMScan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Look up the packages of a CycloneDX or SPDX file (JSON) in the advisories.",
        discussion: """
            Exit status: 0 done, 1 a vulnerability reached --fail-on, 2 the file could not be read, 3 a part of it could not be judged.
            """)

    @Argument(help: "A file, or - for standard input.")
    var file: String

    @OptionGroup var scan: ScanOptions

    private static let limit = 512 << 20

    mutating func run() async throws {
        let setup = try scan.setup()
        let bytes =
            try file == "-"
            ? InputFile.all(of: InputFile.spoolStandardInput(), "-") : InputFile.text(file, limit: Self.limit)
        let bill: BillOfMaterials
        do throws(InventoryError) {
            bill = try Self.isSPDX(bytes) ? SPDX.read(bytes, source: file) : CycloneDX.read(bytes, source: file)
        } catch {
            throw UserError("\(error)")
        }
        var inventory = ImageInventory()
        inventory.distribution = bill.distribution
        inventory.packages = bill.packages
        var report = ImageReport(name: bill.name.isEmpty ? file : bill.name, inventory: inventory)
        report.digest = bill.digest
        try scan.finish(&report, setup)
    }

    private static func isSPDX(_ bytes: [UInt8]) -> Bool {
        bytes.prefix(1 << 16).contains(Array("\"spdxVersion\"".utf8))
    }
}
