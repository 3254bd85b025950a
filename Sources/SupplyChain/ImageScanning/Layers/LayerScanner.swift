// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Inventory
import OCI

/// Reads a layer once, from its first byte to its last, and makes its record.
package struct LayerScanner: Sendable {
    package var readers = PackageReaders.standard
    package var evidence = Evidence.installed
    package var content = ContentScanners.none
    package var limits = ArchiveLimits()
    /// A compressed layer may unpack to so many times its size, or to 4 GB.
    package var maxRatio: Int64 = 200
    package var deadline = ScanDeadline.none

    package init() {}

    /// Reads the stored bytes of a layer and holds them against its digests.
    ///
    /// What could not be read is a problem of the record, and what was read before it counts.
    package func scan(_ layer: Image.Layer, _ file: FileRange) -> LayerRecord {
        var collector = FileCollector(readers, evidence, content)
        collector.record.diffID = layer.diffID
        let bounds = bounds(file.size)
        do {
            let stream = try LayerStream(layer, file, limits: bounds)
            try read(try Archive(tar: TimedSource(stream, deadline), limits: bounds), into: &collector)
            // A file that was cut is a problem of that file; the rest of the layer was not looked at either.
            try deadline.check()
            try stream.finish()
            if !collector.links.isEmpty { try readLinks(file, bounds, into: &collector) }
        } catch {
            collector.record.problems.add(ScanProblem("the layer could not be read to its end: \(error)"))
        }
        collector.record.shadow.seal()
        return collector.record
    }

    private func bounds(_ size: Int64) -> ArchiveLimits {
        var bounds = limits
        let (product, overflow) = size.multipliedReportingOverflow(by: maxRatio)
        bounds.bytes = min(limits.bytes, max(overflow ? .max : product, 4 << 30))
        return bounds
    }

    private func read(_ archive: Archive, into collector: inout FileCollector) throws(ArchiveError) {
        while let entry = try archive.next() {
            switch LayerPath(entry.path) {
            case .nothing: continue
            case .escapes:
                collector.record.problems.add(ScanProblem("the path leads out of the image", path: entry.path))
            case .removes(let path): collector.record.shadow.add(path, .removed)
            case .empties(let folder): collector.record.shadow.add(folder, .emptied)
            case .entry(let path):
                // A name whose bytes are no text must not stand for another one.
                if entry.isPathExact { collector.record.shadow.add(path, entry.kind == .folder ? .folder : .file) }
                switch entry.kind {
                case .file:
                    guard !entry.isEncrypted else {
                        collector.record.problems.add(ScanProblem("it is encrypted", path: path))
                        continue
                    }
                    collector.add(
                        path, mode: entry.mode, user: entry.user, size: entry.size, capabilities: entry.capabilities,
                        FileStream(size: entry.size) { buffer throws(ArchiveError) in try archive.read(into: buffer) })
                case .hardLink:
                    if case .entry(let target) = LayerPath(entry.target) { collector.add(link: path, to: target) }
                case .folder: collector.add(other: Self.file(path, .folder, entry))
                case .device: collector.add(other: Self.file(path, .device, entry))
                default: continue
                }
            }
        }
    }

    private static func file(_ path: String, _ kind: ImageFile.Kind, _ entry: ArchiveEntry) -> ImageFile {
        ImageFile(
            path: path, kind: kind, mode: entry.mode, user: entry.user, major: entry.device.major,
            minor: entry.device.minor)
    }

    /// Reads the targets of hard links, whose own names nobody asked for.
    private func readLinks(
        _ file: FileRange, _ bounds: ArchiveLimits, into collector: inout FileCollector
    ) throws(ArchiveError) {
        let archive = try Archive(tar: TimedSource(SequentialReader(file), deadline), limits: bounds)
        var left = collector.links
        while !left.isEmpty, let entry = try archive.next() {
            guard entry.kind == .file, case .entry(let path) = LayerPath(entry.path),
                let links = left.removeValue(forKey: path)
            else { continue }
            collector.add(
                links: links, mode: entry.mode,
                FileStream(size: entry.size) { buffer throws(ArchiveError) in try archive.read(into: buffer) })
        }
        for links in left.values {
            collector.record.problems.add(
                ScanProblem("it is a link to a file that is not in its layer", path: links[0]))
        }
    }
}
