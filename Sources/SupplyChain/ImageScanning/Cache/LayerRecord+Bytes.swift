// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import Secrets

/// The record of a layer as it is kept in a file.
extension LayerRecord {
    /// Raised whenever readers find more, or the form changes: what was kept before counts no more.
    static let version: UInt64 = 4

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.text("bulwark layer")
        writer.integer(Self.version)
        writer.text(diffID)
        writer.integer(files)
        writer.integer(UInt64(bitPattern: bytes))
        writer.list(packages) { $0.package($1) }
        writer.list(kept) {
            $0.text($1.path)
            $0.data($1.bytes)
        }
        writer.list(ownership) {
            $0.text($1.path)
            $0.text($1.owner)
            $0.integers($1.files)
        }
        writer.list(secrets) { $0.secret($1) }
        writer.list(malware) { $0.malware($1) }
        writer.list(traits) { $0.trait($1) }
        writer.integer(shadow.hash.key.0)
        writer.integer(shadow.hash.key.1)
        writer.integers(shadow.entries)
        writer.integer(problems.count)
        writer.list(problems.list) {
            $0.text($1.path)
            $0.text($1.message)
        }
        writer.integer(Self.checksum(writer.bytes[...]))
        return writer.bytes
    }

    /// Nil for what is no record, is damaged, or was written by another version.
    init?(encoded: [UInt8]) {
        guard encoded.count > 8 else { return nil }
        let record = encoded.withUnsafeBytes { bytes -> LayerRecord? in
            let body = UnsafeRawBufferPointer(rebasing: bytes.dropLast(8))
            let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: body.count, as: UInt64.self))
            guard Self.checksum(encoded.dropLast(8)) == sum else { return nil }
            do throws(RecordReader.Broken) { return try LayerRecord(body) } catch { return nil }
        }
        guard let record else { return nil }
        self = record
    }

    private init?(_ bytes: UnsafeRawBufferPointer) throws(RecordReader.Broken) {
        var reader = RecordReader(bytes)
        guard try reader.text() == "bulwark layer", try reader.integer() == Self.version else { return nil }
        diffID = try reader.text()
        files = try reader.int()
        self.bytes = Int64(bitPattern: try reader.integer())
        packages = try reader.list(16) { reader throws(RecordReader.Broken) in try reader.package() }
        kept = try reader.list(16) { reader throws(RecordReader.Broken) in
            KeptFile(path: try reader.text(), bytes: try reader.data())
        }
        ownership = try reader.list(16) { reader throws(RecordReader.Broken) in
            Ownership(path: try reader.text(), owner: try reader.text(), files: try reader.integers())
        }
        secrets = try reader.list(16) { reader throws(RecordReader.Broken) in try reader.secret() }
        malware = try reader.list(16) { reader throws(RecordReader.Broken) in try reader.malware() }
        traits = try reader.list(40) { reader throws(RecordReader.Broken) in try reader.trait() }
        let key = (try reader.integer(), try reader.integer())
        shadow = Shadow(hash: PathHash(key: key), entries: try reader.integers())
        let count = try reader.int()
        problems = ScanProblems(
            try reader.list(16) { reader throws(RecordReader.Broken) in
                let path = try reader.text()
                return ScanProblem(try reader.text(), path: path)
            }, count: count)
        guard reader.isAtEnd else { return nil }
    }

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { PathHash(key: (0, 0))($0) }
    }
}

extension RecordWriter {
    mutating func package(_ package: FoundPackage) {
        text(package.kind.rawValue)
        for value in [
            package.name, package.version, package.architecture, package.source, package.sourceVersion, package.module,
            package.path, package.innerPath, package.sha1,
        ] { text(value) }
        list(package.licenses) { $0.text($1) }
        integer(package.isDevelopment ? 1 : 0)
    }
}

extension RecordReader {
    mutating func package() throws(Broken) -> FoundPackage {
        guard let kind = PackageKind(rawValue: try text()) else { throw Broken() }
        var package = FoundPackage(kind, name: try text(), version: try text(), path: "")
        package.architecture = try text()
        package.source = try text()
        package.sourceVersion = try text()
        package.module = try text()
        package.path = try text()
        package.innerPath = try text()
        package.sha1 = try text()
        package.licenses = try list(8) { reader throws(Broken) in try reader.text() }
        package.isDevelopment = try integer() == 1
        return package
    }
}

extension RecordWriter {
    mutating func secret(_ match: SecretMatch) {
        for value in [match.rule, match.title, match.path, match.excerpt, match.identity] { text(value) }
        for value in [match.severity.rawValue, match.line, match.column, match.unlisted] { integer(value) }
    }

    mutating func trait(_ result: ImageCheckResult) {
        for value in [result.check.id, result.outcome.rawValue, result.message, result.path, result.value] {
            text(value)
        }
    }

    mutating func malware(_ match: MalwareMatch) {
        for value in [match.path, match.rule, match.namespace, match.title, match.description, match.source.rawValue] {
            text(value)
        }
        integer(match.severity.rawValue)
        list(match.evidence) {
            $0.text($1.identifier)
            $0.integer($1.offset)
            $0.text($1.excerpt)
        }
    }
}

extension RecordReader {
    /// The checks on files and configurations by their ids.
    private static let checks = Dictionary(
        (ImageBehaviour.all + ImageConfigurationChecks.all).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first }
    )

    private mutating func severity() throws(Broken) -> Severity {
        guard let severity = Severity(rawValue: try int()) else { throw Broken() }
        return severity
    }

    mutating func secret() throws(Broken) -> SecretMatch {
        let (rule, title, path, excerpt, identity) = (try text(), try text(), try text(), try text(), try text())
        return SecretMatch(
            rule: rule, title: title, severity: try severity(), path: path, line: try int(), column: try int(),
            excerpt: excerpt, identity: identity, unlisted: try int())
    }

    mutating func trait() throws(Broken) -> ImageCheckResult {
        let id = try text()
        guard let check = Self.checks[id], let outcome = Outcome(rawValue: try text()) else { throw Broken() }
        return ImageCheckResult(check, outcome, try text(), path: try text(), value: try text())
    }

    mutating func malware() throws(Broken) -> MalwareMatch {
        let (path, rule, namespace, title) = (try text(), try text(), try text(), try text())
        let description = try text()
        guard let source = MalwareMatch.Source(rawValue: try text()) else { throw Broken() }
        return MalwareMatch(
            path: path, rule: rule, namespace: namespace, title: title, severity: try severity(),
            description: description,
            evidence: try list(24) { reader throws(Broken) in
                MalwareMatch.Evidence(
                    identifier: try reader.text(), offset: try reader.integer(), excerpt: try reader.text())
            }, source: source)
    }
}
