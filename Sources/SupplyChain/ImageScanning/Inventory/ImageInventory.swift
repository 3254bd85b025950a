// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import Secrets

/// What an image holds when its layers lie on top of each other, or what a folder holds.
package struct ImageInventory: Sendable {
    package struct LayerSummary: Sendable, Hashable {
        package var digest = ""
        package var diffID = ""
        package var createdBy = ""
        package var files = 0
        package var bytes: Int64 = 0
        /// Packages that it brought and that are still there.
        package var packages = 0

        package init() {}
    }

    package var distribution: Distribution?
    /// By kind, name, version and place.
    package var packages: [FoundPackage] = []
    package var secrets: [FileFinding<SecretMatch>] = []
    package var malware: [FileFinding<MalwareMatch>] = []
    /// Problems of the image's configuration and of files by their names, rights and texts.
    package var misconfigurations: [FileFinding<ImageCheckResult>] = []
    package var layers: [LayerSummary] = []
    package var problems = ScanProblems()

    package init() {}

    /// Of a folder, which has no layers.
    package init(folder record: LayerRecord) {
        self.init([record])
        layers = []
        for index in packages.indices { packages[index].layer = nil }
        for index in secrets.indices { secrets[index].layer = nil }
        for index in malware.indices { malware[index].layer = nil }
        for index in misconfigurations.indices { misconfigurations[index].layer = nil }
        var own = ScanProblems()
        for problem in problems.list { own.add(ScanProblem(problem.message, path: problem.path)) }
        problems = ScanProblems(own.list, count: problems.count)
    }

    /// - Parameter records: from the lowest layer to the topmost.
    package init(_ records: [LayerRecord]) {
        for (index, record) in records.enumerated() {
            var summary = LayerSummary()
            (summary.diffID, summary.files, summary.bytes) = (record.diffID, record.files, record.bytes)
            layers.append(summary)
            problems.add(record.problems, layer: index)
        }
        let stack = LayerStack(records)
        distribution = stack.distribution
        for (index, record) in records.enumerated() {
            // Files with many packages, such as databases, are asked about once.
            var visible: [String: Bool] = [:]
            for package in record.packages {
                let isVisible = visible[package.path] ?? stack.isVisible(package.path, in: index)
                visible[package.path] = isVisible
                guard isVisible else { continue }
                var package = package
                package.layer = package.kind.isSystem ? stack.origin(of: package, shownIn: index) : index
                packages.append(package)
            }
        }
        packages = Evidences(packages, stack.keptFiles).counted
        for (index, record) in records.enumerated() {
            for match in record.secrets {
                secrets.append(FileFinding(match: match, layer: index, fate: stack.fate(of: match.path, in: index)))
            }
            for match in record.malware {
                malware.append(FileFinding(match: match, layer: index, fate: stack.fate(of: match.path, in: index)))
            }
        }
        secrets.sort {
            Self.rank($0.match.severity.rawValue, $0.match.path, $0.match.rule, $0.match.line)
                < Self.rank($1.match.severity.rawValue, $1.match.path, $1.match.rule, $1.match.line)
        }
        malware.sort {
            Self.rank($0.match.severity.rawValue, $0.match.path, $0.match.rule, 0)
                < Self.rank($1.match.severity.rawValue, $1.match.path, $1.match.rule, 0)
        }
        let owners = stack.owners(
            of: packages.lazy.filter { !$0.kind.isSystem }.map(\.path) + records.flatMap { $0.traits.map(\.path) })
        for index in packages.indices where !packages[index].kind.isSystem {
            packages[index].owner = owners[packages[index].path] ?? ""
        }
        for (index, record) in records.enumerated() {
            for trait in record.traits where owners[trait.path] == nil || !ImageBehaviour.isUsual(trait.check) {
                // A right or text that a higher layer takes back does no harm.
                guard stack.isVisible(trait.path, in: index) else { continue }
                misconfigurations.append(FileFinding(match: trait, layer: index, fate: .visible))
            }
        }
        misconfigurations.sort {
            Self.rank($0.match.check.severity.rawValue, $0.match.path, $0.match.check.id, 0)
                < Self.rank($1.match.check.severity.rawValue, $1.match.path, $1.match.check.id, 0)
        }
        packages.sort(by: Self.isBefore)
        for package in packages { if let layer = package.layer { layers[layer].packages += 1 } }
    }

    /// The worst first.
    private static func rank(_ severity: Int, _ path: String, _ rule: String, _ line: Int) -> (Int, String, String, Int)
    {
        (-severity, path, rule, line)
    }

    private static func isBefore(_ left: FoundPackage, _ right: FoundPackage) -> Bool {
        (left.kind.rawValue, left.name, left.version, left.path, left.innerPath, left.architecture)
            < (right.kind.rawValue, right.name, right.version, right.path, right.innerPath, right.architecture)
    }
}

/// The layers of an image, to be asked what is seen from above.
struct LayerStack {
    private let records: [LayerRecord]
    /// By layer: system packages, to find the layer that brought one.
    private let systems: [Set<SystemPackage>]

    private struct SystemPackage: Hashable {
        let kind: PackageKind
        let name: String
        let version: String
        let architecture: String

        init(_ package: FoundPackage) {
            (kind, name, version, architecture) = (package.kind, package.name, package.version, package.architecture)
        }
    }

    init(_ records: [LayerRecord]) {
        self.records = records
        systems = records.map { Set($0.packages.lazy.filter(\.kind.isSystem).map(SystemPackage.init)) }
    }

    /// Whether a file of a layer is still there with all layers above it.
    func isVisible(_ path: String, in layer: Int) -> Bool { fate(of: path, in: layer) == .visible }

    /// What the first layer above does that touches a file.
    func fate(of path: String, in layer: Int) -> Shadow.Fate {
        for record in records[(layer + 1)...] {
            let fate = record.shadow.fate(of: path)
            if fate != .visible { return fate }
        }
        return .visible
    }

    /// A package database is written anew as a whole: the layer that brought a package is the lowest of those, without a
    /// gap, whose database has it. Layers without a database say nothing.
    func origin(of package: FoundPackage, shownIn layer: Int) -> Int {
        let wanted = SystemPackage(package)
        var origin = layer
        for index in stride(from: layer - 1, through: 0, by: -1) where !systems[index].isEmpty {
            guard systems[index].contains(wanted) else { break }
            origin = index
        }
        return origin
    }

    /// Files that are kept for what they say of others.
    var keptFiles: [LayerRecord.KeptFile] {
        var files: [LayerRecord.KeptFile] = []
        for (index, record) in records.enumerated() {
            for file in record.kept where Distribution.rank(file.path) == nil && isVisible(file.path, in: index) {
                files.append(file)
            }
        }
        return files
    }

    /// By the file that is believed most, as the topmost layer has it.
    var distribution: Distribution? {
        var best: (rank: Int, distribution: Distribution)?
        for (index, record) in records.enumerated() {
            for file in record.kept where isVisible(file.path, in: index) {
                guard let rank = Distribution.rank(file.path), rank < best?.rank ?? .max,
                    let distribution = Distribution(osRelease: file.bytes, path: file.path)
                else { continue }
                best = (rank, distribution)
            }
        }
        return best?.distribution
    }

    /// The packages of the distribution that files belong to, `deb:python3-requests`, by the file's path.
    func owners(of paths: some Sequence<String>) -> [String: String] {
        let paths = Set(paths)
        var owners: [String: String] = [:]
        for (layer, record) in records.enumerated() where !record.ownership.isEmpty {
            var wanted: [UInt64: String] = [:]
            for path in paths { for spelling in Self.spellings(path) { wanted[record.shadow.hash(spelling)] = path } }
            var visible: [String: Bool] = [:]
            for list in record.ownership {
                let isVisible = visible[list.path] ?? isVisible(list.path, in: layer)
                visible[list.path] = isVisible
                guard isVisible else { continue }
                for file in list.files { if let path = wanted[file] { owners[path] = list.owner } }
            }
        }
        return owners
    }

    /// With merged `/usr`, a package may list `lib/x` for the file `usr/lib/x`.
    private static func spellings(_ path: String) -> [String] {
        for folder in ["usr/lib/", "usr/bin/", "usr/sbin/", "usr/lib64/"] where path.hasPrefix(folder) {
            return [path, String(path.dropFirst(4))]
        }
        return [path]
    }
}
