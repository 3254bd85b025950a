// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// npm: installed packages by their package.json, and the lock of npm in its three versions.
enum NpmPackages {
    /// Tests of packages bring files of this name that are broken on purpose: only where npm and distributions install is
    /// a package lost by one that cannot be read.
    static func installed(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root: Node
        do throws(InventoryError) { root = try file.json() } catch {
            if error.code == .malformed, !isInstalled(file.path) { return [] }
            throw error
        }
        // Applications, and folders that only say how their files are read, have no version.
        let (name, version) = (root.text("name"), root.text("version"))
        guard isName(name), !version.isEmpty else { return [] }
        var package = FoundPackage(.npm, name: name, version: version, path: file.path)
        package.licenses = licenses(root)
        return [package]
    }

    /// `…/node_modules/NAME/package.json`, `…/node_modules/@SCOPE/NAME/package.json`, and Debian's `nodejs` for the same.
    private static func isInstalled(_ path: String) -> Bool {
        let folders = path.split(separator: "/").dropLast()
        guard folders.count >= 2 else { return false }
        let above = folders.dropLast()
        let home = above.last?.first == "@" ? above.dropLast().last : above.last
        return home == "node_modules" || home == "nodejs"
    }

    /// `license` is a text or, in old packages, `{type}` or a list `licenses` of both.
    private static func licenses(_ root: Node) -> [String] {
        var out: [String] = []
        func add(_ node: Node) {
            let text = node.string ?? node.text("type")
            if !text.isEmpty, text.utf8.count <= 128 { out.append(text) }
        }
        if let license = root["license"] {
            if license.isArray { for element in license.elements { add(element) } } else { add(license) }
        }
        if out.isEmpty, let licenses = root["licenses"] { for element in licenses.elements { add(element) } }
        return out
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 214 && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    /// package-lock.json and npm-shrinkwrap.json.
    static func lock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        var out: [FoundPackage] = []
        if let packages = root["packages"] {
            for (key, entry) in packages.members {
                let place = key.string
                // The project itself, its workspaces, and links to them.
                guard let folder = place.range(ofLast: "node_modules/"), entry["link"]?.bool != true else { continue }
                let own = entry.text("name")
                let name = own.isEmpty ? String(place[folder.upperBound...]) : own
                add(name, entry, file, &out)
            }
        } else if let dependencies = root["dependencies"] {
            addTree(dependencies, file, &out)
        } else if root["lockfileVersion"] == nil, !root.isObject {
            throw file.malformed("a lock of npm is an object")
        }
        return out
    }

    /// Version 1 nests what could not be shared below who needs it. Documents bounds the depth.
    private static func addTree(_ top: Node, _ file: InventoryFile, _ out: inout [FoundPackage]) {
        var open = [top]
        while let dependencies = open.popLast() {
            for (key, entry) in dependencies.members {
                let version = entry.text("version")
                if let alias = version.dropPrefix("npm:"), let (name, real) = alias.cutLast("@") {
                    addPackage(String(name), String(real), entry, file, &out)
                } else {
                    add(key.string, entry, file, &out)
                }
                if let inner = entry["dependencies"] { open.append(inner) }
            }
        }
    }

    private static func add(_ name: String, _ entry: Node, _ file: InventoryFile, _ out: inout [FoundPackage]) {
        addPackage(name, entry.text("version"), entry, file, &out)
    }

    private static func addPackage(
        _ name: String, _ version: String, _ entry: Node, _ file: InventoryFile, _ out: inout [FoundPackage]
    ) {
        guard isName(name), !version.isEmpty, !version.hasPrefix("file:"), !version.hasPrefix("link:") else { return }
        var package = FoundPackage(.npm, name: name, version: version, path: file.path)
        package.isDevelopment = entry["dev"]?.bool == true || entry["devOptional"]?.bool == true
        out.append(package)
    }

    /// bun.lock: `"name": ["name@version", …]`.
    static func bun(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.jsonWithComments()
        guard let packages = root["packages"] else { throw file.malformed("a lock of bun has a member “packages”") }
        var out: [FoundPackage] = []
        for (_, entry) in packages.members {
            guard let text = entry[0]?.string, let (name, version) = splitSpec(text), isRegistryVersion(version) else {
                continue
            }
            out.append(FoundPackage(.npm, name: name, version: version, path: file.path))
        }
        return out
    }

    /// `@scope/name` and `1.2.3` of `@scope/name@1.2.3`: the first at sign behind the first character parts them.
    static func splitSpec(_ text: some StringProtocol) -> (name: String, version: String)? {
        guard let at = text.dropFirst().firstIndex(of: "@") else { return nil }
        return (String(text[..<at]), String(text[text.index(after: at)...]))
    }

    /// Whether it is a version, and no path, repository or workspace.
    static func isRegistryVersion(_ version: some StringProtocol) -> Bool {
        guard let first = version.utf8.first, first >= 0x30, first <= 0x39 else { return false }
        return !version.contains(":") && !version.contains("/")
    }
}

extension StringProtocol {
    /// Without a beginning; nil where it does not begin so.
    func dropPrefix(_ prefix: String) -> SubSequence? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}

extension String {
    func range(ofLast text: String) -> Range<String.Index>? {
        guard let first = text.first else { return nil }
        var end = endIndex
        while let at = self[..<end].lastIndex(of: first) {
            if self[at...].hasPrefix(text) { return at..<index(at, offsetBy: text.count) }
            end = at
        }
        return nil
    }
}
