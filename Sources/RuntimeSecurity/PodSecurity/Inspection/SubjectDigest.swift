// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings

/// The part of a fingerprint that all findings of one object share: 128 bits of SHA-256 over its identity.
struct SubjectDigest {
    private var bytes: [UInt8] = []

    init(_ subject: Subject) {
        var hash = SHA256()
        // A byte that no UTF-8 text holds keeps the parts apart. The version of the API is no part of an identity.
        for part in [subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name] {
            var part = part
            part.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
            withUnsafeBytes(of: UInt8.max) { hash.update(bufferPointer: $0) }
        }
        bytes.reserveCapacity(96)
        bytes.append(contentsOf: hash.finalize().prefix(16))
    }

    func fingerprint(check: String, container: String) -> Fingerprint {
        var hash = SHA256()
        var data = bytes
        data.append(contentsOf: check.utf8)
        data.append(.max)
        data.append(contentsOf: container.utf8)
        data.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize().withUnsafeBytes { digest in
            Fingerprint(
                high: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}
