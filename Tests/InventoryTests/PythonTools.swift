// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Package managers and libraries from the Python index, each in a folder of its own in the user's cache. The first run
/// fetches them; without a network a test that needs one says so.
struct PythonTools {
    /// For `PYTHONPATH`.
    let folder: String

    /// - Parameters:
    ///   - name: Of the folder.
    ///   - packages: With the versions to take: `pdm==2.29.4`.
    init?(_ name: String, _ packages: [String]) {
        do {
            let fetcher = try Self.kept("uv-0.13.8") { folder in
                _ = try Tool.output("python3", Self.pip + ["install", "--target", folder, "uv==0.13.8"])
            }
            let version = try Self.run("import sys; print('%d.%d' % sys.version_info[:2])")
            folder = try Self.kept("\(name)-python\(version)") { folder in
                _ = try Tool.output(
                    "\(fetcher)/bin/uv",
                    [
                        "pip", "install", "-q", "--python", "python3", "--default-index", try Self.index.get(),
                        "--compile-bytecode", "--only-binary", ":all:",
                    ]
                        + ["--target", folder] + packages)
            }
        } catch {
            print("SKIPPED: \(packages.joined(separator: ", ")) cannot be had: \(error)")
            return nil
        }
    }

    /// The sources of a package, unpacked.
    static func sources(_ name: String, _ version: String) -> String? {
        do {
            return try kept("sources-\(name)-\(version)") { folder in
                _ = try Tool.output(
                    "python3",
                    pip + ["download", "--no-deps", "--no-binary", name, "-d", folder, "\(name)==\(version)"])
                let archives = TestData.files(below: folder).filter { $0.hasSuffix(".tar.gz") }
                for archive in archives {
                    _ = try Tool.output("tar", ["xzf", archive, "--strip-components", "1"], in: folder)
                }
            }
        } catch {
            print("SKIPPED: the sources of \(name) cannot be had: \(error)")
            return nil
        }
    }

    /// Runs a module as a program.
    func output(
        _ module: String, _ arguments: [String], in folder: String, environment: [String: String] = [:]
    ) throws -> String {
        try Tool.output(
            "python3", ["-m", module] + arguments, in: folder,
            environment: environment.merging(["PYTHONPATH": self.folder]) { _, own in own })
    }

    /// What a script prints, a line each.
    func lines(_ script: String, in folder: String, _ arguments: [String] = []) throws -> Set<String> {
        let text = try Tool.output(
            "python3", ["-c", script] + arguments, in: folder, environment: ["PYTHONPATH": self.folder])
        return Set(text.split(separator: "\n").map(String.init))
    }

    /// Where pip takes packages from.
    static let index = Result {
        try run(
            """
            import os, subprocess, sys
            from pip._internal.models.index import PyPI
            set = subprocess.run([sys.executable, '-m', 'pip', 'config', 'get', 'global.index-url'], capture_output=True)
            print(os.environ.get('PIP_INDEX_URL') or set.stdout.decode().strip() or PyPI.simple_url)
            """)
    }

    private static func run(_ script: String) throws -> String {
        try Tool.output("python3", ["-c", script]).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static let pip = [
        "-m", "pip", "-q", "--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "20",
    ]

    static let cache: String = {
        let environment = ProcessInfo.processInfo.environment
        let root = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? NSTemporaryDirectory())/.cache"
        return "\(root)/bulwark/test-tools"
    }()

    /// A folder of the cache, made in one step: a fetch that breaks off leaves nothing.
    private static func kept(_ name: String, make: (String) throws -> Void) throws -> String {
        let folder = "\(cache)/\(name)"
        let files = FileManager.default
        if files.fileExists(atPath: folder) { return folder }
        let draft = "\(folder).\(UUID().uuidString)"
        try files.createDirectory(atPath: draft, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: draft) }
        try make(draft)
        do { try files.moveItem(atPath: draft, toPath: folder) } catch {
            // Another run was quicker.
            guard files.fileExists(atPath: folder) else { throw error }
        }
        return folder
    }
}
