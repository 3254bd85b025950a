// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

/// What lies on this machine, or what package managers make here without a network, against what they say themselves.
/// A test whose package manager is missing says so.
struct RealTreesTests {
    /// `name version` of all packages of a kind below folders.
    private func found(
        _ kind: PackageKind, below roots: [String], where isWanted: (String) -> Bool = { _ in true }
    ) throws -> Set<String> {
        var out: Set<String> = []
        for root in roots {
            for path in TestData.files(below: root) where isWanted(path) {
                let whole = String("\(root)/\(path)".dropFirst(root.hasPrefix("/") ? 1 : 0))
                guard let reader = PackageReaders.standard.reader(for: whole), !reader.isLockFile,
                    let data = FileManager.default.contents(atPath: "\(root)/\(path)")
                else { continue }
                for package in try reader.packages(in: InventoryFile(path: whole, bytes: Array(data)))
                where package.kind == kind {
                    out.insert("\(package.name) \(package.version)")
                }
            }
        }
        return out
    }

    private func lock(_ path: String) throws -> Set<String> {
        let name = String(path.split(separator: "/").last ?? "")
        return Set(lines(try packages(in: try TestData.bytes(path), path: name)))
    }

    /// RubyGems lists itself what is installed, default gems among it: `json (2.7.1, default: 2.6.1)`.
    @Test(.enabled(if: Tool.isThere("gem"))) func agreesWithGem() throws {
        var expected: Set<String> = []
        for line in try Tool.output("gem", ["list", "--local"]).split(separator: "\n") {
            guard let (name, rest) = line.cut(" "), rest.first == "(" else { continue }
            for version in rest.dropFirst().prefix(while: { $0 != ")" }).split(separator: ",") {
                let words = version.split(separator: " ").filter { $0 != "default:" }
                expected.insert("\(name) \(words.first ?? "")")
            }
        }
        let folders = try Tool.output("gem", ["environment", "path"]).trimmedText.split(separator: ":").map(String.init)
        let found = try found(.gem, below: folders) { $0.hasPrefix("specifications/") }
        #expect(!expected.isEmpty && found == expected)
    }

    /// Bundler's lock of gems that Debian installs.
    @Test(.enabled(if: Tool.isThere("bundle"))) func agreesWithBundler() throws {
        let folder = try ScratchTree()
        try folder.write("Gemfile", "source 'https://rubygems.org'\ngem 'rake'\ngem 'minitest'\n")
        guard (try? Tool.output("bundle", ["lock", "--local"], in: folder.path)) != nil else {
            return print("SKIPPED: bundler lacks the gems that a lock needs")
        }
        let found = try lock("\(folder.path)/Gemfile.lock")
        let listed = try Tool.output("bundle", ["list"], in: folder.path).split(separator: "\n").compactMap { line in
            line.dropPrefix("  * ").map { $0.filter { !"()".contains($0) } }
        }
        #expect(found == Set(listed.filter { !$0.hasPrefix("bundler ") }) && !found.isEmpty)
    }

    @Test(.enabled(if: Tool.isThere("Rscript"))) func agreesWithR() throws {
        let script = "p <- installed.packages(); cat(paste(p[,'Package'], p[,'Version']), sep='\\n'); cat('\\n')"
        let expected = try Tool.output("Rscript", ["-e", script]).split(separator: "\n").map(String.init)
        let folders = try Tool.output("Rscript", ["-e", "cat(.libPaths(), sep='\\n')"]).split(separator: "\n")
        #expect(try found(.cran, below: folders.map(String.init)) == Set(expected) && !expected.isEmpty)
    }

    /// Debian's own Python packages, by the library that pip uses as well.
    @Test(.enabled(if: Tool.isThere("/usr/bin/python3"))) func agreesWithPython() throws {
        let script = """
            import importlib.metadata as m
            for d in m.distributions(path=['/usr/lib/python3/dist-packages']): print(d.metadata['Name'], d.version)
            """
        let expected = Set(
            try Tool.output("/usr/bin/python3", ["-c", script]).split(separator: "\n").map(String.init))
        guard !expected.isEmpty else { return print("SKIPPED: no Python packages of the distribution") }
        let found = try found(.pypi, below: ["/usr/lib/python3/dist-packages"]) { $0.split(separator: "/").count <= 2 }
        #expect(found == expected)
    }

    /// npm's own tree, as npm lists it.
    @Test(.enabled(if: Tool.isThere("npm"))) func agreesWithNpm() throws {
        let root = try Tool.output("npm", ["root", "--global"]).trimmedText
        guard FileManager.default.fileExists(atPath: "\(root)/npm/package.json") else {
            return print("SKIPPED: npm is not below \(root)")
        }
        let listed = try Tool.output(
            "npm", ["ls", "--all", "--parseable", "--long"], in: "\(root)/npm", anyStatus: true)
        var expected: Set<String> = []
        // path:name@version
        for line in listed.split(separator: "\n") where line.contains("node_modules/npm/node_modules/") {
            // An alias has what it stands for behind it: `a@npm:b@1.0.0`.
            let fields = line.split(separator: ":").dropFirst()
            let spec = fields.first?.hasSuffix("@npm") == true ? fields.dropFirst().first : fields.first
            guard let spec, let (name, version) = NpmPackages.splitSpec(spec), !version.isEmpty else { continue }
            expected.insert("\(name) \(version)")
        }
        guard !expected.isEmpty else { return print("SKIPPED: npm lists nothing of its own") }
        let found = try found(.npm, below: ["\(root)/npm/node_modules"])
        #expect(expected.subtracting(found).sorted() == [])
    }

    /// A project of folders, which Composer installs without a network.
    @Test(.enabled(if: Tool.isThere("composer"))) func agreesWithComposer() throws {
        let folder = try ScratchTree()
        for (name, version) in [("acme/log", "v1.8.1"), ("acme/http", "7.4.5"), ("acme/test", "dev-main")] {
            try folder.write("store/\(name)/composer.json", #"{"name": "\#(name)", "version": "\#(version)"}"#)
        }
        try folder.write(
            "composer.json",
            """
            {"name": "shop/app", "minimum-stability": "dev", "require": {"acme/http": "^7.0", "acme/log": "^1"},
             "require-dev": {"acme/test": "dev-main"}, "repositories": [{"packagist.org": false},
              {"type": "path", "url": "store/*/*", "options": {"symlink": false}}]}
            """)
        _ = try Tool.output("composer", ["install", "--no-interaction", "--quiet"], in: folder.path)
        let expected: Set = ["acme/http 7.4.5", "acme/log v1.8.1", "acme/test dev-main"]
        #expect(try lock("\(folder.path)/composer.lock") == expected)
        let installed = try packages(
            in: try TestData.bytes("\(folder.path)/vendor/composer/installed.json"),
            path: "vendor/composer/installed.json")
        #expect(Set(lines(installed)) == expected)
        #expect(installed.filter(\.isDevelopment).map(\.name) == ["acme/test"])
    }

    /// Cargo's lock of a workspace, in whatever version this Cargo writes.
    @Test(.enabled(if: Tool.isThere("cargo"))) func agreesWithCargo() throws {
        let folder = try ScratchTree()
        try folder.write("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"2\"\n")
        for (name, needs) in [("one", "two = { path = \"../two\" }\n"), ("two", "")] {
            try folder.write(
                "\(name)/Cargo.toml",
                "[package]\nname = \"\(name)\"\nversion = \"0.\(name.count).0\"\nedition = \"2021\"\n[dependencies]\n\(needs)"
            )
            try folder.write("\(name)/src/lib.rs", "")
        }
        _ = try Tool.output("cargo", ["generate-lockfile", "--offline"], in: folder.path)
        #expect(try lock("\(folder.path)/Cargo.lock") == ["one 0.3.0", "two 0.3.0"])
    }

    /// Erlang's applications lie in folders that are named after them: `lib/ssl-10.8.7/ebin/ssl.app`.
    @Test(.enabled(if: Tool.isThere("/usr/lib/erlang/lib/"))) func agreesWithErlang() throws {
        var expected: Set<String> = []
        for path in TestData.files(below: "/usr/lib/erlang/lib") where path.hasSuffix(".app") {
            guard let (name, version) = path.prefix(while: { $0 != "/" }).cutLast("-") else { continue }
            expected.insert("\(name) \(version)")
        }
        let found = try found(.otp, below: ["/usr/lib/erlang/lib"])
        #expect(!expected.isEmpty && found == expected)
    }

    /// Debian keeps its Java archives in Maven's layout, so that the path says what each is: `G/A/V/A-V.jar`.
    @Test(.enabled(if: Tool.isThere("/usr/share/maven-repo/"))) func agreesWithMaven() throws {
        let root = "/usr/share/maven-repo"
        var (right, wrong): (Int, [String]) = (0, [])
        for path in TestData.files(below: root) where path.hasSuffix(".jar") {
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count >= 4, let bytes = try? TestData.bytes("\(root)/\(path)") else { continue }
            let (artifact, version) = (parts[parts.count - 3], parts[parts.count - 2])
            guard version != "debian", parts.last == "\(artifact)-\(version).jar" else { continue }
            let name = "\(parts.dropLast(3).joined(separator: ".")):\(artifact)"
            let found = try packages(in: bytes, path: "\(artifact)-\(version).jar")
            if found.contains(where: { $0.name == name }) {
                right += 1
            } else {
                wrong.append("\(name): \(lines(found))")
            }
        }
        guard right + wrong.count >= 20 else { return print("SKIPPED: few Java archives below \(root)") }
        // Some of Debian's own names are nobody else's.
        #expect(Double(right) >= 0.95 * Double(right + wrong.count), "\(right) right, not \(wrong)")
    }

    /// The pins of this repository.
    @Test(.enabled(if: Tool.isThere("Package.resolved"))) func readsOurOwnPins() throws {
        let root = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: "Package.resolved")))
        let pins = try #require((root as? [String: Any])?["pins"] as? [[String: Any]])
        var expected: Set<String> = []
        for pin in pins {
            guard let state = pin["state"] as? [String: Any], let version = state["version"] as? String,
                let location = pin["location"] as? String
            else { continue }
            let plain = location.dropPrefix("https://") ?? location[...]
            expected.insert("\(plain.hasSuffix(".git") ? plain.dropLast(4) : plain) \(version)")
        }
        let found = try lock("Package.resolved")
        #expect(!expected.isEmpty && found == expected)
    }
}
