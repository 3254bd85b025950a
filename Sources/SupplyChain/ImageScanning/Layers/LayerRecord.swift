// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory
import Malware
import Secrets

/// All that was found in one layer, whatever lies above or below it: made once for a layer and kept by its `diffID`.
package struct LayerRecord: Sendable {
    /// Files that a system package owns, by the database that says so.
    package struct Ownership: Sendable {
        /// The database's path; when a higher layer replaces it, its word no longer counts.
        package var path: String
        /// `deb:python3-requests`
        package var owner: String
        /// Hashes of the paths under the shadow's key.
        package var files: [UInt64]
    }

    /// A small file that counts for the image as a whole: `etc/os-release`.
    package struct KeptFile: Sendable, Hashable {
        package var path: String
        package var bytes: [UInt8]
    }

    package var diffID = ""
    package var files = 0
    /// Bytes of all files.
    package var bytes: Int64 = 0
    package var packages: [FoundPackage] = []
    package var kept: [KeptFile] = []
    package var ownership: [Ownership] = []
    package var secrets: [SecretMatch] = []
    package var malware: [MalwareMatch] = []
    /// What files show by their names, rights and texts; see `ImageBehaviour`.
    package var traits: [ImageCheckResult] = []
    package var shadow = Shadow()
    package var problems = ScanProblems()

    package init() {}
}

/// Something that could not be read or judged, so that the scan does not say all there is to say.
package struct ScanProblem: Sendable, Hashable {
    /// The file; empty for a layer or image as a whole. `a.war!/WEB-INF/lib/b.jar` inside another.
    package var path: String
    package var message: String
    package var layer: Int?

    package init(_ message: String, path: String = "", layer: Int? = nil) {
        self.path = path
        self.message = message
        self.layer = layer
    }
}

/// Problems, the first thousand of them kept and all counted.
package struct ScanProblems: Sendable, Hashable {
    package static let limit = 1_000
    package private(set) var list: [ScanProblem] = []
    package private(set) var count = 0

    package init(_ list: [ScanProblem] = [], count: Int? = nil) {
        self.list = Array(list.prefix(Self.limit))
        self.count = max(count ?? list.count, self.list.count)
    }

    package var isEmpty: Bool { count == 0 }

    package mutating func add(_ problem: ScanProblem) {
        count += 1
        if list.count < Self.limit { list.append(problem) }
    }

    /// Adds those of a layer.
    package mutating func add(_ others: ScanProblems, layer: Int) {
        for var problem in others.list {
            problem.layer = layer
            add(problem)
        }
        count += others.count - others.list.count
    }
}
