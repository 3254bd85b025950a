// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Projects of Maven that lie beside each other and take versions from their parents.
package struct JavaProjects {
    /// Bytes of a file that is kept for this, and of all.
    package static let limit = 256 << 10
    package static let limitOfAll = 16 << 20

    private static let maxParents = 16

    private var projects: [String: PomFile] = [:]
    /// The paths of parents, the nearest first.
    private var above: [String: [String]] = [:]

    package static func isProject(_ path: String) -> Bool { path == "pom.xml" || path.hasSuffix("/pom.xml") }

    /// - Parameter files: by their paths; those that cannot be read are told of elsewhere.
    package init(_ files: [(path: String, bytes: [UInt8])]) {
        for (path, bytes) in files {
            bytes.withUnsafeBufferPointer { text in
                if let pom = try? PomFile(text) { projects[path] = pom }
            }
        }
        for path in projects.keys {
            var chain: [String] = []
            var next = parent(of: path)
            while let one = next, chain.count < Self.maxParents, one != path, !chain.contains(one) {
                chain.append(one)
                next = parent(of: one)
            }
            above[path] = chain
        }
        for (path, chain) in above where !chain.isEmpty {
            let parents = chain.compactMap { projects[$0] }
            projects[path]?.inherit(parents)
        }
    }

    /// What projects need that have a parent here, by the path of each.
    package var packages: [String: [FoundPackage]] {
        var out: [String: [FoundPackage]] = [:]
        for (path, chain) in above where !chain.isEmpty {
            guard let project = projects[path] else { continue }
            let parents = chain.compactMap { projects[$0] }
            out[path] = JavaLocks.packages(project.dependencies(below: parents), path)
        }
        return out
    }

    private func parent(of path: String) -> String? {
        guard let parent = projects[path]?.parent, !parent.path.isEmpty, !parent.path.hasPrefix("/") else { return nil }
        var folders = path.split(separator: "/").dropLast()
        for part in parent.path.split(separator: "/") where part != "." {
            if part != ".." {
                folders.append(part)
            } else if folders.popLast() == nil {
                return nil
            }
        }
        if folders.last?.hasSuffix(".xml") != true { folders.append("pom.xml") }
        let place = folders.joined(separator: "/")
        guard let found = projects[place], found.artifact == parent.artifact else { return nil }
        return found.group == parent.group ? place : nil
    }
}
