// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Cargo.lock, versions 1 to 4.
enum CargoLock {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.toml()
        var out: [FoundPackage] = []
        for entry in root.tables("package") {
            guard let name = entry.text("name"), let version = entry.text("version"), !name.isEmpty, !version.isEmpty
            else {
                throw file.malformed("a crate has no name or no version")
            }
            out.append(FoundPackage(.cargo, name: name, version: version, path: file.path))
        }
        return out
    }
}
