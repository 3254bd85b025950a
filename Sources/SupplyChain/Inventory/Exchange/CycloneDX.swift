// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// CycloneDX in JSON: writes 1.6, reads 1.2 to 1.6 (cyclonedx.org); XML by `CycloneDXXML`.
package enum CycloneDX {
    /// Hands the text over in pieces. The same bill gives the same bytes.
    package static func write(_ bill: BillOfMaterials, to sink: @escaping ([UInt8]) throws -> Void) throws {
        // References must differ, and so must the packages.
        var references: [FoundPackage: String] = [:]
        var packages: [FoundPackage] = []
        var seen: [String: Int] = [:]
        for package in bill.sorted where references[package] == nil {
            let text = package.url(bill.distribution).description
            let count = seen[text, default: 0] + 1
            seen[text] = count
            references[package] = count == 1 ? text : "\(text)#\(count)"
            packages.append(package)
        }
        var json = JSONWriter(sink)
        try json.object { json in
            try json.text("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")
            try json.text("bomFormat", "CycloneDX")
            try json.text("specVersion", "1.6")
            try json.text("serialNumber", "urn:uuid:\(bill.identity("CycloneDX"))")
            try json.literal("version", "1")
            try json.object("metadata") { try metadata(bill, &$0) }
            try json.array("components") { json in
                if let distribution = bill.distribution { try json.object { try system(distribution, &$0) } }
                for package in packages {
                    try json.object { try component(package, bill.distribution, references[package] ?? "", &$0) }
                }
            }
            if !bill.vulnerabilities.isEmpty {
                try json.array("vulnerabilities") { json in
                    for (index, item) in bill.vulnerabilities.enumerated() {
                        try json.object { try write(item, number: index + 1, references, &$0) }
                    }
                }
            }
        }
        try json.finish()
    }

    private static func metadata(_ bill: BillOfMaterials, _ json: inout JSONWriter) throws {
        try json.textIfAny("timestamp", bill.created)
        try json.object("tools") { json in
            try json.array("components") { json in
                try json.object { json in
                    try json.text("type", "application")
                    try json.text("name", "bulwark")
                    try json.textIfAny("version", bill.toolVersion)
                }
            }
        }
        try json.object("component") { json in
            try json.text("bom-ref", "subject")
            try json.text("type", bill.digest.isEmpty ? "file" : "container")
            try json.text("name", bill.name)
            try json.textIfAny("version", bill.digest)
            try properties(ExtraFacts.of(bill), &json)
        }
    }

    private static func system(_ distribution: Distribution, _ json: inout JSONWriter) throws {
        try json.text("bom-ref", "operating-system")
        try json.text("type", "operating-system")
        try json.text("name", distribution.id)
        try json.textIfAny("version", distribution.versionID)
        try json.textIfAny("description", distribution.prettyName)
        try properties(ExtraFacts.of(distribution), &json)
    }

    private static func component(
        _ package: FoundPackage, _ distribution: Distribution?, _ reference: String, _ json: inout JSONWriter
    ) throws {
        let url = package.url(distribution)
        try json.text("bom-ref", reference)
        try json.text("type", "library")
        if package.kind == .maven {
            try json.textIfAny("group", url.namespace)
            try json.text("name", url.name)
        } else {
            try json.text("name", package.name)
        }
        try json.text("version", package.version)
        if !package.sha1.isEmpty {
            try json.array("hashes") { json in
                try json.object { json in
                    try json.text("alg", "SHA-1")
                    try json.text("content", package.sha1)
                }
            }
        }
        if !package.licenses.isEmpty {
            try json.array("licenses") { json in
                for license in package.licenses {
                    try json.object { try $0.object("license") { try $0.text("name", license) } }
                }
            }
        }
        try json.text("purl", url.description)
        try properties(ExtraFacts.of(package), &json)
    }

    static func properties(_ facts: [(name: String, value: String)], _ json: inout JSONWriter) throws {
        guard !facts.isEmpty else { return }
        try json.array("properties") { json in
            for (name, value) in facts {
                try json.object { json in
                    try json.text("name", name)
                    try json.text("value", value)
                }
            }
        }
    }

    // MARK: Reading

    /// Components without a package URL, or with one of a kind that is not known, are no packages here; libraries among
    /// them are counted.
    /// - Throws: `malformed` for what is no CycloneDX.
    package static func read(_ bytes: [UInt8], source: String) throws(InventoryError) -> BillOfMaterials {
        let file = InventoryFile(path: source, bytes: bytes)
        return try read(try file.json(), file)
    }

    static func read(_ root: Node, _ file: InventoryFile) throws(InventoryError) -> BillOfMaterials {
        guard root.text("bomFormat") == "CycloneDX" else {
            throw file.malformed("expected “bomFormat”: “CycloneDX”")
        }
        let subject = root["metadata"]?["component"]
        var bill = BillOfMaterials(name: subject?.text("name") ?? "", distribution: nil, packages: [])
        bill.created = root["metadata"]?.text("timestamp") ?? ""
        let version = subject?.text("version") ?? ""
        if version.hasPrefix("sha256:") { bill.digest = version }
        for property in subject?.list("properties") ?? [] {
            ExtraFacts.apply(property.text("name"), property.text("value"), to: &bill)
        }
        var distro = ""
        // Components may hold others.
        var open: [Node] = root.list("components").reversed()
        while let component = open.popLast() {
            open += component.list("components").reversed()
            if component.text("type") == "operating-system" {
                bill.distribution = system(component)
                continue
            }
            let url = PackageURL(component.text("purl"))
            if let url, distro.isEmpty { distro = url.qualifiers["distro"] ?? "" }
            if let url, let package = package(component, url, file.path) {
                bill.packages.append(package)
            } else if component.text("type") == "library" || component.text("type") == "framework" {
                bill.addUnknown(component.text("name"))
            }
        }
        if bill.distribution == nil { bill.distribution = Distribution(qualifier: distro) }
        bill.listed = listed(root)
        return bill
    }

    private static func listed(_ root: Node) -> [[String]] {
        var found: [[String]] = []
        for item in root.list("vulnerabilities").prefix(100_000) {
            switch item["analysis"]?.text("state") ?? "" {
            case "resolved", "resolved_with_pedigree", "false_positive", "not_affected": continue
            default: break
            }
            let names = ([item.text("id")] + item.list("references").prefix(100).map { $0.text("id") }).filter {
                !$0.isEmpty
            }
            if !names.isEmpty { found.append(names) }
        }
        return found
    }

    private static func system(_ component: Node) -> Distribution {
        var distribution = Distribution()
        distribution.id = Distribution.ownID(component.text("name"))
        distribution.versionID = component.text("version")
        distribution.prettyName = component.text("description")
        for property in component.list("properties") {
            ExtraFacts.apply(property.text("name"), property.text("value"), to: &distribution)
        }
        return distribution
    }

    private static func package(_ component: Node, _ url: PackageURL, _ source: String) -> FoundPackage? {
        guard var package = FoundPackage(url, path: "") else { return nil }
        if package.version.isEmpty { package.version = component.text("version") }
        for hash in component.list("hashes") where hash.text("alg") == "SHA-1" {
            package.sha1 = hash.text("content")
        }
        for entry in component.list("licenses") {
            let license = entry["license"].map { $0.text("id").isEmpty ? $0.text("name") : $0.text("id") } ?? ""
            let text = license.isEmpty ? entry.text("expression") : license
            if !text.isEmpty { package.licenses.append(text) }
        }
        var trivy = ExtraFacts.TrivySource()
        for property in component.list("properties") {
            ExtraFacts.apply(property.text("name"), property.text("value"), to: &package, &trivy)
        }
        trivy.apply(to: &package)
        if package.path.isEmpty { package.path = source }
        return package
    }
}
