// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Says which reader a file is for. Asked for every file of an image: most answers are "none", found without allocating.
package final class PackageReaders: Sendable {
    package static let standard = PackageReaders(PackageReaders.rules)

    /// For executables, which only their content tells: ask for files with `mode & 0o111` or whose first bytes
    /// `isExecutable` knows.
    package let readerForExecutable: any PackageReader = ExecutableReader()

    /// Which files a reader is for.
    struct Rule: Sendable {
        enum Name: Sendable {
            /// The last component.
            case exactly(String)
            /// What stands behind the last dot of the last component.
            case ending(String)
        }
        let name: Name
        /// The folders right above end so: `var/lib/dpkg`; empty for any place.
        var folder = ""
        /// A last question to the path's bytes.
        var condition: (@Sendable (UnsafeBufferPointer<UInt8>) -> Bool)?
        let reader: any PackageReader
    }

    private let rules: [Rule]
    /// For a hash of a name or ending, modulo the size: 1 + the first index into `chains`; 0 for none.
    private let slots: [UInt16]
    private let chains: [[Int]]
    private static let size = 4096

    init(_ rules: [Rule]) {
        var slots = [UInt16](repeating: 0, count: Self.size)
        var chains: [[Int]] = []
        for (index, rule) in rules.enumerated() {
            let text: String
            switch rule.name {
            case .exactly(let name): text = name
            case .ending(let name): text = "." + name
            }
            let slot = Self.slot(text.utf8.reversed().reduce(Self.seed, Self.step))
            if slots[slot] == 0 {
                chains.append([])
                slots[slot] = UInt16(truncatingIfNeeded: chains.count)
            }
            chains[Int(slots[slot]) - 1].append(index)
        }
        (self.rules, self.slots, self.chains) = (rules, slots, chains)
    }

    private static let seed: UInt64 = 14_695_981_039_346_656_037
    @inline(__always)
    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    @inline(__always)
    private static func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: (hash ^ hash >> 24) & UInt64(size - 1)) }

    /// The reader for a file, by its path without a leading slash; nil for nearly all files.
    package func reader(for path: String) -> (any PackageReader)? {
        path.utf8.withContiguousStorageIfAvailable { find($0) } ?? Array(path.utf8).withUnsafeBufferPointer(find)
    }

    private func find(_ path: UnsafeBufferPointer<UInt8>) -> (any PackageReader)? {
        var at = path.count
        var hash = Self.seed
        var dotHash: UInt64?
        while at > 0, path[at - 1] != 0x2F {
            at -= 1
            hash = Self.step(hash, path[at])
            if path[at] == 0x2E, dotHash == nil { dotHash = hash }
        }
        if let reader = look(hash, path, nameStart: at) { return reader }
        if let dotHash, let reader = look(dotHash, path, nameStart: at) { return reader }
        // Distroless images have one file a package in a folder of this name.
        if at > 9, path[at - 2] == 0x64, path[at - 3] == 0x2E {
            return DpkgStatusFolder.holds(path, nameStart: at) ? Self.dpkgStatus : nil
        }
        return nil
    }

    @inline(__always)
    private func look(_ hash: UInt64, _ path: UnsafeBufferPointer<UInt8>, nameStart: Int) -> (any PackageReader)? {
        let slot = slots[Self.slot(hash)]
        return slot == 0 ? nil : choose(chains[Int(slot) - 1], path, nameStart)
    }

    private func choose(_ chain: [Int], _ path: UnsafeBufferPointer<UInt8>, _ nameStart: Int) -> (any PackageReader)? {
        for index in chain {
            let rule = rules[index]
            switch rule.name {
            case .exactly(let name):
                guard path[nameStart...].elementsEqual(name.utf8) else { continue }
            case .ending(let ending):
                guard path.hasSuffix(ending), path.count - nameStart > ending.utf8.count,
                    path[path.count - ending.utf8.count - 1] == 0x2E
                else { continue }
            }
            if !rule.folder.isEmpty {
                guard nameStart > 0 else { continue }
                let above = UnsafeBufferPointer(rebasing: path[..<(nameStart - 1)])
                let length = rule.folder.utf8.count
                guard above.hasSuffix(rule.folder), above.count == length || above[above.count - length - 1] == 0x2F
                else { continue }
            }
            if let condition = rule.condition, !condition(path) { continue }
            return rule.reader
        }
        return nil
    }

    /// Whether a file that begins so may be a program: ELF, PE or Mach-O. Four bytes are enough.
    package static func isExecutable(_ start: UnsafeRawBufferPointer) -> Bool {
        guard start.count >= 4 else { return false }
        switch (start[0], start[1], start[2], start[3]) {
        case (0x7F, 0x45, 0x4C, 0x46), (0xCF, 0xFA, 0xED, 0xFE), (0xCE, 0xFA, 0xED, 0xFE), (0xFE, 0xED, 0xFA, 0xCE),
            (0xFE, 0xED, 0xFA, 0xCF), (0xCA, 0xFE, 0xBA, 0xBE):
            return true
        default: return start[0] == 0x4D && start[1] == 0x5A
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    func hasSuffix(_ text: String) -> Bool {
        let length = text.utf8.count
        return count >= length && self[(count - length)...].elementsEqual(text.utf8)
    }

    func hasPrefix(_ text: String) -> Bool {
        count >= text.utf8.count && self[..<text.utf8.count].elementsEqual(text.utf8)
    }
}
