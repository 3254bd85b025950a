// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// pnpm-lock.yaml, lockfileVersion 5 to 9.
enum PnpmLock {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for root in try file.yaml() {
            let major = root["lockfileVersion"]?.scalar.prefix { $0 != "." } ?? ""
            guard let version = Int(major) else { throw file.malformed("lockfileVersion is missing or no number") }
            guard let packages = root["packages"] else { continue }
            let needed = version >= 9 ? production(root) : nil
            for (key, entry) in packages.members {
                guard let (name, number) = identify(key.string, entry, version) else { continue }
                var package = FoundPackage(.npm, name: name, version: number, path: file.path)
                package.isDevelopment = entry["dev"]?.bool == true
                if let needed { package.isDevelopment = !needed.contains("\(name)@\(number)") }
                out.append(package)
            }
        }
        return out
    }

    /// A key is `/@scope/name/1.2.3_peers` (5), `/@scope/name@1.2.3(peers)` (6) or the same without the slash (9).
    private static func identify(_ key: String, _ entry: Node, _ version: Int) -> (String, String)? {
        // What is no package of the registry says its name apart.
        let own = (entry.text("name"), entry["version"]?.scalar ?? "")
        if !own.0.isEmpty, !own.1.isEmpty { return own }
        var text = key[...]
        if version < 9 {
            guard let rest = text.dropPrefix("/") else { return nil }
            text = rest
        }
        if let peers = text.cut("(") { text = peers.before }
        let parts: (name: String, version: String)?
        if version < 6 {
            parts = text.cutLast("/").map { (String($0.before), String($0.after.prefix { $0 != "_" })) }
        } else {
            parts = NpmPackages.splitSpec(text)
        }
        guard let parts, NpmPackages.isRegistryVersion(parts.version) else { return nil }
        return (parts.name, parts.version)
    }

    /// Since version 9 packages do not say whether only development needs them: what the projects need is followed
    /// through `snapshots`.
    private static func production(_ root: Node) -> Set<String> {
        var open: [String] = []
        func add(_ dependencies: Node?, _ isImporter: Bool) {
            guard let dependencies else { return }
            for (key, value) in dependencies.members {
                let version = isImporter ? value["version"]?.scalar ?? "" : value.scalar
                // An alias names the package that it stands for; everything else is a version.
                let isVersion = NpmPackages.isRegistryVersion(version.prefix { $0 != "(" })
                open.append(isVersion ? "\(key.string)@\(version)" : version)
            }
        }
        for (_, importer) in root["importers"]?.members ?? root.members where importer.isObject {
            add(importer["dependencies"], true)
            add(importer["optionalDependencies"], true)
        }
        var snapshots: [String: Node] = [:]
        if let all = root["snapshots"] { for (key, node) in all.members { snapshots[key.string] = node } }
        var seen: Set<String> = []
        var needed: Set<String> = []
        while let next = open.popLast() {
            guard seen.insert(next).inserted else { continue }
            needed.insert(String(next.prefix { $0 != "(" }))
            guard let snapshot = snapshots[next] else { continue }
            add(snapshot["dependencies"], false)
            add(snapshot["optionalDependencies"], false)
        }
        return needed
    }
}
