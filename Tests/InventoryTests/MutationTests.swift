// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

/// Every text format damaged in many ways: an answer or an error, never a trap, and never slow.
///
/// `BULWARK_MUTATIONS` says how often each sample is damaged.
struct MutationTests {
    static let rounds = ProcessInfo.processInfo.environment["BULWARK_MUTATIONS"].flatMap { Int($0) } ?? 120

    static let samples: [(path: String, text: String)] =
        (OtherLanguagesTests.cases + MoreFormatsTests.cases).map { ($0.path, $0.text) } + [
            ("package-lock.json", NodeTests.npm1), ("npm-shrinkwrap.json", NodeTests.npm3),
            ("yarn.lock", NodeTests.yarn1),
            ("yarn.lock", NodeTests.berry), ("pnpm-lock.yaml", NodeTests.pnpm5), ("pnpm-lock.yaml", NodeTests.pnpm6),
            ("pnpm-lock.yaml", NodeTests.pnpm9), ("bun.lock", NodeTests.bun),
            ("requirements.txt", "a[b]==1.0 ; python_version < '3' \\\n  --hash=sha256:00\n-r x.txt\n\u{FEFF}c===2\n"),
            ("go.mod", "module a\ngo 1.16\nrequire (\n b v1.0.0 // indirect\n)\nreplace b v1.0.0 => \"c\" v2.0.0\n"),
            ("go.sum", "a v1.0.0 h1:x=\na v1.0.0/go.mod h1:y=\n"),
            (
                "Cargo.lock",
                "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\n \"b\",\n]\n"
            ),
            (
                "uv.lock",
                "[[package]]\nname = \"a\"\nversion = '''1'''\nsource = { registry = \"u\" }\nwheels = [\n { url = 'x' },\n]\n"
            ),
            (
                "pom.xml",
                "<project><a:b xmlns:a='x'>&amp;<![CDATA[y]]></a:b><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies><properties><v>1</v></properties></project>"
            ),
            ("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n x\nLicense: b\n\nbody"),
            ("node_modules/a/package.json", #"{"name": "a", "version": "1.0.0", "licenses": [{"type": "MIT"}]}"#),
        ]

    @Test(arguments: samples.indices)
    func outlivesDamage(index: Int) throws {
        let (path, text) = Self.samples[index]
        let reader = try #require(PackageReaders.standard.reader(for: path))
        let bytes = Array(text.utf8)
        var random = SystemRandomNumberGenerator()
        for round in 0..<Self.rounds {
            let file = InventoryFile(path: path, bytes: Self.damaged(bytes, round, &random))
            _ = try? reader.packages(in: file)
        }
    }

    /// Cut, with bytes changed, without a part, or with a part somewhere else once more.
    static func damaged(_ bytes: [UInt8], _ round: Int, _ random: inout some RandomNumberGenerator) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return bytes }
        let start = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, start + Int.random(in: 0...48, using: &random))
        switch round % 4 {
        case 0: bytes.removeSubrange(start...)
        case 1:
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
        case 2: bytes.removeSubrange(start..<end)
        default: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &random))
        }
        return bytes
    }

    /// The most telling piece of a format so often that work which grows with its square shows.
    private static let pieces: [(path: String, start: String, piece: String)] = [
        ("mix.lock", "", "{:hex, :a, \"1\"},"), ("mix.lock", "", "{:hex,"),
        ("rebar.lock", "", "{pkg,<<\"a\">>,<<\"1\">>},"), ("Podfile.lock", "PODS:\n", "  - a (1):\n    - b\n"),
        ("Gemfile.lock", "GEM\n", "    a (1)\n"), ("a/ebin/a.app", "{application,a,[", "{vsn,["),
        ("a/ebin/a.app", "", "'\\"), ("hex_metadata.config", "", "{<<\"name\">>,"),
        ("yarn.lock", "", "a@1:\n  version 1\n"), ("yarn.lock", "", "a,"), ("requirements.txt", "", "a==1 \\\n"),
        ("requirements.txt", "", "a==1;"), ("go.mod", "", "require a v1\n"), ("go.mod", "", "replace a => b v1\n"),
        ("conanfile.txt", "[requires]\n", "a/1\n"),
        ("Directory.Packages.props", "", "<PackageVersion Include='a' Version='1'/>"),
        ("pom.xml", "<project><dependencies>", "<dependency><groupId>a</groupId></dependency>"),
        ("gradle.lockfile", "", "a:b:1=c\n"), ("environment.yml", "dependencies:\n", "- a=1=b\n"),
        ("a-win-64.lock", "@EXPLICIT\n", "https://a.b/c-1-0.conda\n"),
        ("a-win-64.lock", "@EXPLICIT\n", "# pip a @ b/a-1.tar.gz\n"),
        ("pixi.lock", "packages:\n", "- conda: c/a-1-0.conda\n"),
        ("cabal.project.freeze", "constraints: ", "any.a ==1,\n"),
        ("a.spdx", "SPDXVersion: SPDX-2.2\n", "ExternalRef: PACKAGE purl pkg:npm/a@1\n"),
        ("a/specifications/a.gemspec", "", "s.name = \"a\"\n"), ("a/specifications/a.gemspec", "", "s.licenses = \"a"),
        ("Pipfile.lock", "{\"_meta\": {}, \"default\": {", "\"a\": {\"version\": \"==1\"},"),
        ("Cargo.lock", "", "[[package]]\nname = \"a\"\nversion = \"1\"\n"),
        ("Manifest.toml", "", "[[deps.a]]\nuuid = \"a\"\n"), ("conan.lock", "{\"requires\": [", "\"a/1#b\","),
    ]

    @Test(.timeLimit(.minutes(2)), arguments: pieces.indices)
    func takesLinearTime(index: Int) throws {
        let (path, start, piece) = Self.pieces[index]
        let reader = try #require(PackageReaders.standard.reader(for: path))
        func seconds(_ bytes: Int) -> Double {
            let text = start + String(repeating: piece, count: bytes / piece.utf8.count)
            let file = InventoryFile(path: path, bytes: Array(text.utf8))
            let start = Self.processorTime
            _ = try? reader.packages(in: file)
            return Self.processorTime - start
        }
        // Eight times the text takes about eight times as long; the square would be 64 times.
        let small = min(seconds(1 << 16), seconds(1 << 16), seconds(1 << 16))
        let large = min(seconds(1 << 19), seconds(1 << 19))
        #expect(large < max(small, 0.002) * 28, "\(path) \(piece.prefix(20)): \(small) s, \(large) s")
    }
    /// Seconds that this thread has been running: others have no part in it.
    private static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
