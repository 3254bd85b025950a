// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto

/// Random values and what is kept of them. Secrets of 256 bits need no slow hash: they cannot be guessed.
enum Secrets {
    static func randomBytes(_ count: Int) -> [UInt8] {
        // The system's generator (getrandom on Linux).
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// 256 random bits as 64 hexadecimal digits.
    static func token() -> String { hex(randomBytes(32)) }

    /// What the database keeps of a token.
    static func hash(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    /// The token for the forms of whoever holds `secret`: nobody else can compute it, so it needs no storage.
    static func formToken(_ secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("bulwark console form".utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return hex(Array(code))
    }

    /// Takes the same time wherever the two differ.
    static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    static func equal(_ left: String, _ right: String) -> Bool { equal(Array(left.utf8), Array(right.utf8)) }

    /// A password of 100 random bits that is easy to type: 20 letters and digits without look-alikes, in groups.
    static func password() -> String {
        let alphabet = Array("abcdefghijkmnpqrstuvwxyz23456789".utf8)
        let letters = randomBytes(20).map { alphabet[Int($0) % 32] }
        return stride(from: 0, to: 20, by: 5)
            .map { String(decoding: letters[$0..<$0 + 5], as: UTF8.self) }
            .joined(separator: "-")
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// nil unless `text` is an even run of hexadecimal digits.
    static func bytes(hex text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case 0x30...0x39: byte - 0x30
            case 0x61...0x66: byte - 0x61 + 10
            case 0x41...0x46: byte - 0x41 + 10
            default: nil
            }
        }
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
