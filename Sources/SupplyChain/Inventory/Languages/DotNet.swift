// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// .NET: what a built program brings along, and NuGet's locks.
enum DotNet {
    static func isDependencies(_ path: UnsafeBufferPointer<UInt8>) -> Bool { path.hasSuffix(".deps.json") }

    /// `app.deps.json`, which lies beside every built program.
    static func dependencies(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard let libraries = root["libraries"] else { throw file.malformed("expected a member “libraries”") }
        var out: [FoundPackage] = []
        for (key, library) in libraries.members {
            let type = library.text("type")
            guard type == "package" || type == "runtimepack", let (name, version) = key.string.cut("/") else {
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
