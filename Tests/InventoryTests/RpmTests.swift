// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

struct RpmTests {
    private let small = RpmBuilder.header([(1000, .text("tiny")), (1001, .text("3")), (1002, .text("4"))])

    @Test func readsNdb() throws {
        let bytes = RpmBuilder.ndb([RpmBuilder.package("one"), RpmBuilder.package("two", padding: 9000)])
        for path in ["var/lib/rpm/Packages.db", "usr/lib/sysimage/rpm/Packages.db"] {
            let found = try packages(in: bytes, path: path)
            #expect(lines(found) == ["one 1-2.el9", "two 1-2.el9"])
            #expect(found[0].source == "the-one")
            #expect(found[0].sourceVersion == "1-2.el9")
            #expect(found[0].architecture == "x86_64")
        }
    }

    @Test(arguments: [512, 1024, 4096, 16384, 65536], [false, true])
    func readsBerkeleyDB(pageSize: Int, isBig: Bool) throws {
        for type: UInt8 in [2, 13] {
            let headers = [RpmBuilder.package("one"), small, RpmBuilder.package("two", padding: 9000)]
            let bytes = RpmBuilder.hash(headers, pageSize: pageSize, isBig: isBig, type: type)
            let found = try packages(in: bytes, path: "var/lib/rpm/Packages")
            #expect(lines(found) == ["one 1-2.el9", "tiny 3-4", "two 1-2.el9"])
        }
    }

    @Test func refusesLoopsOfPages() throws {
        var bytes = RpmBuilder.hash([RpmBuilder.package("two", padding: 9000)], pageSize: 512, isBig: false)
        bytes[3 * 512 + 16] = 2  // the second overflow page leads back to the first
        let error = try #require(failure(in: bytes, path: "var/lib/rpm/Packages"))
        #expect(error.message.contains("goes on at page 2, which cannot be"))
    }

    @Test func refusesSharedBlobs() throws {
        var bytes = RpmBuilder.ndb([RpmBuilder.package("one"), RpmBuilder.package("two")])
        bytes.replaceSubrange(52..<60, with: bytes[36..<44])  // the second slot points at the first header
        let error = try #require(failure(in: bytes, path: "var/lib/rpm/Packages.db"))
        #expect(error.message.contains("overlap"))
        #expect(lines(error.found).first == "one 1-2.el9")
    }

    @Test func readsEpochModuleAndFiles() throws {
        let header = RpmBuilder.header([
            (1000, .text("nodejs")), (1001, .text("18.18.2")), (1002, .text("2.module+el9.3.0")), (1003, .numbers([1])),
            (1044, .text("nodejs-18.18.2-2.module+el9.3.0.src.rpm")),
            (5096, .text("nodejs:18:9030020231020:rhel9")), (1014, .text("MIT")),
            (1027, .texts(["/usr/bin/node", "etc/x"])),
        ])
        let key = RpmBuilder.header([(1000, .text("gpg-pubkey")), (1001, .text("1")), (1002, .text("2"))])
        let bytes = RpmBuilder.ndb([header, key, RpmBuilder.package("one")])
        let found = try packages(in: bytes, path: "var/lib/rpm/Packages.db")
        // As rpm itself lists them, keys among them.
        #expect(lines(found) == ["nodejs 1:18.18.2-2.module+el9.3.0", "gpg-pubkey 1-2", "one 1-2.el9"])
        #expect(found[0].module == "nodejs:18")
        #expect(found[0].source == "nodejs")
        #expect(found[0].sourceVersion == "1:18.18.2-2.module+el9.3.0")
        #expect(found[0].licenses == ["MIT"])
        var owned: [String] = []
        try OwnedFiles.read(InventoryFile(path: "var/lib/rpm/Packages.db", bytes: bytes)) {
            owned.append("\($0.string) \($1)")
        }
        #expect(
            owned == [
                "usr/bin/node rpm:nodejs", "etc/x rpm:nodejs", "usr/bin/a rpm:one", "etc/b rpm:one",
                "usr/bin/c rpm:one",
            ])
    }

    @Test func readsManifests() throws {
        let text = """
            bash\t5.1.8-1.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t8215000\tx86_64\t0\tbash-5.1.8-1.cm2.src.rpm
            ca-certificates-shared\t2.0.0-1.cm2\t1\t1\tMicrosoft Corporation\t1\t1\tnoarch\t1\tca-certificates-2.0.0-1.cm2.src.rpm

            """
        let found = try packages(in: text, path: "var/lib/rpmmanifest/container-manifest-2")
        #expect(lines(found) == ["bash 5.1.8-1.cm2", "ca-certificates-shared 1:2.0.0-1.cm2"])
        #expect(found[1].source == "ca-certificates")
    }

    @Test(arguments: ["", "no database", "SQLite format 3\0", "RpmP", "RpmP0000000000000000000000000000000000000000"])
    func refuses(text: String) {
        for path in ["var/lib/rpm/Packages", "var/lib/rpm/Packages.db", "var/lib/rpm/rpmdb.sqlite"] {
            #expect(failure(in: text, path: path) != nil)
        }
    }

    /// A database whose table is a view that never ends, and one whose rows are no headers.
    @Test(arguments: [
        (
            "CREATE VIEW Packages AS WITH RECURSIVE a(blob) AS (SELECT 1 UNION ALL SELECT blob + 1 FROM a) SELECT blob FROM a",
            "no table named Packages"
        ),
        ("CREATE TABLE Other (x)", "no table named Packages"),
        (
            "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB); INSERT INTO Packages VALUES (1, 'x')",
            "header is broken"
        ),
        ("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY)", "no such column"),
    ])
    func refusesOtherTables(sql: String, message: String) throws {
        let path =
            FileManager.default.temporaryDirectory.path + "/inventory-\(UInt64.random(in: 0...UInt64.max)).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3") else {
            print("SKIPPED: tests of hostile SQLite databases need sqlite3")
            return
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/sqlite3")
        process.arguments = [path, "PRAGMA journal_mode=WAL; \(sql);"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let error = try #require(failure(in: try TestData.bytes(path), path: "var/lib/rpm/rpmdb.sqlite"))
        #expect(error.message.contains(message))
    }
}
