// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
import ImageScanning
import Inventory
import TestSupport
import Testing

/// Layers that were made to do harm: each is bounded and named, and what could be read still counts.
@Suite struct HostileLayerTests {
    /// A tar entry of the old kind, which any tar reader takes.
    private static func entry(
        _ path: String, _ type: Character, size: UInt64 = 0, _ contents: String = "", link: String = ""
    ) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ at: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { header[at + index] = byte }
        }
        put(path, 0, 100)
        put("0000644\0", 100, 8)
        put("0000000\0", 108, 8)
        put("0000000\0", 116, 8)
        let declared = size == 0 ? UInt64(contents.utf8.count) : size
        let octal = String(declared, radix: 8)
        put(String(repeating: "0", count: max(0, 11 - octal.count)) + octal, 124, 11)
        put("00000000000\0", 136, 12)
        put("        ", 148, 8)
        put(String(type), 156, 1)
        put(link, 157, 100)
        put("ustar\u{0}00", 257, 8)
        let sum = header.reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        put(String(repeating: "0", count: 6 - digits.count) + digits + "\0 ", 148, 8)
        let body = Array(contents.utf8)
        return header + body + [UInt8](repeating: 0, count: (512 - body.count % 512) % 512)
    }

    private static let package = #"{"name":"left","version":"1.0.0"}"#

    private func scan(_ entries: [[UInt8]], end: Bool = true) throws -> LayerRecord {
        let folder = try ScratchFolder()
        let bytes = entries.flatMap { $0 } + (end ? [UInt8](repeating: 0, count: 1024) : [])
        try Data(bytes).write(to: URL(filePath: folder.path + "/layer.tar"))
        return LayerScanner().scan(anyLayer, try FileRange(path: folder.path + "/layer.tar"))
    }

    @Test func pathsThatLeadOutAreNamed() throws {
        let record = try scan([
            Self.entry("../../etc/node_modules/x/package.json", "0", Self.package),
            Self.entry("/abs/node_modules/y/package.json", "0", Self.package),
        ])
        #expect(record.packages.map(\.path) == ["abs/node_modules/y/package.json"])
        #expect(record.problems.list.map(\.path) == ["../../etc/node_modules/x/package.json"])
    }

    @Test func aCutLayerSaysSoAndKeepsTheRest() throws {
        let record = try scan(
            [
                Self.entry("a/node_modules/x/package.json", "0", Self.package),
                Self.entry("big", "0", size: 1 << 30),
            ], end: false)
        #expect(record.packages.count == 1)
        #expect(record.problems.count == 1, "\(record.problems)")
        #expect(record.problems.list.first?.path == "")
    }

    @Test func linksThatPointAtEachOtherEnd() throws {
        let record = try scan([
            Self.entry("a/node_modules/x/package.json", "1", link: "b/node_modules/x/package.json"),
            Self.entry("b/node_modules/x/package.json", "1", link: "a/node_modules/x/package.json"),
            Self.entry("c", "2", link: "c"),
            Self.entry("d/node_modules/x/package.json", "2", link: "../../../../../etc/shadow"),
            Self.entry("dev/sda", "4"),
        ])
        #expect(record.packages.isEmpty)
        #expect(record.problems.count == 2, "\(record.problems)")
    }

    @Test func noTarAtAll() throws {
        #expect(try !scan([Array("this is no archive".utf8)], end: false).problems.isEmpty)
    }
}
