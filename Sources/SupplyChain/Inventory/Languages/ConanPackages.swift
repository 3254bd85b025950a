// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// conan.lock of Conan 1 (a graph) and 2 (lists), conanfile.txt, and what Conan 1 installed.
enum ConanPackages {
    /// `[requires]` of a project's conanfile.txt; those with a range are open.
    static func conanfile(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for (section, line) in sections(file) {
            guard ["requires", "build_requires", "tool_requires", "test_requires"].contains(section),
                let (name, version) = reference(line)
            else { continue }
            var package = FoundPackage(.conan, name: name, version: version, path: file.path)
            package.isDevelopment = section != "requires"
            out.append(package)
        }
        return out
    }

    /// `data/zlib/1.2.11/_/_/package/ID/conaninfo.txt`: the package is named by its folders.
    static func information(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let folders = file.path.split(separator: "/").dropLast()
        guard folders.count >= 6, folders[folders.endIndex - 2] == "package" else { return [] }
        let (name, version) = (String(folders[folders.endIndex - 6]), String(folders[folders.endIndex - 5]))
        guard version.first?.isNumber == true else { return [] }
        return [FoundPackage(.conan, name: name, version: version, path: file.path)]
    }

    private static func sections(_ file: InventoryFile) -> [(section: String, line: Substring)] {
        var out: [(String, Substring)] = []
        var section = ""
        for raw in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let line = raw.prefix { $0 != "#" }.drop { $0 == " " || $0 == "\t" }
            if line.first == "[", let end = line.firstIndex(of: "]"), line.firstIndex(of: "/") == nil {
                section = String(line[line.index(after: line.startIndex)..<end])
            } else if !line.isEmpty {
                out.append((section, line))
            }
        }
        return out
    }

    private static func reference(_ line: Substring) -> (String, String)? {
        let plain = line.trimmedText.prefix { $0 != "@" && $0 != "%" && $0 != ":" }
        guard let (name, version) = plain.cut("/"), !name.isEmpty, version.first?.isNumber == true,
            !version.contains(where: { "[]<>*, ".contains($0) })
        else { return nil }
        return (String(name), String(version))
    }

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
