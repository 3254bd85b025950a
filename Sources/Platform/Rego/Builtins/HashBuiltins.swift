// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

extension BuiltinTable {
    mutating func addHashes() {
        one("crypto.md5", [.string]) { value, _ in
            .string(Hexadecimal.text(Insecure.MD5.hash(data: Data(try value.string(1).utf8))))
        }
        one("crypto.sha1", [.string]) { value, _ in
            .string(Hexadecimal.text(Insecure.SHA1.hash(data: Data(try value.string(1).utf8))))
        }
        one("crypto.sha256", [.string]) { value, _ in
            .string(Hexadecimal.text(SHA256.hash(data: Data(try value.string(1).utf8))))
        }
        mac("crypto.hmac.md5", Insecure.MD5.self)
        mac("crypto.hmac.sha1", Insecure.SHA1.self)
        mac("crypto.hmac.sha256", SHA256.self)
        mac("crypto.hmac.sha512", SHA512.self)
        two("crypto.hmac.equal", [.string], [.string]) { a, b, _ in
            let (one, two) = (Array(try a.string(1).utf8), Array(try b.string(2).utf8))
            guard one.count == two.count else { return .bool(false) }
            return .bool(zip(one, two).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0)
        }
    }

    private mutating func mac<Hash: HashFunction>(_ name: String, _ hash: Hash.Type) {
        two(name, [.string], [.string]) { message, key, _ in
            let key = SymmetricKey(data: Data(try key.string(2).utf8))
            return .string(
                Hexadecimal.text(HMAC<Hash>.authenticationCode(for: Data(try message.string(1).utf8), using: key)))
        }
    }

    mutating func addUUIDs() {
        one("uuid.rfc4122", [.string], deterministic: false) { key, context in
            var state = Fingerprint.of(try key.string(1), seed: context.seed)
            var bytes: [UInt8] = []
            for _ in 0..<2 {
                let word = Fingerprint.next(&state)
                for shift in stride(from: 56, through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
                }
            }
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            return .string(UUIDText.text(bytes))
        }
        one("uuid.parse", [.string]) { value, _ in UUIDText.describe(try value.string(1)) }
    }
}

private enum UUIDText {
    static func text(_ bytes: [UInt8]) -> String {
        let hex = Hexadecimal.text(bytes)
        var parts: [Substring] = []
        var rest = hex[...]
        for length in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return parts.joined(separator: "-")
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        var body = text[...]
        if body.lowercased().hasPrefix("urn:uuid:") { body = body.dropFirst(9) }
        if body.hasPrefix("{"), body.hasSuffix("}") { body = body.dropFirst().dropLast() }
        let groups = body.split(separator: "-", omittingEmptySubsequences: false)
        if groups.count > 1 {
            guard groups.map(\.count) == [8, 4, 4, 4, 12] else { return nil }
        }
        let digits = groups.joined()
        guard digits.utf8.count == 32 else { return nil }
        return try? Hexadecimal.bytes(digits)
    }

    /// What a UUID says of itself; nil when it is none.
    static func describe(_ text: String) -> Value? {
        guard let bytes = bytes(text) else { return nil }
        let version = Int(bytes[6] >> 4)
        let variant: String
        switch bytes[8] >> 5 {
        case 0, 1, 2, 3: variant = "Reserved"
        case 4, 5: variant = "RFC4122"
        case 6: variant = "Microsoft"
        default: variant = "Future"
        }
        var members: [(Value, Value)] = [(.string("version"), .int(version)), (.string("variant"), .string(variant))]
        if version == 1 || version == 2 {
            func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 << 8 | Int($1) } }
            let ticks = (number(6..<8) & 0x0FFF) << 48 | number(4..<6) << 32 | number(0..<4)
            let nanoseconds = (ticks - 122_192_928_000_000_000) &* 100
            let node = bytes[10...]
            let local = node[10] & 2 != 0 ? "local" : "global"
            let cast = node[10] & 1 != 0 ? "multicast" : "unicast"
            members += [
                (.string("time"), .int(nanoseconds)), (.string("clocksequence"), .int(number(8..<10) & 0x3FFF)),
                (.string("nodeid"), .string(node.map { Hexadecimal.text([$0]) }.joined(separator: "-"))),
                (.string("macvariables"), .string("\(local):\(cast)")),
            ]
            if version == 2 {
                let domains = ["Person", "Group", "Org"]
                let domain = Int(bytes[9])
                members.append((.string("id"), .int(number(0..<4))))
                members.append(
                    (.string("domain"), .string(domain < domains.count ? domains[domain] : "Domain\(domain)")))
            }
        }
        return .object(ObjectValue(members))
    }
}
