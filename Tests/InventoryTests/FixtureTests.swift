// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

/// Databases of real images against the lists of what is in them.
@Suite(.enabled(if: TestData.folder != nil))
struct FixtureTests {
    static let names = TestData.folder.map { (try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? [] } ?? []

    @Test(arguments: names.sorted())
    func equalsItsList(name: String) throws {
        let root = try #require(TestData.folder) + "/" + name
        var found: [String] = []
        for path in TestData.files(below: root) {
            guard let reader = PackageReaders.standard.reader(for: path) else { continue }
            let file = InventoryFile(path: path, bytes: try TestData.bytes("\(root)/\(path)"))
            found += try reader.packages(in: file).map { "\($0.name)\t\($0.version)" }
        }
        let text = String(decoding: try TestData.bytes("\(root)/expected.packages.tsv"), as: UTF8.self)
        let expected = text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
        #expect(!expected.isEmpty)
        #expect(Set(found).symmetricDifference(expected).sorted() == [])
        #expect(Set(found).count == found.count)
    }

    /// Every cut and many changed bytes: an answer or an error, never a trap.
    @Test(arguments: names.sorted())
    func outlivesDamage(name: String) throws {
        let root = try #require(TestData.folder) + "/" + name
        for path in TestData.files(below: root) {
            guard let reader = PackageReaders.standard.reader(for: path) else { continue }
            let bytes = try TestData.bytes("\(root)/\(path)")
            var random = SystemRandomNumberGenerator()
            for round in 0..<60 {
                var broken = bytes
                if round % 3 == 0 { broken = Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &random))) }
                for _ in 0..<(1 + round) where !broken.isEmpty {
                    let near = round % 2 == 0 ? min(broken.count, 8192) : broken.count
                    broken[Int.random(in: 0..<near, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let file = InventoryFile(path: path, bytes: broken)
                _ = try? reader.packages(in: file)
                if OwnedFiles.isList(path) { try? OwnedFiles.read(file) { _, _ in } }
            }
        }
    }
}
