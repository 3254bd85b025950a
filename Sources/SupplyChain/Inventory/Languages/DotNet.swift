// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// .NET: what a built program brings along, and NuGet's locks.
enum DotNet {
    static func isDependencies(_ path: UnsafeBufferPointer<UInt8>) -> Bool { path.hasSuffix(".deps.json") }

    /// `app.deps.json`, which lies beside every built program.
    static func dependencies(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard let libraries = root["libraries"] else { throw file.malformed("expected a member “libraries”") }
        let targets = root["targets"]?[dynamic: root["runtimeTarget"]?.text("name") ?? ""]
        var files: [String: Node] = [:]
        if let targets { for (key, node) in targets.members { files[key.string] = node } }
        var out: [FoundPackage] = []
        for (key, library) in libraries.members {
            let type = library.text("type")
            guard type == "package" || type == "runtimepack", let (name, version) = key.string.cut("/") else {
                continue
            }
            // A package of which the program runs nothing was only needed to build it, or is a list of others.
            if let target = files[key.string], target["runtime"] == nil, target["native"] == nil,
                target["runtimeTargets"] == nil, target["resources"] == nil
            {
                continue
            }
            // The runtime itself, when it is brought along.
            let own = name.dropPrefix("runtimepack.") ?? name
            out.append(FoundPackage(.nuget, name: String(own), version: String(version), path: file.path))
        }
        return out
    }

    /// packages.lock.json: by framework, then by package.
    static func lock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard let frameworks = root["dependencies"] else { throw file.malformed("expected a member “dependencies”") }
        var out: [FoundPackage] = []
        var seen: Set<String> = []
        for (_, packages) in frameworks.members {
            for (name, entry) in packages.members {
                let version = entry.text("resolved")
                guard !version.isEmpty, seen.insert("\(name.string)/\(version)").inserted else { continue }
                out.append(FoundPackage(.nuget, name: name.string, version: version, path: file.path))
            }
        }
        return out
    }

    /// `Directory.Packages.props` and the like
    static func isCentral(_ path: UnsafeBufferPointer<UInt8>) -> Bool { path.hasSuffix("Packages.props") }

    /// Versions for all projects below: `<PackageVersion Include="A" Version="1.0"/>`, also as an inner element, and
    /// `$(Name)` where the file itself says what that is.
    static func central(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var entries: [(name: String, version: String)] = []
            var properties: [String: String] = [:]
            var path: [String] = []
            var leaf = ""
            var scanner = XMLScanner(text)
            do throws(XMLScanner.Failure) {
                while let event = try scanner.next() {
                    switch event {
                    case .open(let name, let attributes):
                        path.append(name)
                        leaf = ""
                        if ["PackageVersion", "PackageReference", "GlobalPackageReference"].contains(name) {
                            let id = attributes["Include"] ?? attributes["Update"] ?? ""
                            entries.append((id, attributes["Version"] ?? attributes["VersionOverride"] ?? ""))
                        }
                    case .text(let text): if leaf.utf8.count + text.utf8.count <= 1024 { leaf += text }
                    case .close:
                        if path.count >= 2, path[path.count - 2] == "PropertyGroup", let name = path.last {
                            properties[name] = leaf.trimmedText
                        } else if path.last == "Version", !entries.isEmpty,
                            path.dropLast().last?.hasPrefix("Package") == true
                        {
                            entries[entries.count - 1].version = leaf.trimmedText
                        }
                        _ = path.popLast()
                        leaf = ""
                    }
                }
            } catch { throw file.malformed("line \(error.line): \(error.message)") }
            var out: [FoundPackage] = []
            for (name, text) in entries {
                var version = text.trimmedText
                // `[1.2.3]` is that one; other brackets, commas and stars leave it open.
                if version.first == "[", version.last == "]" { version = String(version.dropFirst().dropLast()) }
                if let property = version.dropPrefix("$("), property.last == ")" {
                    version = properties[String(property.dropLast())] ?? ""
                }
                guard !name.isEmpty, !version.isEmpty, !version.contains(where: { "$[](),*; ".contains($0) }) else {
                    continue
                }
                out.append(FoundPackage(.nuget, name: name, version: version, path: file.path))
            }
            return out
        }
    }

    /// packages.config of older projects.
    static func config(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var out: [FoundPackage] = []
            var scanner = XMLScanner(text)
            do throws(XMLScanner.Failure) {
                while let event = try scanner.next() {
                    guard case .open("package", let attributes) = event, let name = attributes["id"],
                        let version = attributes["version"], !name.isEmpty, !version.isEmpty
                    else { continue }
                    var package = FoundPackage(.nuget, name: name, version: version, path: file.path)
                    package.isDevelopment = attributes["developmentDependency"] == "true"
                    out.append(package)
                }
            } catch { throw file.malformed("line \(error.line): \(error.message)") }
            return out
        }
    }
}
