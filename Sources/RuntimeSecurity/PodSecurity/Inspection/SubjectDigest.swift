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
        let count = bytes.count + check.utf8.count + 1 + container.utf8.count
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) { data in
            data.copyBytes(from: bytes)
            var end = bytes.count
            func append(_ text: String) {
                var text = text
                text.withUTF8 { UnsafeMutableRawBufferPointer(rebasing: data[end...]).copyBytes(from: $0) }
                end += text.utf8.count
            }
            append(check)
            data[end] = .max
            end += 1
            append(container)
            hash.update(bufferPointer: UnsafeRawBufferPointer(data))
        }
        return hash.finalize().withUnsafeBytes { digest in
            Fingerprint(
                high: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}
