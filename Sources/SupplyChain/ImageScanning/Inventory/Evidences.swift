// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// Packages of all files of an image, of which some only count where others say nothing.
struct Evidences {
    private let packages: [FoundPackage]
    /// Paths of go.mod files that name all that they need.
    private var complete: Set<String> = []
    /// What Maven's projects need that have their parent here.
    private var projects: [String: [FoundPackage]] = [:]

    init(_ packages: [FoundPackage], _ kept: [LayerRecord.KeptFile]) {
        self.packages = packages
        var files: [(path: String, bytes: [UInt8])] = []
        for file in kept {
            if JavaProjects.isProject(file.path) {
                files.append((file.path, file.bytes))
            } else {
                complete.insert(file.path)
            }
        }
        if files.count > 1 { projects = JavaProjects(files).packages }
    }

    private struct Identity: Hashable {
        let kind: PackageKind
        let name: String
        let version: String

        init(_ package: FoundPackage) {
            (kind, name, version) = (package.kind, package.advisoryName, package.version)
        }
    }

    var counted: [FoundPackage] {
        var out = packages
        if !complete.isEmpty {
            out.removeAll { package in
                package.kind == .golang && package.path.hasSuffix("go.sum")
                    && complete.contains(package.path.dropLast(3) + "mod")
            }
        }
        if !projects.isEmpty { out = withProjects(out) }
        // What an enclosed bill of materials says is mostly found by itself as well.
        guard out.contains(where: { EnclosedBill.isBill($0.path) }) else { return out }
        var known: Set<Identity> = []
        for package in out where !EnclosedBill.isBill(package.path) { known.insert(Identity(package)) }
        out.removeAll { EnclosedBill.isBill($0.path) && !known.insert(Identity($0)).inserted }
        return out
    }

    /// With what projects say together in the place of what each says alone.
    private func withProjects(_ packages: [FoundPackage]) -> [FoundPackage] {
        var layers: [String: Int?] = [:]
        for package in packages where projects[package.path] != nil { layers[package.path] = package.layer }
        var out = packages.filter { projects[$0.path] == nil }
        for (path, found) in projects {
            for var package in found {
                package.layer = layers[path] ?? nil
                out.append(package)
            }
        }
        return out
    }
}
