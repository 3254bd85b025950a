// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A request for a certificate (PKCS #10), read but not judged.
struct X509Request: Sendable {
    let encoded: ArraySlice<UInt8>
    let signed: ArraySlice<UInt8>
    let version: Int
    let subject: X509Name
    let key: X509SubjectKey
    /// Old attributes that are rows of names and values; anything else is left out, as Go does.
    private(set) var attributes: [Value] = []
    private(set) var extensions: X509Extensions
    let signatureAlgorithm: X509SignatureAlgorithm
    let signature: ArraySlice<UInt8>

    init(_ element: DERElement) throws {
        encoded = element.encoded
        var outer = DERRow(try element.expect(DERElement.Tag.sequence))
        let body = try outer.next(DERElement.Tag.sequence)
        signatureAlgorithm = try X509SignatureAlgorithm(try outer.next(DERElement.Tag.sequence))
        signature = try outer.next().bits().bytes
        guard outer.isAtEnd else { throw DERError("trailing data") }
        signed = body.encoded
        var row = DERRow(body)
        version = try row.next().whole()
        subject = try X509Name(try row.next())
        key = try X509SubjectKey(try row.next(DERElement.Tag.sequence))
        extensions = try X509Extensions(nil)
        guard let list = try row.optional(0xA0) else { return }
        for attribute in try list.elements() {
            let parts = try attribute.expect(DERElement.Tag.sequence).elements()
            guard parts.count == 2 else { throw DERError("invalid attribute") }
            let identifier = try parts[0].identifier()
            let values = try parts[1].elements()
            if identifier == [1, 2, 840, 113549, 1, 9, 14], let first = values.first {
                extensions = try X509Extensions(first)
            }
            if let value = try? X509Request.attribute(identifier, values) { attributes.append(value) }
        }
    }

    private static func attribute(_ identifier: [Int], _ sets: [DERElement]) throws -> Value {
        let rows = try sets.map { set -> Value in
            .array(
                try set.expect(DERElement.Tag.sequence).elements().map { pair in
                    let parts = try pair.expect(DERElement.Tag.sequence).elements()
                    guard parts.count == 2 else { throw DERError("invalid attribute") }
                    return .object(
                        ObjectValue([
                            (.string("Type"), .array(try parts[0].identifier().map { .int($0) })),
                            (.string("Value"), parts[1].string.map { .string($0) } ?? .null),
                        ]))
                })
        }
        return .object(
            ObjectValue([
                (.string("Type"), .array(identifier.map { .int($0) })), (.string("Value"), .array(rows)),
            ]))
    }

    /// PEM, or base64 of PEM or DER.
    static func read(text: String) throws -> X509Request {
        guard text.utf8.count <= X509Certificate.maxBytes else { throw BuiltinError(.builtin, "request above 4 MiB") }
        var bytes = Array(text.utf8)
        if !text.hasPrefix("-----BEGIN CERTIFICATE REQUEST-----") { bytes = try Base64.decode(text, url: false) }
        var armour = PEMText(String(decoding: bytes, as: UTF8.self))
        if let block = armour.next() {
            guard block.type == "CERTIFICATE REQUEST" else {
                throw BuiltinError(.builtin, "invalid PEM-encoded certificate signing request")
            }
            bytes = block.bytes
        }
        do {
            return try X509Request(try DERElement.only(bytes[...]))
        } catch let error as DERError {
            throw BuiltinError(.builtin, "asn1: structure error: \(error.message)")
        }
    }
}
