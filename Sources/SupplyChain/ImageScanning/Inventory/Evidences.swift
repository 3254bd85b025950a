// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory

/// Packages of all files of an image, of which some only count where others say nothing.
struct Evidences {
    private let packages: [FoundPackage]
    /// Paths of go.mod files that name all that they need.
    private let complete: Set<String>

    init(_ packages: [FoundPackage], complete: Set<String>) {
        self.packages = packages
        self.complete = complete
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
        // What an enclosed bill of materials says is mostly found by itself as well.
        guard out.contains(where: { EnclosedBill.isBill($0.path) }) else { return out }
        var known: Set<Identity> = []
        for package in out where !EnclosedBill.isBill(package.path) { known.insert(Identity(package)) }
        out.removeAll { EnclosedBill.isBill($0.path) && !known.insert(Identity($0)).inserted }
        return out
    }
}
