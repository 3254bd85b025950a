// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// R: packages in a library by their DESCRIPTION, and renv's lock.
enum RPackages {
    static func description(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            let fields = HeaderFields(text, wanted: ["package", "version", "license", "built"])
            // Only what was built is installed; others use this name for other texts.
            guard !fields["package"].isEmpty, !fields["version"].isEmpty, !fields["built"].isEmpty else { return [] }
            var package = FoundPackage(.cran, name: fields["package"], version: fields["version"], path: file.path)
            if !fields["license"].isEmpty { package.licenses = [fields["license"]] }
            return [package]
        }
    }

    static func renv(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard let packages = root["Packages"] else { throw file.malformed("expected a member “Packages”") }
        var out: [FoundPackage] = []
        for (key, entry) in packages.members {
            let version = entry.text("Version")
            let name = entry.text("Package").isEmpty ? key.string : entry.text("Package")
            guard !version.isEmpty else { continue }
            out.append(FoundPackage(.cran, name: name, version: version, path: file.path))
        }
        return out
    }
}

/// Manifest.toml of Julia, formats 1 and 2.
enum JuliaPackages {
    /// `Manifest.toml`, `JuliaManifest.toml`, `Manifest-v1.11.toml`
    static func isManifest(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...]
        return name.starts(with: "Manifest".utf8) || name.starts(with: "JuliaManifest".utf8)
    }

    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.toml()
        // Other programs have manifests in TOML, too.
        let isSecond = root.text("manifest_format") != nil
        guard let packages = isSecond ? root.table("deps") : root else { return [] }
        var out: [FoundPackage] = []
        for name in packages.keys {
            for entry in packages.tables(name) {
                // What belongs to Julia itself has no version before 1.11, and what lies in a folder is not the registry's.
                guard entry.text("uuid") != nil, entry.text("path") == nil, let version = entry.text("version") else {
                    continue
                }
                out.append(FoundPackage(.julia, name: name, version: version, path: file.path))
            }
        }
        return out
    }
}

/// Haskell: cabal.project.freeze and stack.yaml.lock.
enum HaskellPackages {
    /// `constraints: any.aeson ==2.0.3.0, …`
    static func cabal(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        let text = String(decoding: file.bytes, as: UTF8.self)
        for constraint in text.split(whereSeparator: { $0 == "," || $0.isNewline }) {
            guard let equal = constraint.firstRange(of: "==") else { continue }
            var name = constraint[..<equal.lowerBound].trimmedText
            if let words = name.cutLast(" ") { name = String(words.after) }
            if let rest = name.dropPrefix("any.") { name = String(rest) }
            let version = constraint[equal.upperBound...].trimmedText.prefix { $0.isNumber || $0 == "." }
            guard !name.isEmpty, !version.isEmpty else { continue }
            out.append(FoundPackage(.hackage, name: name, version: String(version), path: file.path))
        }
        return out
    }

    /// `extra-deps: [aeson-2.0.3.0, …]` of stack.yaml; the rest comes from a snapshot that only its lock names.
    static func project(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for root in try file.yaml() {
            for entry in root.list("extra-deps") {
                guard let text = entry.string, let (name, version) = text.prefix(while: { $0 != "@" }).cutLast("-"),
                    !name.isEmpty, version.first?.isNumber == true, !text.contains("/")
                else { continue }
                out.append(FoundPackage(.hackage, name: String(name), version: String(version), path: file.path))
            }
        }
        return out
    }

    /// `hackage: aeson-2.0.3.0@sha256:…,123`
    static func stack(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for root in try file.yaml() {
            for entry in root.list("packages") {
                guard let completed = entry["completed"] else { continue }
                let (name, version): (String, String)
                if let (before, after) = completed.text("hackage").prefix(while: { $0 != "@" }).cutLast("-") {
                    (name, version) = (String(before), String(after))
                } else {
                    (name, version) = (completed.text("name"), completed["version"]?.scalar ?? "")
                }
                guard !name.isEmpty, !version.isEmpty else { continue }
                out.append(FoundPackage(.hackage, name: name, version: version, path: file.path))
            }
        }
        return out
    }
}
