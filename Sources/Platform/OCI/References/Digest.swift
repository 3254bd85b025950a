// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto

/// The name of content by its hash: `sha256:` and 64 hexadecimal digits (OCI image specification, descriptor.md).
package struct Digest: Sendable, Hashable, CustomStringConvertible {
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha256, sha512

        /// Hexadecimal digits.
        var length: Int { self == .sha256 ? 64 : 128 }
    }

    package let algorithm: Algorithm
    /// In lower case.
    package let hex: String

    /// - Throws: `malformed`; `unsupported` for a well-formed digest of another algorithm.
    package init(_ text: String) throws(OCIError) {
        let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        let name = text[..<colon]
        let hex = text[colon...].dropFirst()
        guard !name.isEmpty, !hex.isEmpty, text.utf8.count <= 300 else {
            throw OCIError(.malformed, "\(text.excerpt()) is no digest; expected sha256: and 64 hexadecimal digits")
        }
        guard let algorithm = Algorithm(rawValue: String(name)) else {
            let isName = name.utf8.allSatisfy { $0.isLowerAlphanumeric || "+._-".utf8.contains($0) }
            throw OCIError(
                isName ? .unsupported : .malformed,
                "digest \(text.excerpt()): algorithm \(String(name).excerpt()) is neither sha256 nor sha512")
        }
        guard hex.utf8.count == algorithm.length, hex.utf8.allSatisfy(\.isLowerHexadecimal) else {
            throw OCIError(
                .malformed,
                "digest \(text.excerpt()): expected \(algorithm.length) hexadecimal digits in lower case after \(name):"
            )
        }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    private init(_ algorithm: Algorithm, bytes: some Sequence<UInt8>) {
        self.algorithm = algorithm
        var text: [UInt8] = []
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        hex = String(decoding: text, as: UTF8.self)
    }

    /// Of bytes in memory.
    package init(of bytes: [UInt8], _ algorithm: Algorithm = .sha256) {
        var hasher = Hasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        self = hasher.finish()
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }

    /// Hashes bytes that come in pieces.
    package struct Hasher: Sendable {
        private enum State: Sendable {
            case sha256(SHA256)
            case sha512(SHA512)
        }

        private var state: State

        package init(_ algorithm: Algorithm) {
            state = algorithm == .sha256 ? .sha256(SHA256()) : .sha512(SHA512())
        }

        package mutating func update(_ bytes: UnsafeRawBufferPointer) {
            switch state {
            case .sha256(var hash):
                hash.update(bufferPointer: bytes)
                state = .sha256(hash)
            case .sha512(var hash):
                hash.update(bufferPointer: bytes)
                state = .sha512(hash)
            }
        }

        package func finish() -> Digest {
            switch state {
            case .sha256(let hash): Digest(.sha256, bytes: hash.finalize())
            case .sha512(let hash): Digest(.sha512, bytes: hash.finalize())
            }
        }
    }
}

extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var isLowerAlphanumeric: Bool { isDigit || (self >= 0x61 && self <= 0x7A) }
    var isAlphanumeric: Bool { isLowerAlphanumeric || isUpper }
    var isUpper: Bool { self >= 0x41 && self <= 0x5A }
    var isLowerHexadecimal: Bool { isDigit || (self >= 0x61 && self <= 0x66) }
}

extension String {
    /// For messages: in quotes, cut, and without what would break a line or a terminal.
    func excerpt(_ limit: Int = 160) -> String { "'" + plain(limit) + "'" }

    /// The same without quotes.
    func plain(_ limit: Int = 300) -> String {
        var text = ""
        var count = 0
        for scalar in unicodeScalars {
            guard count < limit else { return text + "…" }
            text.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
            count += 1
        }
        return text
    }
}
