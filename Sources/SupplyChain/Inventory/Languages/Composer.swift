// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// PHP: Composer's list of what it installed, and its lock.
enum Composer {
    static func installed(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        // Composer 1 wrote the array alone.
        guard root.isArray || root["packages"]?.isArray == true else {
            // Others use this name for files of their own.
            if !file.path.hasSuffix("composer/installed.json") { return [] }
            throw file.malformed("expected an array of packages")
        }
        var development: Set<String> = []
        for name in root.list("dev-package-names") { development.insert(name.string ?? "") }
        return read(root.isArray ? Array(root.elements) : root.list("packages"), file) { development.contains($0) }
    }

    static func lock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard root["packages"]?.isArray == true else { throw file.malformed("expected an array “packages”") }
        return read(root.list("packages"), file) { _ in false } + read(root.list("packages-dev"), file) { _ in true }
    }

    private static func read(
        _ entries: [Node], _ file: InventoryFile, _ isDevelopment: (String) -> Bool
    ) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for entry in entries {
            let (name, version) = (entry.text("name"), entry.text("version"))
            guard name.contains("/"), !version.isEmpty else { continue }
            var package = FoundPackage(.composer, name: name, version: version, path: file.path)
            package.licenses = entry.list("license").compactMap(\.string)
            package.isDevelopment = isDevelopment(name)
            out.append(package)
        }
        return out
    }
}
