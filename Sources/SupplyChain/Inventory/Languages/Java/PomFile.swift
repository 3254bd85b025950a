// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A project file of Maven, as far as it says itself which versions it means (maven.apache.org, "POM Reference").
struct PomFile {
    struct Dependency {
        var group = ""
        var artifact = ""
        var version = ""
        var scope = ""
    }

    /// The project that this one takes properties and versions from.
    struct Parent {
        var group = ""
        var artifact = ""
        var version = ""
        /// Where it lies, from the folder of this file; empty for "only in a repository".
        var path = "../pom.xml"
    }

    private(set) var group = ""
    private(set) var artifact = ""
    private(set) var version = ""
    /// As they are written; see `dependencies(below:)`.
    private var dependencies: [Dependency] = []
    private var managed: [Dependency] = []
    /// Scope and version by `group:artifact`, the version as it is written.
    private var known: [String: Dependency] = [:]
    private var properties: [String: String] = [:]
    private(set) var parent: Parent?

    private var parentGroup: String { parent?.group ?? "" }
    private var parentVersion: String { parent?.version ?? "" }

    init(_ text: UnsafeBufferPointer<UInt8>) throws(XMLScanner.Failure) {
        var scanner = XMLScanner(text)
        var path: [String] = []
        var leaf = ""
        while let event = try scanner.next() {
            switch event {
            case .open(let name, _):
                path.append(name)
                leaf = ""
                if path.last == "dependency" {
                    if path == ["project", "dependencies", "dependency"] { dependencies.append(Dependency()) }
                    if path == ["project", "dependencyManagement", "dependencies", "dependency"] {
                        managed.append(Dependency())
                    }
                }
            case .text(let text): if path.count >= 2, leaf.utf8.count + text.utf8.count <= 4096 { leaf += text }
            case .close:
                take(path, leaf.trimmedText)
                path.removeLast()
                leaf = ""
            }
        }
        if group.isEmpty { group = parentGroup }
        if version.isEmpty { version = parentVersion }
        group = resolved(group, [])
        version = resolved(version, [])
        artifact = resolved(artifact, [])
        inherit([])
    }

    /// Works out what `dependencyManagement` is about, which may hang on properties of the projects above.
    mutating func inherit(_ above: [PomFile]) {
        known = [:]
        for dependency in managed.reversed() {
            known["\(resolved(dependency.group, above)):\(resolved(dependency.artifact, above))"] = dependency
        }
    }

    /// What it needs, with versions and scopes as far as it and the projects above say them.
    /// - Parameter above: its parent first, each after `inherit`.
    func dependencies(below above: [PomFile]) -> [Dependency] {
        var out: [Dependency] = []
        out.reserveCapacity(dependencies.count)
        for var dependency in dependencies {
            dependency.group = resolved(dependency.group, above)
            dependency.artifact = resolved(dependency.artifact, above)
            let key = "\(dependency.group):\(dependency.artifact)"
            if let managed = known[key] ?? above.lazy.compactMap({ $0.known[key] }).first {
                if dependency.version.isEmpty { dependency.version = managed.version }
                if dependency.scope.isEmpty { dependency.scope = managed.scope }
            }
            dependency.version = resolved(dependency.version, above)
            dependency.scope = resolved(dependency.scope, above)
            out.append(dependency)
        }
        return out
    }

    private mutating func take(_ path: [String], _ text: String) {
        guard path.first == "project" else { return }
        switch path.count {
        case 2:
            switch path[1] {
            case "groupId": group = text
            case "artifactId": artifact = text
            case "version": version = text
            default: break
            }
        case 3:
            if path[1] == "properties" { properties[path[2]] = text }
            guard path[1] == "parent" else { break }
            if parent == nil { parent = Parent() }
            switch path[2] {
            case "groupId": parent?.group = text
            case "artifactId": parent?.artifact = text
            case "version": parent?.version = text
            case "relativePath": parent?.path = text
            default: break
            }
        case 4 where path[1] == "dependencies" && path[2] == "dependency":
            Self.set(&dependencies[dependencies.count - 1], path[3], text)
        case 5 where path[1] == "dependencyManagement" && path[2] == "dependencies" && path[3] == "dependency":
            Self.set(&managed[managed.count - 1], path[4], text)
        default: break
        }
    }

    private static func set(_ dependency: inout Dependency, _ field: String, _ text: String) {
        switch field {
        case "groupId": dependency.group = text
        case "artifactId": dependency.artifact = text
        case "version": dependency.version = text
        case "scope": dependency.scope = text
        default: break
        }
    }

    /// With `${…}` replaced, as far as this file and those above say by what. A few rounds: properties may name each other.
    private func resolved(_ text: String, _ above: [PomFile]) -> String {
        var text = text
        for _ in 0..<8 {
            guard let start = text.firstRange(of: "${"),
                let end = text[start.upperBound...].firstIndex(of: "}")
            else { return text }
            let key = String(text[start.upperBound..<end])
            let value: String?
            switch key {
            case "project.version", "pom.version", "version": value = version.isEmpty ? parentVersion : version
            case "project.groupId", "pom.groupId", "groupId": value = group.isEmpty ? parentGroup : group
            case "project.artifactId", "artifactId": value = artifact
            case "project.parent.version", "parent.version": value = parentVersion
            default: value = properties[key] ?? above.lazy.compactMap { $0.properties[key] }.first
            }
            guard let value, value.utf8.count <= 256 else { return text }
            text.replaceSubrange(start.lowerBound...end, with: value)
        }
        return text
    }
}
