// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Keeps the records of layers in a folder, a file each, named by the layer's `diffID`, within bounds. Losing it costs
/// time only.
package struct LayerCache: Sendable {
    /// `~/.cache/bulwark/layers`, or below `XDG_CACHE_HOME`.
    package static var standard: LayerCache? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
            return LayerCache(folder: folder + "/bulwark/layers")
        }
        return environment["HOME"].map { LayerCache(folder: $0 + "/.cache/bulwark/layers") }
    }

    /// Of all sets of scanners.
    let root: String
    private var folder: String
    /// It keeps to these by itself.
    package var bounds = Bounds()

    package init(folder: String) {
        root = folder
        self.folder = folder
    }

    /// The records of other scanners have other contents: each set of them has a folder of its own.
    package func of(_ scanners: String) -> LayerCache {
        var cache = self
        cache.folder = root + "/" + scanners
        return cache
    }

    package func record(_ diffID: String) -> LayerRecord? {
        guard let path = path(diffID), let data = FileManager.default.contents(atPath: path),
            let record = LayerRecord(encoded: [UInt8](data)), record.diffID == diffID
        else { return nil }
        Self.touch(path)
        return record
    }

    /// A cache that cannot be written is none: nothing is lost but time.
    package func keep(_ record: LayerRecord) {
        guard let path = path(record.diffID) else { return }
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let new = "\(path).\(ProcessInfo.processInfo.processIdentifier).new"
        guard
            FileManager.default.createFile(
                atPath: new, contents: Data(record.encoded), attributes: [.posixPermissions: 0o600])
        else { return }
        if rename(new, path) != 0 { unlink(new) }
        pruneIfDue()
    }

    /// Only what is a digest names a file.
    private func path(_ diffID: String) -> String? {
        let parts = diffID.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "sha256" || parts[0] == "sha512",
            parts[1].utf8.count == (parts[0] == "sha256" ? 64 : 128),
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        return "\(folder)/\(parts[0])-\(parts[1])"
    }
}
