// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

extension LayerCache {
    /// How much a cache may hold. Records that were not used for longest go first.
    package struct Bounds: Sendable, Hashable {
        package var bytes: Int64 = 1 << 30
        /// Seconds since the last use.
        package var age: Int64 = 30 * 86_400

        package init(bytes: Int64 = 1 << 30, age: Int64 = 30 * 86_400) { (self.bytes, self.age) = (bytes, age) }
    }

    package struct Status: Sendable, Hashable {
        package var records = 0
        package var bytes: Int64 = 0
        /// Seconds since 1970 of the least and the most recent use; 0 for none.
        package var oldest: Int64 = 0
        package var newest: Int64 = 0
    }

    /// The cache looks after itself at most so often, in seconds.
    static let pruneInterval: Int64 = 3600
    private static let mostFiles = 1_000_000
    private static let stamp = ".pruned"

    private struct Entry {
        let path: String
        let bytes: Int64
        let used: Int64
        let isRecord: Bool
    }

    package var status: Status {
        var status = Status()
        for entry in entries() where entry.isRecord {
            status.records += 1
            status.bytes += entry.bytes
            status.oldest = status.oldest == 0 ? entry.used : min(status.oldest, entry.used)
            status.newest = max(status.newest, entry.used)
        }
        return status
    }

    /// Removes what is too old, then what was used least recently, until the bounds hold. Several processes may do so at
    /// once, and read and write meanwhile: a record is there as a whole or not at all.
    /// - Returns: what was removed.
    @discardableResult package func prune(_ bounds: Bounds, now: Int64 = Int64(time(nil))) -> Status {
        var removed = Status()
        var entries = entries()
        entries.sort { ($0.used, $0.path) < ($1.used, $1.path) }
        var total = entries.reduce(0) { $0 + ($1.isRecord ? $1.bytes : 0) }
        for entry in entries {
            guard entry.isRecord else {
                // A writer that did not live to finish.
                if now - entry.used > Self.pruneInterval { unlink(entry.path) }
                continue
            }
            guard now - entry.used > bounds.age || total > bounds.bytes else { continue }
            // Used or written anew since it was looked at.
            guard let current = Self.status(entry.path), Self.used(current) == entry.used else { continue }
            guard unlink(entry.path) == 0 else { continue }
            total -= entry.bytes
            removed.records += 1
            removed.bytes += entry.bytes
        }
        for folder in folders() { rmdir(folder) }
        return removed
    }

    /// Prunes where nobody did for an hour.
    func pruneIfDue(now: Int64 = Int64(time(nil))) {
        let path = root + "/" + Self.stamp
        if let status = Self.status(path), abs(now - Self.used(status)) < Self.pruneInterval { return }
        // Whoever is first does it; a second one at the same moment does no harm.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        futimens(descriptor, nil)
        close(descriptor)
        prune(bounds, now: now)
    }

    /// Marks a record as used, at most once an hour.
    static func touch(_ path: String) {
        guard let status = status(path), Int64(time(nil)) - used(status) > pruneInterval else { return }
        utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW)
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func used(_ status: stat) -> Int64 { Int64(status.st_mtim.tv_sec) }

    /// Folders of sets of scanners.
    private func folders() -> [String] {
        Self.names(root).map { root + "/" + $0 }.filter { path in
            Self.status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
        }
    }

    /// Only what is named like a record, so that a folder that is no cache loses nothing.
    private func entries() -> [Entry] {
        var found: [Entry] = []
        for folder in folders() + [root] {
            for name in Self.names(folder) {
                let parts = name.split(separator: "-", maxSplits: 1)
                guard parts.count == 2, parts[0] == "sha256" || parts[0] == "sha512" else { continue }
                let hex = parts[1].prefix { $0.isHexDigit }
                guard hex.count == (parts[0] == "sha256" ? 64 : 128) else { continue }
                let isRecord = hex.count == parts[1].count
                guard isRecord || name.hasSuffix(".new"), found.count < Self.mostFiles else { continue }
                let path = folder + "/" + name
                guard let status = Self.status(path), status.st_mode & S_IFMT == S_IFREG else { continue }
                found.append(
                    Entry(path: path, bytes: Int64(status.st_size), used: Self.used(status), isRecord: isRecord))
            }
        }
        return found
    }

    private static func names(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while names.count < mostFiles, let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
