// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Crypto

/// jar, war, ear and the like, and those inside of them.
///
/// An archive is what its pom.properties say. With several, other archives were shaded into it: each is a package. With
/// none, name and version come from the manifest and the file's name, and the SHA-1 is kept so that an index of Maven
/// Central can tell more.
enum JavaArchive {
    static let reader: any PackageReader = FileReader("Java archive", limit: 1 << 30, read)
    static let endings = ["jar", "war", "ear", "par", "sar", "rar", "jpi", "hpi", "lpkg", "nar"]

    private static let maxDepth = 16
    /// Bytes of one archive inside of another.
    private static let maxInner = 256 << 20
    /// Bytes of all archives inside of one file.
    private static let maxTotal = 1 << 30
    /// Bytes of manifests and files of Maven in one file and all inside of it.
    private static let maxMetadata = 128 << 20
    private static let maxArchives = 20_000
    private static let maxPackages = 100_000

    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var walk = Walk(file: file)
        walk.open(file.bytes, inner: "", depth: 0)
        return try walk.result.get()
    }

    private struct Walk {
        let file: InventoryFile
        var result = PartialResult()
        var total = 0
        var metadata = 0
        var archives = 0

        init(file: InventoryFile) { self.file = file }

        mutating func open(_ bytes: [UInt8], inner: String, depth: Int) {
            var contents = Contents()
            do throws(ArchiveError) {
                let limits = ArchiveLimits(entries: 1_000_000, bytes: 16 << 30)
                let archive = try Archive(MemoryRange(bytes), .zip, limits: limits)
                while let entry = try archive.next() {
                    guard entry.kind == .file else { continue }
                    if JavaArchive.isArchive(entry.path) {
                        try step(archive, entry, inner: inner, depth: depth)
                    } else {
                        metadata += try contents.take(entry, archive)
                        guard metadata <= maxMetadata else {
                            throw ArchiveError(.tooLarge, "more than \(maxMetadata) bytes of manifests and pom files")
                        }
                    }
                }
            } catch { result.add(InventoryError(error, file, inner: inner)) }
            let found = contents.packages(bytes, file, inner: inner)
            guard result.packages.count + found.count <= maxPackages else {
                result.add(file.tooLarge("more than \(maxPackages) packages"))
                return
            }
            result.packages += found
        }

        private mutating func step(
            _ archive: Archive, _ entry: ArchiveEntry, inner: String, depth: Int
        ) throws(ArchiveError) {
            let path = inner.isEmpty ? entry.path : "\(inner)!/\(entry.path)"
            guard depth < maxDepth else {
                result.add(file.tooLarge("\(path): archives lie inside each other more than \(maxDepth) deep"))
                return
            }
            archives += 1
            guard archives <= maxArchives, total < maxTotal else {
                throw ArchiveError(
                    .tooLarge, "more archives inside than \(maxArchives), or than \(maxTotal) bytes of them")
            }
            let bytes = try archive.contents(limit: min(maxInner, maxTotal - total))
            total += bytes.count
            open(bytes, inner: path, depth: depth + 1)
        }
    }

    static func isArchive(_ path: String) -> Bool {
        guard let ending = path.utf8.lastIndex(of: 0x2E) else { return false }
        let text = path[path.utf8.index(after: ending)...]
        return endings.contains { $0 == text }
    }

    /// What one archive says about itself.
    private struct Contents {
        var manifest = HeaderFields(UnsafeBufferPointer(start: nil, count: 0), wanted: [])
        /// By the folder in META-INF/maven.
        var properties: [String: Coordinates] = [:]
        var poms: [String: Coordinates] = [:]
        var order: [String] = []

        private static let wanted: Set<String> = [
            "implementation-title", "implementation-version", "implementation-vendor-id", "bundle-symbolicname",
            "bundle-version", "specification-version", "specification-title", "plugin-version", "short-name",
            "group-id",
            "automatic-module-name",
        ]

        /// - Returns: the bytes that were read for it.
        mutating func take(_ entry: ArchiveEntry, _ archive: Archive) throws(ArchiveError) -> Int {
            if entry.path == "META-INF/MANIFEST.MF" {
                let bytes = try archive.contents(limit: 4 << 20)
                manifest = bytes.withUnsafeBufferPointer { HeaderFields($0, keepsSpace: false, wanted: Self.wanted) }
                return bytes.count
            }
            // Where shading or war files put them, too: WEB-INF/classes/META-INF/maven.
            guard entry.path.hasSuffix("/pom.properties") || entry.path.hasSuffix("/pom.xml"),
                entry.path.contains("META-INF/maven/"), order.count < 10_000,
                let (folder, name) = entry.path.cutLast("/")
            else { return 0 }
            let bytes = try archive.contents(limit: 8 << 20)
            let key = String(folder)
            order.append(key)
            bytes.withUnsafeBufferPointer { text in
                if name == "pom.properties" {
                    properties[key] = Coordinates(properties: text)
                } else if let pom = try? PomFile(text) {
                    poms[key] = Coordinates(group: pom.group, artifact: pom.artifact, version: pom.version)
                }
            }
            return bytes.count
        }

        func packages(_ bytes: [UInt8], _ file: InventoryFile, inner: String) -> [FoundPackage] {
            var known: [Coordinates] = []
            var seen: Set<Coordinates> = []
            for key in order {
                guard let found = properties[key] ?? poms[key], found.isComplete, seen.insert(found).inserted else {
                    continue
                }
                known.append(found)
            }
            var packages: [FoundPackage] = []
            for coordinates in known { packages.append(coordinates.package(file, inner)) }
            let name = JavaFileName(inner.isEmpty ? file.path : inner)
            // Of several, the archive itself is the one that it is called after. One is the archive, whatever the file is
            // called, but for a file with another name and version: that has something shaded into it.
            if known.contains(where: { name.isNamed(after: $0.artifact) }) { return packages }
            if known.count == 1, let one = known.first {
                let version = name.parts(version: "").version
                if version.isEmpty || version == one.version { return packages }
            }
            guard let own = guess(name, isShaded: !known.isEmpty) else { return packages }
            var package = own.package(file, inner)
            package.sha1 = Self.hexadecimal(Insecure.SHA1.hash(data: bytes))
            return packages + [package]
        }

        private func guess(_ name: JavaFileName, isShaded: Bool) -> Coordinates? {
            var version = ""
            for field in ["implementation-version", "bundle-version", "plugin-version", "specification-version"] {
                let text = manifest[field]
                // Some write sentences or unreplaced variables here.
                if !text.isEmpty, !text.contains(where: { $0 == " " || $0 == "$" }) {
                    version = text
                    break
                }
            }
            let parts = name.parts(version: version)
            let title = manifest["implementation-title"]
            let symbolic =
                manifest["bundle-symbolicname"].cut(";").map { String($0.before) } ?? manifest["bundle-symbolicname"]
            var artifact = parts.version.isEmpty ? "" : parts.artifact
            if artifact.isEmpty {
                let isWord =
                    !title.isEmpty && !title.contains(where: { $0 == " " || $0 == ":" || $0 == "/" || $0 == "$" })
                artifact = isWord && !title.contains(".") ? title : parts.artifact
            }
            // A file may be named after a branch only: log4j-1.2.jar of 1.2.17, x-1.2.x.jar. What OSGi fills up by zeros
            // is none: 1.0 is 1.0.0 there.
            let rest = version.dropPrefix(parts.version + ".") ?? ""
            let isBranch = parts.version.hasSuffix(".x") || rest.contains { $0 != "0" && $0 != "." }
            if !parts.version.isEmpty, version.isEmpty || !isBranch { version = parts.version }
            // A file of classes that says nothing about itself is no package that anybody could name.
            guard !artifact.isEmpty, !version.isEmpty else { return nil }
            // Distributions name the file after a branch: log4j-1.2-1.2.17.jar.
            if symbolic == "org.apache.log4j" { artifact = "log4j" }
            let group = group(artifact, version, symbolic)
            if isShaded, group == artifact, JavaGroups.group(of: artifact, version: version) == nil { return nil }
            return Coordinates(group: group, artifact: artifact, version: version)
        }

        private func group(_ artifact: String, _ version: String, _ symbolic: String) -> String {
            if let group = JavaGroups.group(of: artifact, version: version) { return group }
            for field in ["group-id", "implementation-vendor-id"] where Self.isGroup(manifest[field]) {
                return manifest[field]
            }
            if Self.isGroup(symbolic), let (above, last) = symbolic.cutLast(".") {
                // `org.apache.maven.core` is made of `org.apache.maven` and `maven-core`, `org.tukaani.xz` of `xz`.
                let isInner = artifact == last || artifact == symbolic || artifact.hasSuffix("-\(last)")
                let isFoundation = above == "org.apache" || above == "org.eclipse" || !above.contains(".")
                return isInner && !isFoundation ? String(above) : symbolic
            }
            // Old artifacts are groups of their own: commons-io:commons-io.
            return artifact
        }

        private static func isGroup(_ text: String) -> Bool {
            !text.isEmpty
                && text.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                    default: false
                    }
                }
        }

        private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
            let digits = Array("0123456789abcdef".utf8)
            var out: [UInt8] = []
            for byte in bytes {
                out.append(digits[Int(byte >> 4)])
                out.append(digits[Int(byte & 15)])
            }
            return String(decoding: out, as: UTF8.self)
        }
    }

    private struct Coordinates: Hashable {
        var group: String
        var artifact: String
        var version: String

        init(group: String, artifact: String, version: String) {
            (self.group, self.artifact, self.version) = (group, artifact, version)
        }

        /// `key=value` lines with comments by `#` and `!` (java.util.Properties).
        init(properties text: UnsafeBufferPointer<UInt8>) {
            (group, artifact, version) = ("", "", "")
            for raw in Lines(text) {
                let line = raw.trimmed
                guard let first = line.first, first != 0x23, first != 0x21 else { continue }
                guard let mark = line.firstIndex(where: { $0 == 0x3D || $0 == 0x3A }) else { continue }
                let value = line.dropping(mark + 1).trimmed.string
                switch line.prefixing(mark).trimmed.string {
                case "groupId": group = value
                case "artifactId": artifact = value
                case "version": version = value
                default: break
                }
            }
        }

        var isComplete: Bool {
            !group.isEmpty && !artifact.isEmpty && !version.isEmpty && !"\(group)\(artifact)\(version)".contains("$")
        }

        func package(_ file: InventoryFile, _ inner: String) -> FoundPackage {
            var package = FoundPackage(.maven, name: "\(group):\(artifact)", version: version, path: file.path)
            package.innerPath = inner
            return package
        }
    }
}

/// The name of a Java archive: `commons-lang3-3.18.0.jar`.
struct JavaFileName {
    private let stem: String

    init(_ path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        stem = name.cutLast(".").map { String($0.before) } ?? name
    }

    func isNamed(after artifact: String) -> Bool { stem == artifact || stem.hasPrefix(artifact + "-") }

    /// Artifact and version. They part at the first hyphen before a digit, or where a known version begins. The version
    /// is empty where there is none.
    func parts(version: String) -> (artifact: String, version: String) {
        if !version.isEmpty, stem.hasSuffix("-" + version) {
            return (String(stem.dropLast(version.count + 1)), version)
        }
        let bytes = Array(stem.utf8)
        for index in bytes.indices.dropLast() where bytes[index] == 0x2D {
            let next = bytes[index + 1]
            guard index > 0, next >= 0x30, next <= 0x39 else { continue }
            return (
                String(decoding: bytes[..<index], as: UTF8.self), String(decoding: bytes[(index + 1)...], as: UTF8.self)
            )
        }
        // Some put nothing between: py4j0.10.7.jar. Only a version of three parts is told from a name that ends so.
        if let letter = bytes.lastIndex(where: { $0 != 0x2E && !($0 >= 0x30 && $0 <= 0x39) }), letter + 1 < bytes.count,
            bytes[(letter + 1)...].split(separator: 0x2E, omittingEmptySubsequences: false).count == 3,
            bytes[letter + 1] != 0x2E, bytes.last != 0x2E, bytes[letter] != 0x2D
        {
            return (
                String(decoding: bytes[...letter], as: UTF8.self),
                String(decoding: bytes[(letter + 1)...], as: UTF8.self)
            )
        }
        return (stem, "")
    }
}
