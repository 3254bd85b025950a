// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which checks failed on which containers of an object: what an owned object is compared with. 8 bytes a problem.
package struct ProblemSet: Sendable, Equatable {
    /// What a pod usually shows is looked through faster than it is hashed.
    private var few: ContiguousArray<UInt64> = []
    /// All of them, from the first that makes them many.
    private var many: Set<UInt64> = []
    private static let mostFew = 64

    package init() {}

    /// For the judging of one object: with room for what a pod usually shows.
    static func forObject() -> ProblemSet {
        var set = ProblemSet()
        set.few.reserveCapacity(40)
        return set
    }

    package var isEmpty: Bool { few.isEmpty }

    package static func == (left: ProblemSet, right: ProblemSet) -> Bool {
        left.few == right.few && left.many == right.many || left.all == right.all
    }

    private var all: Set<UInt64> { many.isEmpty ? Set(few) : many }

    /// Returns false when it was there already.
    @discardableResult
    mutating func insert(check: Int, container: Name) -> Bool {
        let key = Self.key(check, container)
        if !many.isEmpty { return many.insert(key).inserted }
        if few.contains(key) { return false }
        if few.count < Self.mostFew {
            few.append(key)
        } else {
            many = Set(few)
            many.insert(key)
        }
        return true
    }

    func contains(check: Int, container: Name) -> Bool {
        let key = Self.key(check, container)
        return many.isEmpty ? few.contains(key) : many.contains(key)
    }

    /// The name of a container, hashed once for all checks; of no container, when the object itself shows the problem. The
    /// hash differs from run to run, so that nobody can choose names that are taken for each other.
    struct Name {
        fileprivate let hash: UInt64

        init(_ name: String) {
            // Byte for byte: names that only look the same are not the same.
            var (name, hasher) = (name, Hasher())
            name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hash = name.isEmpty ? 0 : UInt64(bitPattern: Int64(hasher.finalize()))
        }

        static var none: Name { Name("") }
    }

    private static func key(_ check: Int, _ container: Name) -> UInt64 {
        container.hash ^ UInt64(truncatingIfNeeded: check) &* 0x9E37_79B9_7F4A_7C15
    }
}
