// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A project file of Maven, as far as it says itself which versions it means (maven.apache.org, "POM Reference").
struct PomFile {
    struct Dependency {
        var group = ""
        var artifact = ""
        var version = ""
        var scope = ""
    }

    private(set) var group = ""
    private(set) var artifact = ""
    private(set) var version = ""
    private(set) var dependencies: [Dependency] = []
    private var managed: [Dependency] = []
    private var properties: [String: String] = [:]
    private var parentGroup = ""
    private var parentVersion = ""

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
        group = resolved(group)
        version = resolved(version)
        artifact = resolved(artifact)
        var known: [String: Dependency] = [:]
        for dependency in managed.reversed() {
            known["\(resolved(dependency.group)):\(resolved(dependency.artifact))"] = dependency
        }
        for index in dependencies.indices { resolve(&dependencies[index], known) }
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
            if path[1] == "parent" {
                if path[2] == "groupId" { parentGroup = text }
                if path[2] == "version" { parentVersion = text }
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

    /// Fills in what `dependencyManagement` says of it.
    private func resolve(_ dependency: inout Dependency, _ known: [String: Dependency]) {
        dependency.group = resolved(dependency.group)
        dependency.artifact = resolved(dependency.artifact)
        if let managed = known["\(dependency.group):\(dependency.artifact)"] {
            if dependency.version.isEmpty { dependency.version = managed.version }
            if dependency.scope.isEmpty { dependency.scope = managed.scope }
        }
        dependency.version = resolved(dependency.version)
    }

    /// With `${…}` replaced, as far as this file says by what. A few rounds: properties may name each other.
    private func resolved(_ text: String) -> String {
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
            default: value = properties[key]
            }
            guard let value, value.utf8.count <= 256 else { return text }
            text.replaceSubrange(start.lowerBound...end, with: value)
        }
        return text
    }
}
