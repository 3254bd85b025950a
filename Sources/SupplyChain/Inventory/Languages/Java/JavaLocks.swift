// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What a Java project asks for: pom.xml and the locks of Gradle and sbt.
enum JavaLocks {
    static func pom(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            let pom: PomFile
            do throws(XMLScanner.Failure) { pom = try PomFile(text) } catch {
                throw file.malformed("line \(error.line): \(error.message)")
            }
            return packages(pom.dependencies(below: []), file.path)
        }
    }

    /// A version that only a parent elsewhere, or a range, decides is not known here.
    static func packages(_ dependencies: [PomFile.Dependency], _ path: String) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for dependency in dependencies {
            let version = dependency.version
            guard !dependency.group.isEmpty, !dependency.artifact.isEmpty, !version.isEmpty,
                !version.contains(where: { "${}[](),".contains($0) })
            else { continue }
            var package = FoundPackage(
                .maven, name: "\(dependency.group):\(dependency.artifact)", version: version, path: path)
            package.isDevelopment = dependency.scope == "test"
            out.append(package)
        }
        return out
    }

    /// `build.sbt.lock` of sbt-dependency-lock.
    static func sbt(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard root["dependencies"]?.isArray == true else { throw file.malformed("expected an array “dependencies”") }
        var out: [FoundPackage] = []
        for entry in root.list("dependencies") {
            let (group, artifact, version) = (entry.text("org"), entry.text("name"), entry.text("version"))
            guard !group.isEmpty, !artifact.isEmpty, !version.isEmpty else { continue }
            var package = FoundPackage(.maven, name: "\(group):\(artifact)", version: version, path: file.path)
            let names = entry.list("configurations").compactMap(\.string)
            package.isDevelopment = !names.isEmpty && names.allSatisfy { $0.hasPrefix("test") }
            out.append(package)
        }
        return out
    }

    /// `group:artifact:version=configuration,…` (docs.gradle.org, "Locking versions"). Before Gradle 7 a file for each
    /// configuration, without the names behind the equals sign.
    static func gradle(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("#") || line.hasPrefix("empty=") { continue }
            let (coordinates, configurations) = line.cut("=") ?? (line, "")
            let parts = coordinates.split(separator: ":")
            guard parts.count == 3 else {
                throw file.malformed("expected group:artifact:version, found \(line.prefix(80))")
            }
            var package = FoundPackage(
                .maven, name: "\(parts[0]):\(parts[1])", version: String(parts[2]), path: file.path)
            let names = configurations.split(separator: ",")
            package.isDevelopment = !names.isEmpty && !names.contains(where: isOfProduct)
            out.append(package)
        }
        return out
    }

    /// Tests, annotation processors and tools such as checkstyle have configurations of their own.
    private static func isOfProduct(_ configuration: Substring) -> Bool {
        let name = configuration.lowercased()
        if name.contains("test") { return false }
        return name.hasSuffix("classpath")
            || ["api", "archives", "compile", "default", "implementation", "runtime"].contains(name)
    }
}
