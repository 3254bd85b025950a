// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// What was read of an image as it is kept, so that it can be judged again without its layers: everything but the
/// vulnerabilities, which other advisories tell anew, and why some of them do not count, which other exceptions do.
extension ImageReport {
    /// Names the form and what readers find: whatever was kept under another number is to be read anew.
    package static let codingVersion = Int64(1 << 16 | LayerRecord.version)

    package var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.text("bulwark image")
        writer.integer(UInt64(bitPattern: Self.codingVersion))
        for value in [name, reference, digest, imageID, platform, created] { writer.text(value) }
        writer.list(inventory.distribution.map { [$0] } ?? []) { $0.distribution($1) }
        writer.list(inventory.packages) {
            $0.package($1)
            $0.text($1.owner)
            $0.optional($1.layer)
        }
        writer.list(inventory.secrets) {
            $0.secret($1.match)
            $0.place($1)
        }
        writer.list(inventory.malware) {
            $0.malware($1.match)
            $0.place($1)
        }
        writer.list(inventory.misconfigurations) {
            $0.trait($1.match)
            $0.place($1)
        }
        writer.list(inventory.layers) {
            for value in [$1.digest, $1.diffID, $1.createdBy] { $0.text(value) }
            for value in [$1.files, Int(truncatingIfNeeded: $1.bytes), $1.packages] { $0.integer(value) }
        }
        writer.integer(inventory.problems.count)
        writer.list(inventory.problems.list) {
            $0.text($1.path)
            $0.text($1.message)
            $0.optional($1.layer)
        }
        writer.integer(LayerRecord.checksum(writer.bytes[...]))
        return writer.bytes
    }

    /// Nil for what is no report, is damaged, or was written by another version.
    package init?(encoded: [UInt8]) {
        guard encoded.count > 8 else { return nil }
        let report = encoded.withUnsafeBytes { bytes -> ImageReport? in
            let body = UnsafeRawBufferPointer(rebasing: bytes.dropLast(8))
            let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: body.count, as: UInt64.self))
            guard LayerRecord.checksum(encoded.dropLast(8)) == sum else { return nil }
            do throws(RecordReader.Broken) { return try ImageReport(body) } catch { return nil }
        }
        guard let report else { return nil }
        self = report
    }

    private init?(_ bytes: UnsafeRawBufferPointer) throws(RecordReader.Broken) {
        var reader = RecordReader(bytes)
        guard try reader.text() == "bulwark image",
            Int64(bitPattern: try reader.integer()) == Self.codingVersion
        else { return nil }
        self.init(name: try reader.text(), inventory: ImageInventory())
        reference = try reader.text()
        digest = try reader.text()
        imageID = try reader.text()
        platform = try reader.text()
        created = try reader.text()
        inventory.distribution = try reader.list(64) { reader throws(RecordReader.Broken) in
            try reader.distribution()
        }.first
        inventory.packages = try reader.list(16) { reader throws(RecordReader.Broken) in
            var package = try reader.package()
            package.owner = try reader.text()
            package.layer = try reader.optional()
            return package
        }
        inventory.secrets = try reader.list(16) { reader throws(RecordReader.Broken) in
            let match = try reader.secret()
            return FileFinding(match: match, layer: try reader.optional(), fate: try reader.fate())
        }
        inventory.malware = try reader.list(16) { reader throws(RecordReader.Broken) in
            let match = try reader.malware()
            return FileFinding(match: match, layer: try reader.optional(), fate: try reader.fate())
        }
        inventory.misconfigurations = try reader.list(16) { reader throws(RecordReader.Broken) in
            let match = try reader.trait()
            return FileFinding(match: match, layer: try reader.optional(), fate: try reader.fate())
        }
        inventory.layers = try reader.list(48) { reader throws(RecordReader.Broken) in
            var layer = ImageInventory.LayerSummary()
            layer.digest = try reader.text()
            layer.diffID = try reader.text()
            layer.createdBy = try reader.text()
            layer.files = try reader.int()
            layer.bytes = Int64(try reader.int())
            layer.packages = try reader.int()
            return layer
        }
        let count = try reader.int()
        inventory.problems = ScanProblems(
            try reader.list(16) { reader throws(RecordReader.Broken) in
                let path = try reader.text()
                return ScanProblem(try reader.text(), path: path, layer: try reader.optional())
            }, count: count)
        guard reader.isAtEnd else { return nil }
    }
}

extension RecordWriter {
    /// A number from 0; nothing is -1.
    fileprivate mutating func optional(_ value: Int?) { integer(value ?? -1) }

    fileprivate mutating func place<Match>(_ finding: FileFinding<Match>) {
        optional(finding.layer)
        integer(finding.fate == .visible ? 0 : finding.fate == .replaced ? 1 : 2)
    }

    fileprivate mutating func distribution(_ value: Distribution) {
        for text in [
            value.id, value.versionID, value.codename, value.name, value.prettyName, value.version, value.cpe,
            value.path,
        ] { self.text(text) }
        list(value.idLike) { $0.text($1) }
    }
}

extension RecordReader {
    fileprivate mutating func optional() throws(Broken) -> Int? {
        let value = try int()
        return value < 0 ? nil : value
    }

    fileprivate mutating func fate() throws(Broken) -> Shadow.Fate {
        switch try int() {
        case 0: return .visible
        case 1: return .replaced
        case 2: return .deleted
        default: throw Broken()
        }
    }

    fileprivate mutating func distribution() throws(Broken) -> Distribution {
        var value = Distribution()
        value.id = try text()
        value.versionID = try text()
        value.codename = try text()
        value.name = try text()
        value.prettyName = try text()
        value.version = try text()
        value.cpe = try text()
        value.path = try text()
        value.idLike = try list(8) { reader throws(Broken) in try reader.text() }
        return value
    }
}
