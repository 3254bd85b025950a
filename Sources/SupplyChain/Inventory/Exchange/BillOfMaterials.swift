// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents

/// What an image or folder is made of, for exchange with other programs: see `CycloneDX` and `SPDX`.
package struct BillOfMaterials: Sendable, Hashable {
    /// The image's reference, or the folder.
    package var name: String
    /// `sha256:…` of the image; empty for others.
    package var digest = ""
    /// RFC 3339, in UTC.
    package var created = ""
    /// Version of the program that made it, ours for those that are written.
    package var toolVersion = ""
    package var distribution: Distribution?
    package var packages: [FoundPackage]
    /// From the lowest to the topmost; empty for others than images.
    package var layers: [Layer] = []
    /// Libraries without a package URL, or with one of a kind that is not known: nobody can judge them. At most 20 names.
    package var unknown: [String] = []
    package var unknownCount = 0
    /// As a scan found them; CycloneDX alone writes them.
    package var vulnerabilities: [BillVulnerability] = []
    /// Names of each vulnerability that a bill which was read tells of and does not call harmless or mended.
    package var listed: [[String]] = []

    package struct Layer: Sendable, Hashable {
        /// Of the stored bytes.
        package var digest: String
        /// Of the bytes without compression.
        package var diffID: String
        package var createdBy: String

        package init(digest: String, diffID: String, createdBy: String) {
            (self.digest, self.diffID, self.createdBy) = (digest, diffID, createdBy)
        }
    }

    mutating func addUnknown(_ name: String) {
        unknownCount += 1
        if unknown.count < 20 { unknown.append(name) }
    }

    package init(name: String, distribution: Distribution?, packages: [FoundPackage]) {
        self.name = name
        self.distribution = distribution
        self.packages = packages
    }

    /// Reads CycloneDX (JSON or XML) or SPDX 2 (JSON or lines of tags and values), told apart by what they begin with.
    /// - Returns: the bill, and for CycloneDX with vulnerabilities its text as JSON, for whoever looks at these.
    /// - Throws: `malformed` for what is neither.
    package static func read(
        _ bytes: [UInt8], source: String
    ) throws(InventoryError) -> (bill: BillOfMaterials, cycloneDX: [UInt8]?) {
        let file = InventoryFile(path: source, bytes: bytes)
        let start = bytes.prefix(4096).drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D || $0 > 0x7F }
        switch start.first {
        case 0x7B:
            let root = try file.json()
            if root["spdxVersion"] != nil { return (try SPDX.read(root, file), nil) }
            return (try CycloneDX.read(root, file), root.list("vulnerabilities").isEmpty ? nil : bytes)
        case 0x3C:
            let json = try CycloneDXXML.json(file)
            let root = try InventoryFile(path: source, bytes: json).json()
            return (try CycloneDX.read(root, file), root.list("vulnerabilities").isEmpty ? nil : json)
        case 0x23, 0x53: return (try SPDX.read(try SPDXTagValue.json(file), source: source), nil)
        default: throw file.malformed("expected CycloneDX (JSON or XML) or SPDX 2 (JSON or tags and values)")
        }
    }

    /// In an order that only depends on the packages themselves.
    var sorted: [FoundPackage] {
        packages.sorted { one, two in
            (one.kind.rawValue, one.name, one.version, one.path, one.innerPath, one.architecture)
                < (two.kind.rawValue, two.name, two.version, two.path, two.innerPath, two.architecture)
        }
    }

    /// A UUID (version 5 by form) of what the bill says, so that the same contents give the same bytes.
    func identity(_ format: String) -> String {
        var text = "\(format)\n\(name)\n\(digest)\n\(created)\n"
        for package in sorted {
            text += "\(package.kind.rawValue) \(package.name) \(package.version) \(package.path)\n"
        }
        var bytes = Array(Insecure.SHA1.hash(data: Array(text.utf8)))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        for (index, byte) in bytes.prefix(16).enumerated() {
            if [4, 6, 8, 10].contains(index) { out.append(0x2D) }
            out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// What neither format has a place for, as pairs of names and texts: properties of CycloneDX, annotations of SPDX.
enum ExtraFacts {
    static let prefix = "bulwark:"

    static func of(_ package: FoundPackage) -> [(name: String, value: String)] {
        var out: [(String, String)] = []
        func add(_ name: String, _ value: String) { if !value.isEmpty { out.append((prefix + name, value)) } }
        add("name", package.kind == .pypi ? package.name : "")
        add("path", package.path)
        add("innerPath", package.innerPath)
        add("owner", package.owner)
        add("layer", package.layer.map(String.init) ?? "")
        add("development", package.isDevelopment ? "true" : "")
        return out
    }

    private static let maxLayers = 10_000

    /// `bulwark:layer:0:diffID`
    static func of(_ bill: BillOfMaterials) -> [(name: String, value: String)] {
        var out: [(String, String)] = []
        for (index, layer) in bill.layers.enumerated() {
            for (name, value) in [
                ("diffID", layer.diffID), ("digest", layer.digest), ("createdBy", layer.createdBy),
            ] where !value.isEmpty || name == "diffID" { out.append(("\(prefix)layer:\(index):\(name)", value)) }
        }
        return out
    }

    static func apply(_ name: String, _ value: String, to bill: inout BillOfMaterials) {
        let parts = name.split(separator: ":")
        guard parts.count == 4, parts[0] == "bulwark", parts[1] == "layer", let index = Int(parts[2]), index >= 0,
            index <= bill.layers.count, index < maxLayers
        else { return }
        if index == bill.layers.count { bill.layers.append(.init(digest: "", diffID: "", createdBy: "")) }
        switch parts[3] {
        case "diffID": bill.layers[index].diffID = value
        case "digest": bill.layers[index].digest = value
        case "createdBy": bill.layers[index].createdBy = value
        default: break
        }
    }

    static func of(_ distribution: Distribution) -> [(name: String, value: String)] {
        var out: [(String, String)] = []
        func add(_ name: String, _ value: String) { if !value.isEmpty { out.append((prefix + name, value)) } }
        add("codename", distribution.codename)
        add("name", distribution.name)
        add("prettyName", distribution.prettyName)
        add("version", distribution.version)
        add("idLike", distribution.idLike.joined(separator: " "))
        add("cpe", distribution.cpe)
        add("path", distribution.path)
        return out
    }

    /// Ours, and what syft and Trivy call the same things.
    static func apply(_ name: String, _ value: String, to package: inout FoundPackage, _ trivy: inout TrivySource) {
        switch name {
        case "bulwark:name":
            if PythonName.normalized(value) == PythonName.normalized(package.name) { package.name = value }
        case "bulwark:path", "aquasecurity:trivy:FilePath", "syft:location:0:path":
            package.path = String(value.drop { $0 == "/" })
        case "bulwark:innerPath": package.innerPath = value
        case "bulwark:owner": package.owner = value
        case "bulwark:layer": package.layer = Int(value)
        case "bulwark:development": package.isDevelopment = value == "true"
        case "aquasecurity:trivy:SrcName": trivy.name = value
        case "aquasecurity:trivy:SrcVersion": trivy.version = value
        case "aquasecurity:trivy:SrcRelease": trivy.release = value
        case "aquasecurity:trivy:SrcEpoch": trivy.epoch = value
        case "aquasecurity:trivy:Modularitylabel":
            let parts = value.split(separator: ":")
            if parts.count >= 2 { package.module = "\(parts[0]):\(parts[1])" }
        default: break
        }
    }

    static func apply(_ name: String, _ value: String, to distribution: inout Distribution) {
        switch name {
        case "bulwark:codename", "syft:distro:versionCodename": distribution.codename = value
        case "bulwark:name": distribution.name = value
        case "bulwark:prettyName", "syft:distro:prettyName": distribution.prettyName = value
        case "bulwark:version": distribution.version = value
        case "bulwark:idLike": distribution.idLike = value.split(separator: " ").map(String.init)
        case "bulwark:cpe": distribution.cpe = value
        case "bulwark:path": distribution.path = value
        case "syft:distro:id": distribution.id = value
        case "syft:distro:versionID": distribution.versionID = value
        default: break
        }
    }

    /// Trivy says the source package in four properties.
    struct TrivySource {
        var name = ""
        var version = ""
        var release = ""
        var epoch = ""

        func apply(to package: inout FoundPackage) {
            guard !name.isEmpty, package.kind.isSystem, package.source.isEmpty else { return }
            var whole = release.isEmpty ? version : "\(version)-\(release)"
            if !epoch.isEmpty, epoch != "0" { whole = "\(epoch):\(whole)" }
            // rpm names a source for every package, the others only for those that are not called after theirs.
            if package.kind != .rpm, name == package.name, whole == package.version { return }
            (package.source, package.sourceVersion) = (name, whole)
        }
    }
}
