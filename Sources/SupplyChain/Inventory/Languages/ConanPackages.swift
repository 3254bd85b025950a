// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// conan.lock of Conan 1 (a graph) and 2 (lists).
enum ConanPackages {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        var out: [FoundPackage] = []
        var seen: Set<String> = []
        func add(_ reference: String, isDevelopment: Bool) {
            // name/version@user/channel#revision%time
            let plain = reference.prefix { $0 != "#" && $0 != "@" && $0 != "%" && $0 != ":" }
            guard let (name, version) = plain.cut("/"), !name.isEmpty, !version.isEmpty,
                seen.insert(String(plain)).inserted
            else { return }
            var package = FoundPackage(.conan, name: String(name), version: String(version), path: file.path)
            package.isDevelopment = isDevelopment
            out.append(package)
        }
        if let nodes = root["graph_lock"]?["nodes"] {
            for (_, node) in nodes.members {
                // The project itself lies in a folder.
                if node["path"] != nil { continue }
                let reference = node.text("ref").isEmpty ? node.text("pref") : node.text("ref")
                add(reference, isDevelopment: node["context"]?.equals("build") == true)
            }
            return out
        }
        guard root["requires"] != nil || root["build_requires"] != nil || root["python_requires"] != nil else {
            throw file.malformed("expected “graph_lock” of Conan 1 or “requires” of Conan 2")
        }
        for reference in root.list("requires") { add(reference.string ?? "", isDevelopment: false) }
        for reference in root.list("build_requires") + root.list("python_requires") {
            add(reference.string ?? "", isDevelopment: true)
        }
        return out
    }
}
