// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Reporting

/// Whole outputs against files; BULWARK_UPDATE_GOLDEN=1 writes them anew.
@Suite struct GoldenTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")

    static let cases: [(file: String, format: OutputFormat, options: EncodingOptions)] = [
        ("table.txt", .table, EncodingOptions(width: 100)),
        ("table-all.txt", .table, EncodingOptions(width: 120, showAll: true)),
        ("table-40.txt", .table, EncodingOptions(width: 40)),
        ("table-colour.txt", .table, EncodingOptions(width: 80, colour: true)),
        ("report.json", .json, EncodingOptions()),
        ("report.sarif", .sarif, EncodingOptions(baseDirectory: "/src/project")),
        ("report.xml", .junit, EncodingOptions()),
        ("report.yaml", .yaml, EncodingOptions()),
        ("report.html", .html, EncodingOptions(showAll: true)),
        ("policyreport.yaml", .policyreport, EncodingOptions()),
        ("openreports.yaml", .policyreport, EncodingOptions(policyReportAPI: .openreports)),
    ]

    @Test(arguments: cases.indices)
    func matches(_ index: Int) throws {
        let item = Self.cases[index]
        let text = Samples.encode(item.format, item.options)
        let file = Self.folder.appending(path: item.file)
        if ProcessInfo.processInfo.environment["BULWARK_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let expected = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(text == expected, "\(item.file) differs; look at it, then run with BULWARK_UPDATE_GOLDEN=1")
        #expect(Samples.encode(item.format, item.options) == text, "equal input gives equal bytes")
    }
}
