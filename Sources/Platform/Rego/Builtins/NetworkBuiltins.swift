// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addNetworks() {
        one("net.cidr_is_valid") { value, _ in .bool(value.text.flatMap { IPNetwork($0) } != nil) }
        two("net.cidr_contains", [.string], [.string]) { network, other, _ in
            let network = try cidr(network, 1)
            return .bool(network.contains(try addressOrNetwork(other, 2)))
        }
        two("net.cidr_overlap", [.string], [.string]) { network, other, _ in
            let network = try cidr(network, 1)
            return .bool(network.contains(try addressOrNetwork(other, 2)))
        }
        two("net.cidr_intersects", [.string], [.string]) { one, two, _ in
            let (a, b) = (try cidr(one, 1), try cidr(two, 2))
            return .bool(a.contains(b) || b.contains(a))
        }
        one("net.cidr_expand", [.string]) { value, context in
            let network = try cidr(value, 1)
            guard network.hostBits <= 24 else { throw BuiltinError(.builtin, "network is too large to expand") }
            try context.spend((1 << network.hostBits) * 64)
            return .set(SetValue((0..<(1 << network.hostBits)).map { .string(network.address(at: $0)) }))
        }
        one("net.cidr_merge", [.array, .set]) { value, _ in
            let networks = try value.strings(1).map { text in
                if let network = IPNetwork(text) { return network }
                guard let address = IPNetwork(address: text) else {
                    throw BuiltinError(.builtin, "invalid CIDR address: \(text)")
                }
                if address.isSix { throw BuiltinError(.builtin, "IPv6 invalid: needs prefix length") }
                return address.withClassMask
            }
            return .set(SetValue(IPNetwork.merge(networks).map { .string($0.description) }))
        }
        two("net.cidr_contains_matches") { networks, others, context in
            let (a, b) = (try entries(networks, 1), try entries(others, 2))
            try context.spend(a.count * b.count)
            var found: [Value] = []
            for (key, network) in a {
                let outer = try cidr(network, 1)
                for (otherKey, other) in b where outer.contains(try addressOrNetwork(other, 2)) {
                    found.append(.array([key, otherKey]))
                }
            }
            return .set(SetValue(found))
        }
    }
}

private func cidr(_ value: Value, _ position: Int) throws -> IPNetwork {
    let text = try value.string(position)
    guard let network = IPNetwork(text) else { throw BuiltinError(.builtin, "invalid CIDR address: \(text)") }
    return network
}

private func addressOrNetwork(_ value: Value, _ position: Int) throws -> IPNetwork {
    let text = try value.string(position)
    guard let network = IPNetwork(text) ?? IPNetwork(address: text) else {
        throw BuiltinError(.builtin, "invalid CIDR address: \(text)")
    }
    return network
}

/// Networks by the key that names them in the answer.
private func entries(_ value: Value, _ position: Int) throws -> [(Value, Value)] {
    func network(_ element: Value) throws -> Value {
        if element.kind == .string { return element }
        guard let first = element.elements?.first, first.kind == .string else {
            throw BuiltinError(.builtin, "operand \(position): element must be string or non-empty array")
        }
        return first
    }
    if value.kind == .string { return [(value, value)] }
    if let elements = value.elements {
        return try elements.enumerated().map { (.int($0.offset), try network($0.element)) }
    }
    if let set = value.setMembers { return try set.members.map { ($0, try network($0)) } }
    if let object = value.members {
        return try zip(object.keys, object.values).map { ($0, try network($1)) }
    }
    throw BuiltinError.operand(position, mustBe: "one of {string, array, set, object}", butGot: value)
}

/// An address with the length of its prefix.
struct IPNetwork: Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, those of the host zero in a network.
    private(set) var bytes: [UInt8]
    private(set) var prefix: Int

    var isSix: Bool { bytes.count == 16 }
    var hostBits: Int { bytes.count * 8 - prefix }

    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPNetwork.parse(String(parts[0])), !parts[1].isEmpty, parts[1].count <= 3,
            parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let prefix = Int(parts[1]),
            prefix <= address.count * 8
        else { return nil }
        self.init(bytes: address, prefix: prefix)
    }

    init?(address text: String) {
        guard let bytes = IPNetwork.parse(text) else { return nil }
        self.init(bytes: bytes, prefix: bytes.count * 8)
    }

    private init(bytes: [UInt8], prefix: Int) {
        self.bytes = bytes
        self.prefix = prefix
        for index in bytes.indices {
            let kept = min(max(prefix - index * 8, 0), 8)
            self.bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    /// An IPv4 address as the network of its class.
    var withClassMask: IPNetwork {
        let first = bytes.first ?? 0
        return IPNetwork(bytes: bytes, prefix: first < 128 ? 8 : first < 192 ? 16 : first < 224 ? 24 : 32)
    }

    func contains(_ other: IPNetwork) -> Bool {
        guard bytes.count == other.bytes.count, other.prefix >= prefix else { return false }
        return IPNetwork(bytes: other.bytes, prefix: prefix).bytes == bytes
    }

    func address(at offset: Int) -> String {
        var address = bytes
        var rest = offset
        for index in address.indices.reversed() where rest > 0 {
            address[index] |= UInt8(rest & 255)
            rest >>= 8
        }
        return IPNetwork.text(address)
    }

    var description: String { "\(IPNetwork.text(bytes))/\(prefix)" }

    /// The fewest networks that cover the same addresses.
    static func merge(_ networks: [IPNetwork]) -> [IPNetwork] {
        var sorted = networks.sorted {
            if $0.bytes.count != $1.bytes.count { return $0.bytes.count < $1.bytes.count }
            if $0.bytes != $1.bytes { return $0.bytes.lexicographicallyPrecedes($1.bytes) }
            return $0.prefix < $1.prefix
        }
        var merged: [IPNetwork] = []
        sorted.reverse()
        while let network = sorted.popLast() {
            if let last = merged.last, last.contains(network) { continue }
            var current = network
            // Two halves of one network become it.
            while let last = merged.last, last.prefix == current.prefix, last.prefix > 0,
                last.bytes.count == current.bytes.count
            {
                let parent = IPNetwork(bytes: last.bytes, prefix: last.prefix - 1)
                guard parent.contains(current), parent.bytes == last.bytes, last != current else { break }
                merged.removeLast()
                current = parent
            }
            merged.append(current)
        }
        return merged
    }

    // MARK: Text

    static func parse(_ text: String) -> [UInt8]? {
        if text.contains(":") { return parseSix(text) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.count <= 3, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part.count == 1 || part.first != "0", let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func parseSix(_ text: String) -> [UInt8]? {
        let halves = Texts.split(text, "::")
        guard halves.count <= 2 else { return nil }
        func groups(_ text: String) -> [UInt8]? {
            if text.isEmpty { return [] }
            var bytes: [UInt8] = []
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if part.contains("."), index == parts.count - 1, let four = parse(String(part)), four.count == 4 {
                    bytes += four
                    continue
                }
                guard !part.isEmpty, part.count <= 4, part.allSatisfy(\.isHexDigit), let group = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 255)]
            }
            return bytes
        }
        guard let head = groups(halves[0]) else { return nil }
        guard halves.count == 2 else { return head.count == 16 ? head : nil }
        guard let tail = groups(halves[1]), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    static func text(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The longest run of zeros, two at least, is left out.
        var best = 0..<0
        var at = 0
        while at < 8 {
            guard groups[at] == 0 else {
                at += 1
                continue
            }
            let end = groups[at...].firstIndex { $0 != 0 } ?? 8
            if end - at > max(best.count, 1) { best = at..<end }
            at = end
        }
        func join(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        if best.isEmpty { return join(groups[...]) }
        return join(groups[..<best.lowerBound]) + "::" + join(groups[best.upperBound...])
    }
}
