// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// SPDX 2.3 in JSON (spdx.github.io/spdx-spec/v2.3). Reads 2.2 as well; lines of tags and values by `SPDXTagValue`.
package enum SPDX {
    /// Hands the text over in pieces. The same bill gives the same bytes.
    package static func write(_ bill: BillOfMaterials, to sink: @escaping ([UInt8]) throws -> Void) throws {
        let packages = bill.sorted
        // Licenses as packages write them are seldom expressions of SPDX, so each is quoted under a name of its own.
        var licenses: [String: Int] = [:]
        var texts: [String] = []
        for package in packages {
            for license in package.licenses where licenses[license] == nil {
                texts.append(license)
                licenses[license] = texts.count
            }
        }
        var json = JSONWriter(sink)
        try json.object { json in
            try json.text("spdxVersion", "SPDX-2.3")
            try json.text("dataLicense", "CC0-1.0")
            try json.text("SPDXID", "SPDXRef-DOCUMENT")
            try json.text("name", bill.name)
            try json.text("documentNamespace", "urn:uuid:\(bill.identity("SPDX"))")
            try json.object("creationInfo") { json in
                try json.text("created", bill.created.isEmpty ? "1970-01-01T00:00:00Z" : bill.created)
                try json.array("creators") { json in
                    try json.element("Tool: bulwark" + (bill.toolVersion.isEmpty ? "" : "-\(bill.toolVersion)"))
                }
            }
            try json.array("packages") { json in
                try json.object { try subject(bill, &$0) }
                if let distribution = bill.distribution { try json.object { try system(distribution, bill, &$0) } }
                for (index, package) in packages.enumerated() {
                    try json.object { try write(package, index, bill, licenses, &$0) }
                }
            }
            if !texts.isEmpty {
                try json.array("hasExtractedLicensingInfos") { json in
                    for (index, text) in texts.enumerated() {
                        try json.object { json in
                            try json.text("licenseId", "LicenseRef-\(index + 1)")
                            try json.text("extractedText", text)
                        }
                    }
                }
            }
            try json.array("relationships") { json in
                try relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Subject", &json)
                if bill.distribution != nil {
                    try relation("SPDXRef-Subject", "CONTAINS", "SPDXRef-OperatingSystem", &json)
                }
                for index in packages.indices {
                    try relation("SPDXRef-Subject", "CONTAINS", "SPDXRef-Package-\(index + 1)", &json)
                }
            }
        }
        try json.finish()
    }

    private static func relation(_ one: String, _ type: String, _ two: String, _ json: inout JSONWriter) throws {
        try json.object { json in
            try json.text("spdxElementId", one)
            try json.text("relationshipType", type)
            try json.text("relatedSpdxElement", two)
        }
    }

    private static func begin(
        _ id: String, _ name: String, _ version: String, _ purpose: String, _ json: inout JSONWriter
    ) throws {
        try json.text("SPDXID", id)
        try json.text("name", name)
        try json.textIfAny("versionInfo", version)
        try json.textIfAny("primaryPackagePurpose", purpose)
        try json.text("downloadLocation", "NOASSERTION")
        try json.literal("filesAnalyzed", "false")
        try json.text("licenseConcluded", "NOASSERTION")
        try json.text("copyrightText", "NOASSERTION")
    }

    private static func subject(_ bill: BillOfMaterials, _ json: inout JSONWriter) throws {
        try begin(
            "SPDXRef-Subject", bill.name, bill.digest, bill.digest.isEmpty ? "FILE" : "CONTAINER", &json)
        try annotations(ExtraFacts.of(bill), bill, &json)
    }

    private static func system(
        _ distribution: Distribution, _ bill: BillOfMaterials, _ json: inout JSONWriter
    ) throws {
        try begin("SPDXRef-OperatingSystem", distribution.id, distribution.versionID, "OPERATING-SYSTEM", &json)
        try annotations(ExtraFacts.of(distribution), bill, &json)
    }

    private static func write(
        _ package: FoundPackage, _ index: Int, _ bill: BillOfMaterials, _ licenses: [String: Int],
        _ json: inout JSONWriter
    ) throws {
        try begin("SPDXRef-Package-\(index + 1)", package.name, package.version, "LIBRARY", &json)
        if !package.licenses.isEmpty {
            let names = package.licenses.map { "LicenseRef-\(licenses[$0] ?? 0)" }
            try json.text("licenseDeclared", names.joined(separator: " AND "))
        }
        if !package.sha1.isEmpty {
            try json.array("checksums") { json in
                try json.object { json in
                    try json.text("algorithm", "SHA1")
                    try json.text("checksumValue", package.sha1)
                }
            }
        }
        try json.array("externalRefs") { json in
            try json.object { json in
                try json.text("referenceCategory", "PACKAGE-MANAGER")
                try json.text("referenceType", "purl")
                try json.text("referenceLocator", package.url(bill.distribution).description)
            }
        }
        try annotations(ExtraFacts.of(package), bill, &json)
    }

    private static func annotations(
        _ facts: [(name: String, value: String)], _ bill: BillOfMaterials, _ json: inout JSONWriter
    ) throws {
        guard !facts.isEmpty else { return }
        try json.array("annotations") { json in
            for (name, value) in facts {
                try json.object { json in
                    try json.text("annotationDate", bill.created.isEmpty ? "1970-01-01T00:00:00Z" : bill.created)
                    try json.text("annotationType", "OTHER")
                    try json.text("annotator", "Tool: bulwark")
                    try json.text("comment", "\(name)=\(value)")
                }
            }
        }
    }

    // MARK: Reading

    /// Packages without a package URL, or with one of a kind that is not known, are none here; libraries among them are
    /// counted.
    /// - Throws: `malformed` for what is no SPDX 2.
    package static func read(_ bytes: [UInt8], source: String) throws(InventoryError) -> BillOfMaterials {
        let file = InventoryFile(path: source, bytes: bytes)
        return try read(try file.json(), file)
    }

    static func read(_ root: Node, _ file: InventoryFile) throws(InventoryError) -> BillOfMaterials {
        guard root.text("spdxVersion").hasPrefix("SPDX-2") else {
            throw file.malformed("expected “spdxVersion”: “SPDX-2.3”")
        }
        var bill = BillOfMaterials(name: root.text("name"), distribution: nil, packages: [])
        bill.created = root["creationInfo"]?.text("created") ?? ""
        var licenses: [String: String] = [:]
        for entry in root.list("hasExtractedLicensingInfos") {
            let name = entry.text("name")
            let text = entry.text("extractedText")
            // Others put a whole license here, and its name beside it.
            licenses[entry.text("licenseId")] = text.utf8.count <= 256 ? text : name
        }
        var distro = ""
        /// Of packages, by their ids.
        var places: [String: Int] = [:]
        for entry in root.list("packages") {
            switch entry.text("primaryPackagePurpose") {
            case "OPERATING-SYSTEM", "OPERATING_SYSTEM":
                bill.distribution = system(entry)
                continue
            case "CONTAINER":
                if entry.text("versionInfo").hasPrefix("sha256:") { bill.digest = entry.text("versionInfo") }
                for (name, value) in facts(entry) { ExtraFacts.apply(name, value, to: &bill) }
            default: break
            }
            let url = purl(entry)
            if let url, distro.isEmpty { distro = url.qualifiers["distro"] ?? "" }
            if let url, let package = package(entry, url, licenses, file.path) {
                places[entry.text("SPDXID")] = bill.packages.count
                bill.packages.append(package)
            } else if entry.text("primaryPackagePurpose") == "LIBRARY" || (url != nil && url?.type != "oci") {
                bill.addUnknown(entry.text("name"))
            }
        }
        // How syft says that a file of one package is what another was found by.
        for relation in root.list("relationships")
        where relation.text("relationshipType") == "OTHER"
            && relation.text("comment").hasPrefix("ownership-by-file-overlap")
        {
            guard let owner = places[relation.text("spdxElementId")],
                let owned = places[relation.text("relatedSpdxElement")], bill.packages[owner].kind.isSystem,
                !bill.packages[owned].kind.isSystem
            else { continue }
            bill.packages[owned].owner = "\(bill.packages[owner].kind.rawValue):\(bill.packages[owner].name)"
        }
        if bill.distribution == nil { bill.distribution = Distribution(qualifier: distro) }
        return bill
    }

    private static func purl(_ entry: Node) -> PackageURL? {
        for reference in entry.list("externalRefs") where reference.text("referenceType") == "purl" {
            return PackageURL(reference.text("referenceLocator"))
        }
        return nil
    }

    private static func facts(_ entry: Node) -> [(String, String)] {
        var out: [(String, String)] = []
        for annotation in entry.list("annotations") {
            if let (name, value) = annotation.text("comment").cut("="), name.hasPrefix(ExtraFacts.prefix) {
                out.append((String(name), String(value)))
            }
        }
        return out
    }

    private static func system(_ entry: Node) -> Distribution {
        var distribution = Distribution()
        distribution.id = Distribution.ownID(entry.text("name"))
        distribution.versionID = entry.text("versionInfo")
        for (name, value) in facts(entry) { ExtraFacts.apply(name, value, to: &distribution) }
        return distribution
    }

    private static func package(
        _ entry: Node, _ url: PackageURL, _ licenses: [String: String], _ source: String
    ) -> FoundPackage? {
        guard var package = FoundPackage(url, path: "") else { return nil }
        if package.version.isEmpty { package.version = entry.text("versionInfo") }
        let declared = entry.text("licenseDeclared")
        if !declared.isEmpty, declared != "NOASSERTION", declared != "NONE" {
            let parts = declared.split(separator: " AND ").map(String.init)
            let isList = parts.allSatisfy { licenses[$0] != nil }
            package.licenses = isList ? parts.map { licenses[$0] ?? $0 } : [declared]
        }
        for checksum in entry.list("checksums") where checksum.text("algorithm") == "SHA1" {
            package.sha1 = checksum.text("checksumValue")
        }
        var trivy = ExtraFacts.TrivySource()
        for (name, value) in facts(entry) { ExtraFacts.apply(name, value, to: &package, &trivy) }
        // Trivy says the source package in words.
        if let words = entry.text("sourceInfo").dropPrefix("built package from: "), let (name, version) = words.cut(" ")
        {
            (trivy.name, trivy.version) = (String(name), String(version))
            trivy.apply(to: &package)
        }
        if package.path.isEmpty { package.path = source }
        return package
    }
}
