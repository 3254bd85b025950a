// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which checks failed on which containers of an object: what an owned object is compared with. 8 bytes a problem.
package struct ProblemSet: Sendable, Equatable {
    private var keys: Set<UInt64> = []

    package init() {}

    /// For the judging of one object: with room for what a pod usually shows.
    static func forObject() -> ProblemSet {
        var set = ProblemSet()
        set.keys.reserveCapacity(40)
        return set
    }

    package var isEmpty: Bool { keys.isEmpty }

    /// Returns false when it was there already.
    mutating func insert(check: Int, container: String) -> Bool { keys.insert(Self.key(check, container)).inserted }

    func contains(check: Int, container: String) -> Bool { keys.contains(Self.key(check, container)) }

    /// FNV-1a over the container's name, with the check's place in front.
    private static func key(_ check: Int, _ container: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ UInt64(check)
        hash = hash &* 0x100_0000_01b3
        for byte in container.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
