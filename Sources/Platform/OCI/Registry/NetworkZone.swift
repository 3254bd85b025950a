// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Who else can reach an address that we can reach.
package struct NetworkZone: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Everybody.
    package static let open = NetworkZone(rawValue: 1)
    /// Our networks: private addresses (RFC 1918, 4193, 6598), and those that were reserved (240/4), which clusters use too.
    package static let inner = NetworkZone(rawValue: 2)
    /// This machine, its link, and the services of a cloud that tell machines their credentials.
    package static let own = NetworkZone(rawValue: 4)

    package static let all: NetworkZone = [.open, .inner, .own]

    /// The zone of an IPv4 address (4 bytes) or IPv6 address (16 bytes) in network order.
    ///
    /// What is no address of one host (multicast, broadcast) counts as own. Source: IANA's special-purpose registries.
    static func of(_ address: [UInt8]) -> NetworkZone {
        if address.count == 4 { return v4(address[...]) }
        guard address.count == 16 else { return .own }
        let zeros = address.prefix { $0 == 0 }.count
        // ::, ::1, and IPv4 addresses written in the last four bytes, mapped or not.
        if zeros == 10, address[10] == 0xFF, address[11] == 0xFF { return v4(address[12...]) }
        if zeros >= 12 { return v4(address[12...]) }
        switch (address[0], address[1], address[2], address[3]) {
        // Translated addresses lead to the IPv4 address inside.
        case (0x00, 0x64, 0xFF, 0x9B):
            return address[4..<12].allSatisfy { $0 == 0 } ? v4(address[12...]) : .inner
        case (0x20, 0x02, _, _): return v4(address[2..<6])
        case (0x20, 0x01, 0, 0): return .own
        case (0xFE, 0x80...0xBF, _, _): return .own
        case (0xFE, 0xC0...0xFF, _, _): return .inner
        // Services of Amazon's and Google's machines.
        case (0xFD, 0x00, 0x0E, 0xC2), (0xFD, 0x20, 0x00, 0xCE): return .own
        case (0xFC...0xFD, _, _, _): return .inner
        case (0xFF, _, _, _): return .own
        default: return .open
        }
    }

    private static func v4(_ address: ArraySlice<UInt8>) -> NetworkZone {
        let bytes = Array(address)
        switch (bytes[0], bytes[1]) {
        case (0, _), (127, _), (169, 254), (224...239, _): return .own
        case (240..., _): return bytes == [255, 255, 255, 255] ? .own : .inner
        // Oracle's, Alibaba's and Azure's services for machines.
        case (192, 0) where bytes[2] == 0: return .own
        case (100, 100) where bytes[2] == 100 && bytes[3] == 200: return .own
        case (168, 63) where bytes[2] == 129 && bytes[3] == 16: return .own
        case (10, _), (172, 16...31), (192, 168), (100, 64...127), (198, 18...19): return .inner
        default: return .open
        }
    }

    /// The zone of a literal address in any spelling that programs take (`127.1`, `0x7f000001`, `[::1]`); nil for a name.
    static func of(literal host: String) -> NetworkZone? {
        let text = host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" }) : host
        let address = String(text.prefix { $0 != "%" })
        var v4 = in_addr()
        if inet_aton(address, &v4) != 0 { return of(withUnsafeBytes(of: &v4) { Array($0) }) }
        var v6 = in6_addr()
        if inet_pton(AF_INET6, address, &v6) == 1 { return of(withUnsafeBytes(of: &v6) { Array($0) }) }
        return nil
    }

    /// The zones of all addresses of a host; nil where it has none. Blocks while the system's resolver is asked.
    static func of(name host: String) -> NetworkZone? {
        if let zone = of(literal: host) { return zone }
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var zones: NetworkZone = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr { zones.insert(of(UnsafePointer(address))) }
            next = entry.pointee.ai_next
        }
        return zones.isEmpty ? nil : zones
    }

    private static func of(_ address: UnsafePointer<sockaddr>) -> NetworkZone {
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { place in
                withUnsafeBytes(of: place.pointee.sin_addr) { of(Array($0)) }
            }
        case AF_INET6:
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { place in
                withUnsafeBytes(of: place.pointee.sin6_addr) { of(Array($0)) }
            }
        default: return .own
        }
    }
}
