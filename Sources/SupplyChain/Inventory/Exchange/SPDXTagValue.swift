// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// SPDX 2.2 and 2.3 as lines `Tag: value`, brought into the shape that they have in JSON, so that one reader serves both.
enum SPDXTagValue {
    private struct Package {
        var fields: [(key: String, value: String)] = []
        var id = ""
        var checksums: [(String, String)] = []
        var urls: [String] = []
    }

    private static let maxPackages = 5_000_000

    /// What stands for the members of a package.
    private static let packageKeys = [
        "PackageName": "name", "PackageVersion": "versionInfo", "PrimaryPackagePurpose": "primaryPackagePurpose",
        "PackageLicenseDeclared": "licenseDeclared", "PackageSourceInfo": "sourceInfo",
    ]

    static func json(_ file: InventoryFile) throws(InventoryError) -> [UInt8] {
        var version = ""
        var (name, created) = ("", "")
        var packages: [Package] = []
        /// Whether lines are about the last package, not a file, snippet or license.
        var isInPackage = false
        var licenses: [(id: String, text: String, name: String)] = []
        var comments: [String: [String]] = [:]
        var relations: [(one: String, other: String, comment: String)] = []
        var annotation = (id: "", comment: "")
        func keepAnnotation() {
            if !annotation.id.isEmpty, !annotation.comment.isEmpty {
                comments[annotation.id, default: []].append(annotation.comment)
            }
            annotation = ("", "")
        }
        var lines = TagLines(file.bytes)
        while let (tag, value) = try lines.next(file) {
            switch tag {
            case "SPDXVersion": version = value
            case "DocumentName": name = value
            case "Created": created = value
            case "PackageName":
                guard packages.count < maxPackages else {
                    throw file.tooLarge("it has more than \(maxPackages) packages")
                }
                packages.append(Package(fields: [("name", value)]))
                isInPackage = true
            case "FileName", "SnippetSPDXID": isInPackage = false
            case "LicenseID":
                isInPackage = false
                licenses.append((value, "", ""))
            case "ExtractedText": if !licenses.isEmpty { licenses[licenses.count - 1].text = value }
            case "LicenseName": if !licenses.isEmpty { licenses[licenses.count - 1].name = value }
            case "SPDXID": if isInPackage { packages[packages.count - 1].id = value }
            case "Relationship":
                // `A OTHER B`: what it means stands in the comment behind it.
                let words = value.split(separator: " ").map(String.init)
                if words.count == 3, words[1] == "OTHER", relations.count < maxPackages {
                    relations.append((words[0], words[2], ""))
                }
            case "RelationshipComment": if !relations.isEmpty { relations[relations.count - 1].comment = value }
            case "Annotator": keepAnnotation()
            case "AnnotationComment": annotation.comment = value
            case "SPDXREF": annotation.id = value
            default:
                guard isInPackage else { continue }
                add(tag, value, &packages[packages.count - 1])
            }
        }
        keepAnnotation()
        guard version.hasPrefix("SPDX-2") else { throw file.malformed("expected “SPDXVersion: SPDX-2.3”") }
        var out: [UInt8] = []
        do {
            var json = JSONWriter { out += $0 }
            try json.object { json in
                try json.text("spdxVersion", version)
                try json.text("name", name)
                try json.object("creationInfo") { try $0.text("created", created) }
                try json.array("packages") { json in
                    for package in packages { try json.object { try write(package, comments, &$0) } }
                }
                try json.array("relationships") { json in
                    for relation in relations where !relation.comment.isEmpty {
                        try json.object { json in
                            try json.text("relationshipType", "OTHER")
                            try json.text("spdxElementId", relation.one)
                            try json.text("relatedSpdxElement", relation.other)
                            try json.text("comment", relation.comment)
                        }
                    }
                }
                try json.array("hasExtractedLicensingInfos") { json in
                    for license in licenses {
                        try json.object { json in
                            try json.text("licenseId", license.id)
                            try json.text("extractedText", license.text)
                            try json.text("name", license.name)
                        }
                    }
                }
            }
            try json.finish()
        } catch {
            throw file.malformed("\(error)")
        }
        return out
    }

    private static func add(_ tag: String, _ value: String, _ package: inout Package) {
        switch tag {
        case "PackageChecksum":
            if let (algorithm, sum) = value.cut(":") {
                package.checksums.append((String(algorithm), String(sum).trimmedText))
            }
        case "ExternalRef":
            let words = value.split(separator: " ", maxSplits: 2)
            if words.count == 3, words[1] == "purl" { package.urls.append(String(words[2]).trimmedText) }
        default: if let key = packageKeys[tag] { package.fields.append((key, value)) }
        }
    }

    private static func write(_ package: Package, _ comments: [String: [String]], _ json: inout JSONWriter) throws {
        var written: Set<String> = []
        for (key, value) in package.fields where written.insert(key).inserted { try json.text(key, value) }
        try json.text("SPDXID", package.id)
        try json.array("checksums") { json in
            for (algorithm, value) in package.checksums {
                try json.object { json in
                    try json.text("algorithm", algorithm)
                    try json.text("checksumValue", value)
                }
            }
        }
        try json.array("externalRefs") { json in
            for url in package.urls {
                try json.object { json in
                    try json.text("referenceType", "purl")
                    try json.text("referenceLocator", url)
                }
            }
        }
        try json.array("annotations") { json in
            for comment in comments[package.id] ?? [] { try json.object { try $0.text("comment", comment) } }
        }
    }
}

/// Lines `Tag: value`, where a value between `<text>` and `</text>` may have several lines.
private struct TagLines {
    private let bytes: [UInt8]
    private var at = 0
    private var number = 0
    private static let longest = 16 << 20

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    }

    private mutating func line() -> ArraySlice<UInt8>? {
        guard at < bytes.count else { return nil }
        number += 1
        let end = bytes[at...].firstIndex(of: 0x0A) ?? bytes.count
        defer { at = min(end + 1, bytes.count) }
        return end > at && bytes[end - 1] == 0x0D ? bytes[at..<end - 1] : bytes[at..<end]
    }

    /// Nil at the end.
    mutating func next(_ file: InventoryFile) throws(InventoryError) -> (tag: String, value: String)? {
        while let line = line() {
            guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }), first != 0x23 else { continue }
            guard let colon = line.firstIndex(of: 0x3A) else {
                throw file.malformed("line \(number): expected “Tag: value”")
            }
            let tag = String(decoding: line[..<colon], as: UTF8.self).trimmedText
            var value = String(decoding: line[(colon + 1)...], as: UTF8.self).trimmedText
            guard value.hasPrefix("<text>") else { return (tag, value) }
            let start = number
            while !value.hasSuffix("</text>") {
                guard let more = self.line(), value.utf8.count < Self.longest else {
                    throw file.malformed("line \(start): <text> has no end")
                }
                value += "\n" + String(decoding: more, as: UTF8.self)
            }
            return (tag, String(value.dropFirst(6).dropLast(7)))
        }
        return nil
    }
}
