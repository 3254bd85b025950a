// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct PackageReadersTests {
    @Test(arguments: [
        ("var/lib/dpkg/status", "dpkg status"), ("sysroot/var/lib/dpkg/status", "dpkg status"),
        ("var/lib/dpkg/status.d/base", "dpkg status"), ("usr/lib/opkg/status", "dpkg status"),
        ("usr/lib/apk/db/installed", "apk database"), ("usr/lib/sysimage/rpm/Packages.db", "rpm database"),
        ("var/lib/rpm/Packages", "rpm database"), ("usr/share/rpm/rpmdb.sqlite", "rpm database"),
        ("var/lib/rpmmanifest/container-manifest-2", "rpm manifest"), ("a/b-1.dist-info/METADATA", "Python metadata"),
        ("package.json", "package.json"), ("x/y/package.json", "package.json"), ("app/ROOT.war", "Java archive"),
        ("go.mod", "go.mod"), ("a/requirements-test.txt", "requirements.txt"), ("a/pylock.toml", "pylock.toml"),
        ("a/Manifest.toml", "Julia manifest"), ("x.deps.json", ".NET deps.json"),
        ("a/Directory.Packages.props", "Directory.Packages.props"),
        ("gradle/dependency-locks/a.lockfile", "Gradle lock"),
        ("opt/bitnami/redis/.spdx-redis.spdx", "bill of materials"), ("a/b.cdx.json", "bill of materials"),
        ("x-1.dist-info/sboms/any.json", "bill of materials"), ("lib/x-1/ebin/x.app", "Erlang application"),
        ("requirements/base.txt", "requirements.txt"),
    ])
    func finds(path: String, name: String) {
        #expect(PackageReaders.standard.reader(for: path)?.name == name)
    }

    @Test(arguments: [
        "", "status", "etc/status", "xvar/lib/dpkg/status", "var/lib/dpkg/status-old",
        "var/lib/dpkg/status.d/base.md5sums",
        "var/lib/dpkg/status.d", "usr/share/doc/a.txt", "a/.", "/", "var/lib/dpkg/status.d/",
        "bin/Packages", "opt/rpm/Packages", "a/METADATA", "jar", "a/jar", "package.json/x", "xpackage.json",
        "package.jsonx",
        "a/Other.props", "a.lockfile", "x-1.dist-info/any.json", "sboms/any.json", "lib/x.app", "requirements/base.in",
        "var/lib/rpm/Packages.db/x", "a/pylock", "Pylock.toml", "notes.txt",
    ])
    func passesOver(path: String) {
        #expect(PackageReaders.standard.reader(for: path) == nil)
    }

    @Test func knowsExecutables() {
        let starts: [([UInt8], Bool)] = [
            ([0x7F, 0x45, 0x4C, 0x46], true), ([0x4D, 0x5A, 0, 0], true), ([0xCF, 0xFA, 0xED, 0xFE], true),
            ([0x23, 0x21, 0x2F, 0x62], false), ([0x7F], false), ([], false),
        ]
        for (start, isExecutable) in starts {
            #expect(start.withUnsafeBytes { PackageReaders.isExecutable($0) } == isExecutable)
        }
    }
}

/// Every reader on bytes that are not meant for it: an answer or an error, never a trap.
struct HostileInputTests {
    @Test(arguments: PackageReaders.rules.indices)
    func outlivesNonsense(index: Int) {
        let rule = PackageReaders.rules[index]
        let path: String
        switch rule.name {
        case .exactly(let name): path = rule.folder.isEmpty ? name : "\(rule.folder)/\(name)"
        case .ending(let ending): path = "x.\(ending)"
        }
        var inputs: [[UInt8]] = [
            [], [0], [0xFF, 0xFE], Array("{".utf8), Array("[[".utf8), Array("\"".utf8), Array("<a b='".utf8),
            Array("=\n:\n: :".utf8),
            [UInt8](repeating: 0x0A, count: 5000), [UInt8](repeating: 0x20, count: 5000),
            [UInt8](repeating: 0x5B, count: 200_000),
            Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 0, count: 100),
            Array("{\"a\": [1, 2, {\"b\": null}], \"packages\": 1}".utf8),
            Array(
                "{\"packages\": [1, \"x\", null, [], {\"name\": [], \"version\": {}}], \"dependencies\": {\"a\": 1}}"
                    .utf8),
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            inputs.append((0..<Int.random(in: 1...3000)).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        for bytes in inputs {
            let file = InventoryFile(path: path, bytes: bytes)
            _ = try? rule.reader.packages(in: file)
            _ = try? PackageReaders.standard.readerForExecutable.packages(in: file)
        }
    }

    @Test func refusesWhatIsTooLarge() throws {
        let reader = FileReader("thing", limit: 3) { _ throws(InventoryError) in [] }
        let error = try #require(throws: InventoryError.self) {
            try reader.packages(in: InventoryFile(path: "a/b", bytes: [1, 2, 3, 4]))
        }
        #expect(error.code == .tooLarge)
        #expect(error.message == "a/b: 4 bytes; as thing at most 3 are read")
    }
}
