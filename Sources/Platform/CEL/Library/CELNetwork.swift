// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// An IP address, or with a prefix a network.
package struct CELNetwork: Sendable, Hashable, CustomStringConvertible {
    let bytes: [UInt8]
    let prefix: Int?

    init(bytes: [UInt8], prefix: Int? = nil) { (self.bytes, self.prefix) = (bytes, prefix) }

    /// Strict: no leading zeros, no zones, no IPv4 inside IPv6.
    static func address(_ text: String) -> CELNetwork? {
        if text.contains(":") {
            guard !text.contains("."), !text.contains("%") else { return nil }
            return six(text).map { CELNetwork(bytes: $0) }
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard !part.isEmpty, part.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                part.count == 1 || part.first != "0",
                let byte = UInt8(part)
            else { return nil }
            bytes.append(byte)
        }
        return CELNetwork(bytes: bytes)
    }

    static func network(_ text: String) -> CELNetwork? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = address(String(parts[0])), !parts[1].isEmpty,
            parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), parts[1].count == 1 || parts[1].first != "0",
            let prefix = Int(parts[1]), prefix <= address.bytes.count * 8
        else { return nil }
        return CELNetwork(bytes: address.bytes, prefix: prefix)
    }

    private static func six(_ text: String) -> [UInt8]? {
        func groups(_ part: Substring) -> [UInt8]? {
            if part.isEmpty { return [] }
            var bytes: [UInt8] = []
            for group in part.split(separator: ":", omittingEmptySubsequences: false) {
                guard !group.isEmpty, group.count <= 4, group.allSatisfy(\.isHexDigit),
                    let value = UInt16(group, radix: 16)
                else { return nil }
                bytes += [UInt8(value >> 8), UInt8(value & 255)]
            }
            return bytes
        }
        guard let gap = text.firstRange(of: "::") else {
            guard let bytes = groups(text[...]), bytes.count == 16 else { return nil }
            return bytes
        }
        let rest = text[gap.upperBound...]
        guard !rest.contains("::"), !rest.hasPrefix(":"), let head = groups(text[..<gap.lowerBound]),
            let tail = groups(rest),
            head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// An IPv4 address that is written as an IPv6 one is the same address.
    package static func == (one: CELNetwork, two: CELNetwork) -> Bool {
        one.prefix == two.prefix && one.unmapped == two.unmapped
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(unmapped)
        hasher.combine(prefix)
    }

    private var unmapped: [UInt8] {
        let isMapped =
            prefix == nil && bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10...11] == [255, 255]
        return isMapped ? Array(bytes[12...]) : bytes
    }

    var masked: CELNetwork {
        guard let prefix else { return self }
        let kept = bytes.enumerated().map { index, byte in
            byte & UInt8(truncatingIfNeeded: 0xFF00 >> min(max(prefix - index * 8, 0), 8))
        }
        return CELNetwork(bytes: kept, prefix: prefix)
    }

    func contains(_ other: CELNetwork) -> Bool {
        guard let prefix, bytes.count == other.bytes.count, (other.prefix ?? other.bytes.count * 8) >= prefix else {
            return false
        }
        return CELNetwork(bytes: other.bytes, prefix: prefix).masked.bytes == masked.bytes
    }

    package var description: String {
        let text: String
        if bytes.count == 4 {
            text = bytes.map { "\($0)" }.joined(separator: ".")
        } else {
            let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
            var best = 0..<0
            var at = 0
            while at < 8 {
                let end = groups[at...].firstIndex { $0 != 0 } ?? 8
                if end - at > max(best.count, 1) { best = at..<end }
                at = max(end, at + 1)
            }
            func join(_ part: ArraySlice<UInt16>) -> String {
                part.map { String($0, radix: 16) }.joined(separator: ":")
            }
            text =
                best.isEmpty
                ? join(groups[...]) : join(groups[..<best.lowerBound]) + "::" + join(groups[best.upperBound...])
        }
        return prefix.map { "\(text)/\($0)" } ?? text
    }

    var isLoopback: Bool { bytes.count == 4 ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1] }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isMulticast: Bool { bytes.count == 4 ? bytes[0] & 0xF0 == 0xE0 : bytes[0] == 0xFF }
    var isLinkLocalUnicast: Bool {
        bytes.count == 4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }
    var isLinkLocalMulticast: Bool {
        bytes.count == 4 ? bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0 : bytes[0] == 0xFF && bytes[1] & 0x0F == 2
    }
    var isGlobalUnicast: Bool {
        let isBroadcast = bytes == [255, 255, 255, 255]
        return !isBroadcast && !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast
    }
}

extension CELFunctions {
    private static func text(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> String {
        guard index < arguments.count, case .string(let text) = arguments[index].resolved else {
            throw noOverload(name, arguments)
        }
        return text
    }

    private static func parsed(_ value: CELValue, _ name: String) throws(CELError) -> CELNetwork {
        switch value.resolved {
        case .network(let network): return network
        case .string(let text):
            if let network = CELNetwork.network(text) ?? CELNetwork.address(text) { return network }
            throw CELEvaluator.error("\(name): \(text) is no IP address or CIDR")
        default: throw noOverload(name, [value])
        }
    }

    static func addNetworks(_ table: inout [String: Body]) {
        table["ip"] = { arguments, _ in
            if case .network(let network)? = arguments.first?.resolved {
                return .network(CELNetwork(bytes: network.bytes))
            }
            let text = try text(arguments, 0, "ip")
            guard let address = CELNetwork.address(text) else {
                throw CELEvaluator.error("IP Address '\(text)' parse error during conversion from string")
            }
            return .network(address)
        }
        table["cidr"] = { arguments, _ in
            let text = try text(arguments, 0, "cidr")
            guard let network = CELNetwork.network(text) else {
                throw CELEvaluator.error("CIDR '\(text)' parse error during conversion from string")
            }
            return .network(network)
        }
        table["isIP"] = { arguments, _ in .bool(CELNetwork.address(try text(arguments, 0, "isIP")) != nil) }
        table["isCIDR"] = { arguments, _ in .bool(CELNetwork.network(try text(arguments, 0, "isCIDR")) != nil) }
        table["ip.isCanonical"] = { arguments, _ in
            let text = try text(arguments, 0, "ip.isCanonical")
            guard let address = CELNetwork.address(text) else {
                throw CELEvaluator.error("IP Address '\(text)' parse error during conversion from string")
            }
            return .bool(address.description == text)
        }
    }

    static func addNetworkMethods(_ table: inout [String: Body]) {
        let tests: [(String, @Sendable (CELNetwork) -> Bool)] = [
            ("isUnspecified", { $0.isUnspecified }), ("isLoopback", { $0.isLoopback }),
            ("isLinkLocalMulticast", { $0.isLinkLocalMulticast }), ("isLinkLocalUnicast", { $0.isLinkLocalUnicast }),
            ("isGlobalUnicast", { $0.isGlobalUnicast }),
        ]
        for (name, test) in tests {
            table[name] = { arguments, _ in .bool(test(try parsed(arguments[0], name))) }
        }
        table["family"] = { arguments, _ in .int(try parsed(arguments[0], "family").bytes.count == 4 ? 4 : 6) }
        table["prefixLength"] = { arguments, _ in
            let network = try parsed(arguments[0], "prefixLength")
            return .int(network.prefix ?? network.bytes.count * 8)
        }
        table["masked"] = { arguments, _ in .network(try parsed(arguments[0], "masked").masked) }
        table["ip"] = { arguments, _ in .network(CELNetwork(bytes: try parsed(arguments[0], "ip").bytes)) }
        for name in ["containsIP", "containsCIDR"] {
            table[name] = { arguments, _ in
                guard arguments.count == 2 else { throw noOverload(name, arguments) }
                return .bool(try parsed(arguments[0], name).contains(try parsed(arguments[1], name)))
            }
        }
    }
}
