// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Finds which language packages belong to packages of the distribution: Debian's `python3-requests` brings the
/// distribution `requests`, patched by Debian under a version that upstream's advisories call vulnerable.
///
/// ```swift
/// var ownership = Ownership(of: packages)
/// for list in lists { try OwnedFiles.read(list) { ownership.add($0, owner: $1) } }
/// ownership.mark(&packages)
/// ```
package struct Ownership {
    /// Hashes of the paths that are asked for. Nearly all of the hundred thousands of owned files end here.
    private var hashes: Set<UInt64> = []
    private var owners: [String: String] = [:]

    /// Only the paths of these packages are looked for.
    package init(of packages: [FoundPackage]) {
        for package in packages where !package.kind.isSystem {
            let path = Self.merged(package.path)
            hashes.insert(path.utf8.reduce(Self.seed, Self.step))
        }
    }

    private static let seed: UInt64 = 14_695_981_039_346_656_037
    @inline(__always)
    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 1_099_511_628_211 }

    /// Takes a file that a package of the distribution owns, as `OwnedFiles.read` gives it.
    package mutating func add(_ path: UnsafeBufferPointer<UInt8>, owner: String) {
        var hash = Self.seed
        if Self.isMerged(path) { for byte: UInt8 in [0x75, 0x73, 0x72, 0x2F] { hash = Self.step(hash, byte) } }
        for byte in path { hash = Self.step(hash, byte) }
        guard hashes.contains(hash) else { return }
        owners[Self.merged(path.string)] = owner
    }

    /// Sets `owner` where a package's file has one.
    package func mark(_ packages: inout [FoundPackage]) {
        for index in packages.indices where !packages[index].kind.isSystem {
            if let owner = owners[Self.merged(packages[index].path)] { packages[index].owner = owner }
        }
    }

    /// Databases still say `/lib/x` of what lies in `/usr/lib/x`, to which `/lib` is a link now.
    private static func isMerged(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        switch path.first {
        case 0x6C: path.starts(with: "lib/") || path.starts(with: "lib64/") || path.starts(with: "lib32/")
        case 0x62: path.starts(with: "bin/")
        case 0x73: path.starts(with: "sbin/")
        default: false
        }
    }

    private static func merged(_ path: String) -> String {
        Array(path.utf8).withUnsafeBufferPointer(isMerged) ? "usr/" + path : path
    }
}
