// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
import ImageScanning
import Inventory
import OCI
import TestSupport
import Testing

/// A layer of which nothing is known beforehand.
let anyLayer = Image.Layer { () throws(OCIError) in
    throw OCIError(.notFound, "nowhere")
}

/// Layers made by the system's tar, read and laid on top of each other.
@Suite struct ImageInventoryTests {
    static let bash = """
        Package: bash
        Status: install ok installed
        Architecture: amd64
        Version: 5.2.15-2+b7


        """
    static func package(_ name: String, _ version: String) -> String {
        "Package: \(name)\nStatus: install ok installed\nArchitecture: amd64\nVersion: \(version)\n\n"
    }

    /// - Parameter script: makes files in the working folder.
    static func layer(_ folder: ScratchFolder, _ script: String) throws -> LayerRecord {
        let name = UUID().uuidString
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-euc", "mkdir \(name); cd \(name)\n\(script)\ncd ..; tar -C \(name) -cf \(name).tar . ",
        ]
        process.currentDirectoryURL = URL(filePath: folder.path)
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return LayerScanner().scan(anyLayer, try FileRange(path: "\(folder.path)/\(name).tar"))
    }

    static let osRelease = #"mkdir -p etc; printf 'ID=debian\nVERSION_ID="12"\n' > etc/os-release"#

    private func node(_ name: String, _ version: String, at path: String) -> String {
        "mkdir -p \(path); echo '{\"name\":\"\(name)\",\"version\":\"\(version)\"}' > \(path)/package.json"
    }

    @Test func theTopmostDatabaseCounts() throws {
        let folder = try ScratchFolder()
        let first = Self.package("bash", "5.2") + Self.package("curl", "7.88")
        let second = Self.package("bash", "5.2") + Self.package("wget", "1.21")
        let inventory = ImageInventory([
            try Self.layer(folder, "\(Self.osRelease); mkdir -p var/lib/dpkg; printf '\(first)' > var/lib/dpkg/status"),
            try Self.layer(folder, "echo nothing > x"),
            try Self.layer(folder, "mkdir -p var/lib/dpkg; printf '\(second)' > var/lib/dpkg/status"),
        ])
        #expect(inventory.problems.isEmpty, "\(inventory.problems)")
        #expect(inventory.distribution?.id == "debian" && inventory.distribution?.versionID == "12")
        #expect(inventory.packages.map(\.name) == ["bash", "wget"])
        // What a package came with, not where the database was last written.
        #expect(inventory.packages.map(\.layer) == [0, 2])
        #expect(inventory.layers.map(\.packages) == [1, 0, 1])
    }

    @Test func whatIsHiddenIsNotThere() throws {
        let folder = try ScratchFolder()
        let base = try Self.layer(
            folder,
            (["kept", "gone", "replaced", "in/emptied", "under/gone", "under/file"].map {
                node($0.replacing("/", with: "-"), "1.0.0", at: "app/\($0)/node_modules/m")
            }).joined(separator: "\n"))
        #expect(base.packages.count == 6)
        let top = try Self.layer(
            folder,
            """
            mkdir -p app/gone/node_modules/m app/in app/under
            touch app/gone/node_modules/m/.wh.package.json
            \(node("replaced", "2.0.0", at: "app/replaced/node_modules/m"))
            touch app/in/.wh..wh..opq
            touch app/under/.wh.gone
            echo now a file > app/under/file
            """)
        let inventory = ImageInventory([base, top])
        #expect(
            inventory.packages.map { "\($0.name) \($0.version) \($0.layer ?? -1)" } == [
                "kept 1.0.0 0", "replaced 2.0.0 1",
            ])
    }

    @Test func filesOfTheDistributionHaveAnOwner() throws {
        let folder = try ScratchFolder()
        let inventory = ImageInventory([
            try Self.layer(
                folder,
                """
                mkdir -p var/lib/dpkg/info
                printf '\(Self.package("node-semver", "7.3"))' > var/lib/dpkg/status
                printf '/.\\n/usr\\n/usr/share/nodejs/semver/package.json\\n' > var/lib/dpkg/info/node-semver.list
                \(node("semver", "7.3.5", at: "usr/share/nodejs/semver"))
                \(node("other", "1.0.0", at: "usr/share/nodejs/other"))
                """)
        ])
        let owners = inventory.packages.filter { $0.kind == .npm }.map { "\($0.name):\($0.owner)" }
        #expect(owners == ["other:", "semver:deb:node-semver"])
    }

    /// What a package manager links into place has its contents elsewhere in the layer.
    @Test func hardLinksAreRead() throws {
        let folder = try ScratchFolder()
        let record = try Self.layer(
            folder,
            """
            mkdir -p a/store b/node_modules/left
            echo '{"name":"left","version":"1.0.0"}' > a/store/0123
            ln a/store/0123 b/node_modules/left/package.json
            mkdir -p c/node_modules/left; ln b/node_modules/left/package.json c/node_modules/left/package.json
            """)
        #expect(
            record.packages.map(\.path).sorted() == [
                "b/node_modules/left/package.json", "c/node_modules/left/package.json",
            ])
    }

    @Test func lockFilesOfImagesAreNoPackages() throws {
        let folder = try ScratchFolder()
        let script = #"echo 'requests==2.19.1' > requirements.txt; mkdir -p m/node_modules/x"#
        #expect(try Self.layer(folder, script).packages.isEmpty)
    }

    @Test func recordsSurviveTheCache() throws {
        let folder = try ScratchFolder()
        var record = try Self.layer(
            folder, "\(Self.osRelease); mkdir -p var/lib/dpkg; printf '\(Self.bash)' > var/lib/dpkg/status")
        record.diffID = "sha256:" + String(repeating: "a", count: 64)
        record.problems.add(ScanProblem("broken", path: "x"))
        let cache = LayerCache(folder: folder.path + "/cache")
        cache.keep(record)
        let known = try #require(cache.record(record.diffID))
        #expect(known.packages == record.packages && known.kept == record.kept && known.problems == record.problems)
        #expect(known.shadow.entries == record.shadow.entries && known.shadow.hash == record.shadow.hash)
        // What is damaged, cut or somebody else's is as if it were not there.
        let path = folder.path + "/cache/sha256-" + String(repeating: "a", count: 64)
        let bytes = try #require(FileManager.default.contents(atPath: path))
        for index in stride(from: 0, to: bytes.count, by: 7) {
            var broken = bytes
            broken[index] ^= 0x40
            try broken.write(to: URL(filePath: path))
            #expect(cache.record(record.diffID) == nil, "byte \(index)")
            try bytes.prefix(index).write(to: URL(filePath: path))
            #expect(cache.record(record.diffID) == nil, "cut at \(index)")
        }
        #expect(cache.record("sha256:../../etc/passwd") == nil)
    }
}
