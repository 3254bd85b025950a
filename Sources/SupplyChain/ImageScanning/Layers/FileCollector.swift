// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Inventory

/// What is taken as a sign that a package is there.
package enum Evidence: Sendable, Hashable {
    /// Only what is installed: an image ships lock files of things that it does not hold.
    case installed
    /// Lock files too: a source tree says so what it will be built from.
    case declared
}

/// Takes the files of a layer or folder one after the other, and keeps what a scan needs of each.
struct FileCollector {
    let readers: PackageReaders
    let evidence: Evidence
    let content: ContentScanners
    var record = LayerRecord()
    /// What was found in a file, for hard links to it: by path.
    private var found: [String: [FoundPackage]] = [:]
    /// Hard links with a name of interest to files without one: these have to be read after all. By the file's path.
    private(set) var links: [String: [String]] = [:]

    static let maxLinks = 100_000
    /// Packages of one layer.
    static let maxPackages = 500_000
    private var isFull = false
    /// Of project files that are kept for those below them.
    private var projectBytes = 0

    init(_ readers: PackageReaders, _ evidence: Evidence, _ content: ContentScanners) {
        self.readers = readers
        self.evidence = evidence
        self.content = content
    }

    /// A regular file.
    mutating func add(
        _ path: String, mode: UInt32, user: Int64, size: Int64, capabilities: [UInt8] = [], _ stream: FileStream
    ) {
        record.files += 1
        record.bytes += size
        collect(path, mode: mode, size: size, stream)
        content.look(at: path, stream, into: &record)
        content.judge(
            ImageFile(
                path: path, kind: .file, mode: mode, user: user, size: size, capabilities: capabilities), stream,
            into: &record)
    }

    private mutating func collect(_ path: String, mode: UInt32, size: Int64, _ stream: FileStream) {
        if Distribution.isReleaseFile(path) { return keep(path, stream) }
        if let reader = reader(path) {
            guard let bytes = bytes(path, stream, limit: reader.limit) else { return }
            let file = InventoryFile(path: path, bytes: bytes, mode: mode)
            let packages = read(file, by: reader)
            keep(packages)
            if JavaProjects.isProject(path), bytes.count <= JavaProjects.limit,
                projectBytes + bytes.count <= JavaProjects.limitOfAll
            {
                projectBytes += bytes.count
                record.kept.append(LayerRecord.KeptFile(path: path, bytes: bytes))
            }
            if path.hasSuffix("go.mod"), GoModules.isComplete(file) {
                record.kept.append(LayerRecord.KeptFile(path: path, bytes: []))
            }
            found[path] = packages
            owners(file, reader)
        } else if OwnedFiles.isList(path) {
            guard let bytes = bytes(path, stream, limit: OwnedFiles.limit) else { return }
            owners(InventoryFile(path: path, bytes: bytes, mode: mode), nil)
        } else if size >= 64, mode & 0o111 != 0 || path.hasSuffix(".exe") || path.hasSuffix(".dll") {
            executable(path, mode: mode, stream)
        }
    }

    /// A folder, device or link, which has no contents.
    mutating func add(other file: ImageFile) { content.judge(file, nil, into: &record) }

    /// A hard link. Its contents stand at its target, before it in the same layer.
    mutating func add(link path: String, to target: String) {
        record.files += 1
        guard let reader = reader(path) else { return }
        if let packages = found[target], self.reader(target)?.name == reader.name {
            keep(
                packages.map { package in
                    var copy = package
                    copy.path = path
                    return copy
                })
        } else if links.count < Self.maxLinks {
            links[target, default: []].append(path)
        } else {
            record.problems.add(ScanProblem("it is one of more than \(Self.maxLinks) hard links", path: path))
        }
    }

    /// The contents of the target of hard links.
    mutating func add(links paths: [String], mode: UInt32, _ stream: FileStream) {
        let limit = paths.compactMap { reader($0)?.limit }.max() ?? 0
        guard let bytes = bytes(paths[0], stream, limit: limit) else { return }
        for path in paths {
            guard let reader = reader(path) else { continue }
            keep(read(InventoryFile(path: path, bytes: bytes, mode: mode), by: reader))
        }
    }

    private func reader(_ path: String) -> (any PackageReader)? {
        guard let reader = readers.reader(for: path) else { return nil }
        guard reader.isLockFile else { return reader }
        // The lock of an installed package says what its makers worked with.
        let isInstalled = path.hasPrefix("node_modules/") || path.contains("/node_modules/")
        return evidence == .declared && !isInstalled ? reader : nil
    }

    private mutating func keep(_ packages: [FoundPackage]) {
        guard record.packages.count + packages.count <= Self.maxPackages else {
            if !isFull { record.problems.add(ScanProblem("the layer has more than \(Self.maxPackages) packages")) }
            isFull = true
            return
        }
        record.packages += packages
    }

    private mutating func keep(_ path: String, _ stream: FileStream) {
        guard let bytes = bytes(path, stream, limit: Distribution.limit) else { return }
        record.kept.append(LayerRecord.KeptFile(path: path, bytes: bytes))
    }

    private mutating func executable(_ path: String, mode: UInt32, _ stream: FileStream) {
        do throws(ArchiveError) {
            let start = try stream.beginning(4)
            guard start.withUnsafeBytes(PackageReaders.isExecutable) else { return }
        } catch {
            return record.problems.add(ScanProblem(error.message, path: path))
        }
        let reader = readers.readerForExecutable
        guard let bytes = bytes(path, stream, limit: reader.limit) else { return }
        keep(read(InventoryFile(path: path, bytes: bytes, mode: mode), by: reader))
    }

    private mutating func read(_ file: InventoryFile, by reader: any PackageReader) -> [FoundPackage] {
        do throws(InventoryError) { return try reader.packages(in: file) } catch {
            record.problems.add(ScanProblem(error.message, path: file.path))
            return error.found
        }
    }

    private mutating func owners(_ file: InventoryFile, _ reader: (any PackageReader)?) {
        guard OwnedFiles.isList(file.path) else { return }
        let hash = record.shadow.hash
        var lists: [String: [UInt64]] = [:]
        var (last, files): (String, [UInt64]) = ("", [])
        do throws(InventoryError) {
            // Files of one owner come together.
            try OwnedFiles.read(file) { path, owner in
                if owner != last {
                    if !files.isEmpty { lists[last, default: []] += files }
                    (last, files) = (owner, [])
                }
                files.append(hash(UnsafeRawBufferPointer(path)))
            }
        } catch {
            record.problems.add(ScanProblem(error.message, path: file.path))
        }
        if !files.isEmpty { lists[last, default: []] += files }
        for (owner, files) in lists.sorted(by: { $0.key < $1.key }) {
            record.ownership.append(LayerRecord.Ownership(path: file.path, owner: owner, files: files))
        }
    }

    private mutating func bytes(_ path: String, _ stream: FileStream, limit: Int) -> [UInt8]? {
        do throws(ArchiveError) { return try stream.all(limit: limit) } catch {
            record.problems.add(ScanProblem(error.message, path: path))
            return nil
        }
    }
}
