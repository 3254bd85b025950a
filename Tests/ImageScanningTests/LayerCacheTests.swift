// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Inventory
import TestSupport
import Testing

@testable import ImageScanning

struct LayerCacheTests {
    private static func diffID(_ number: Int) -> String {
        let digits = String(number)
        return "sha256:" + String(repeating: "0", count: 64 - digits.count) + digits
    }

    private static func record(_ number: Int, packages: Int = 10) -> LayerRecord {
        var record = LayerRecord()
        record.diffID = diffID(number)
        for index in 0..<packages {
            var package = FoundPackage(.maven, name: "a:b\(index)", version: "1", path: "x.jar")
            package.sha1 = "00ff"
            record.packages.append(package)
        }
        record.shadow.seal()
        return record
    }

    private static func age(_ folder: String, _ number: Int, _ seconds: TimeInterval) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)],
            ofItemAtPath: "\(folder)/\(diffID(number).replacing(":", with: "-"))")
    }

    @Test func keepsAllOfAPackage() throws {
        let folder = try ScratchFolder()
        let cache = LayerCache(folder: folder.path).of("a")
        cache.keep(Self.record(1))
        #expect(cache.record(Self.diffID(1))?.packages == Self.record(1).packages)
    }

    @Test func forgetsWhatWasNotUsedForLongest() throws {
        let folder = try ScratchFolder()
        let root = LayerCache(folder: folder.path)
        let (one, two) = (root.of("a"), root.of("b"))
        for number in 0..<5 {
            one.keep(Self.record(number))
            try Self.age(folder.path + "/a", number, Double(10 - number) * 86_400)
        }
        two.keep(Self.record(0))
        // Reading is use.
        #expect(one.record(Self.diffID(0)) != nil)
        try folder.write("mine", to: "a/notes")
        try folder.write("mine", to: "a/sha256-notes")
        let size = root.status.bytes / 6
        #expect(root.status.records == 6 && size > 0)
        #expect(root.prune(.init(bytes: .max, age: 86_400 * 17 / 2)).records == 1)
        #expect(one.record(Self.diffID(1)) == nil && one.record(Self.diffID(0)) != nil)
        // Those of the same length: the bound is kept to the byte.
        let removed = root.prune(.init(bytes: size * 3, age: .max))
        #expect(removed.records == 2 && root.status.bytes <= size * 3)
        #expect(
            one.record(Self.diffID(2)) == nil && one.record(Self.diffID(3)) == nil && one.record(Self.diffID(4)) != nil)
        #expect(root.prune(.init(bytes: 0, age: -1)).records == 3 && root.status == LayerCache.Status())
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/a").sorted() == [
                "notes", "sha256-notes",
            ])
    }

    @Test func looksAfterItself() throws {
        let folder = try ScratchFolder()
        var root = LayerCache(folder: folder.path)
        root.bounds = .init(bytes: .max, age: 3600)
        root.of("a").keep(Self.record(1))
        try Self.age(folder.path + "/a", 1, 7200)
        // Within the hour nobody looks again.
        root.of("a").keep(Self.record(2))
        #expect(root.status.records == 2)
        root.pruneIfDue(now: Int64(Date().timeIntervalSince1970) + 3601)
        #expect(root.of("a").record(Self.diffID(1)) == nil)
    }

    @Test func whatAWriterLeftGoes() throws {
        let folder = try ScratchFolder()
        let name = "a/" + Self.diffID(7).replacing(":", with: "-") + ".123.new"
        try folder.write("half", to: name)
        let root = LayerCache(folder: folder.path)
        root.prune(.init())
        #expect(FileManager.default.fileExists(atPath: folder.path + "/" + name))
        root.prune(.init(), now: Int64(Date().timeIntervalSince1970) + 7200)
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/" + name))
    }

    /// Readers, writers and prunes at once: a record is whole or not there.
    @Test func servesSeveralAtOnce() async throws {
        let folder = try ScratchFolder()
        let root = LayerCache(folder: folder.path)
        let failures = await withTaskGroup(of: Int.self) { tasks in
            for task in 0..<6 {
                tasks.addTask {
                    var failures = 0
                    for round in 0..<60 {
                        let number = round % 7
                        switch task % 3 {
                        case 0: root.of("a").keep(Self.record(number))
                        case 1:
                            if let found = root.of("a").record(Self.diffID(number)), found.packages.count != 10 {
                                failures += 1
                            }
                        default: root.prune(.init(bytes: 2_000, age: .max))
                        }
                    }
                    return failures
                }
            }
            return await tasks.reduce(0, +)
        }
        #expect(failures == 0)
        root.prune(.init(bytes: 0, age: -1))
        #expect(root.status.records == 0)
    }
}
