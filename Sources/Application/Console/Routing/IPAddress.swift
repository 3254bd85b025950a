// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Numeric addresses.
enum IPAddress {
    /// Four or sixteen bytes; nil when `text` is not an address.
    static func bytes(_ text: String) -> [UInt8]? {
        var (v4, v6) = ([UInt8](repeating: 0, count: 4), [UInt8](repeating: 0, count: 16))
        if inet_pton(AF_INET, text, &v4) == 1 { return v4 }
        return inet_pton(AF_INET6, text, &v6) == 1 ? v6 : nil
    }

    /// What attempts are counted by: an IPv4 address, or the /64 of an IPv6 address, all of which one customer has.
    static func origin(_ text: String) -> String {
        guard let bytes = bytes(text), bytes.count == 16 else { return text }
        // ::ffff:a.b.c.d is an IPv4 address.
        if bytes[0..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
            return bytes[12...].map(String.init).joined(separator: ".")
        }
        return stride(from: 0, to: 8, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
            .joined(separator: ":") + "::/64"
    }
}
