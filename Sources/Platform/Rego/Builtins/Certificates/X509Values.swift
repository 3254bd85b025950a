// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Certificates and requests in the shape in which Go's encoder writes its own, which is what policies for OPA expect.
struct X509Values {
    private var members: [(Value, Value)] = []

    static func certificate(
        _ certificate: X509Certificate, _ context: BuiltinContext, withPlaces: Bool = true
    ) throws -> Value {
        try spend(certificate.extensions, certificate.subject, context)
        try spend(certificate.extensions, certificate.issuer, context)
        var values = X509Values()
        let extensions = certificate.extensions
        values.bytes("Raw", certificate.encoded)
        values.bytes("RawTBSCertificate", certificate.signed)
        values.common(
            certificate.key, subject: certificate.subject, signature: certificate.signature,
            algorithm: certificate.signatureAlgorithm)
        values.bytes("RawIssuer", certificate.issuer.encoded)
        values.set("Version", .int(certificate.version))
        values.set("SerialNumber", BigInteger(twosComplement: certificate.serial).value)
        values.set("Issuer", certificate.issuer.value)
        values.set("NotBefore", .string(CivilDate.text(seconds: certificate.notBefore)))
        values.set("NotAfter", .string(CivilDate.text(seconds: certificate.notAfter)))
        values.set("KeyUsage", .int(extensions.keyUsage))
        values.entries(extensions.entries)
        values.list("UnhandledCriticalExtensions", extensions.unhandledCritical.map(arcs))
        values.list("ExtKeyUsage", extensions.extendedKeyUsage.map { .int($0) })
        values.list("UnknownExtKeyUsage", extensions.unknownExtendedKeyUsage.map(arcs))
        values.set("BasicConstraintsValid", .bool(extensions.hasBasicConstraints))
        values.set("IsCA", .bool(extensions.isAuthority))
        values.set("MaxPathLen", .int(extensions.maxPathLength ?? (extensions.hasBasicConstraints ? -1 : 0)))
        values.set("MaxPathLenZero", .bool(extensions.maxPathLength == 0))
        values.bytes("SubjectKeyId", extensions.subjectKey)
        values.bytes("AuthorityKeyId", extensions.authorityKey)
        values.texts("OCSPServer", extensions.responders)
        values.texts("IssuingCertificateURL", extensions.issuers)
        values.texts("CRLDistributionPoints", extensions.revocationLists)
        values.names(extensions.alternativeNames)
        values.constraints(extensions)
        values.policies(extensions)
        if withPlaces { values.texts("URIStrings", extensions.alternativeNames.places) }
        return .object(ObjectValue(values.members))
    }

    static func request(_ request: X509Request, _ context: BuiltinContext) throws -> Value {
        try spend(request.extensions, request.subject, context)
        var values = X509Values()
        values.bytes("Raw", request.encoded)
        values.bytes("RawTBSCertificateRequest", request.signed)
        values.common(
            request.key, subject: request.subject, signature: request.signature, algorithm: request.signatureAlgorithm)
        values.set("Version", .int(request.version))
        values.list("Attributes", request.attributes)
        values.entries(request.extensions.entries)
        values.names(request.extensions.alternativeNames)
        return .object(ObjectValue(values.members))
    }

    /// Short names become large values: what they take is counted before they are made.
    private static func spend(_ extensions: X509Extensions, _ name: X509Name, _ context: BuiltinContext) throws {
        let names = extensions.alternativeNames
        try context.spend(
            names.places.count * 1_500 + name.attributes.count * 800 + extensions.entries.count * 800
                + (names.hosts.count + names.mails.count + names.addresses.count + extensions.policies.count) * 200)
    }

    private mutating func common(
        _ key: X509SubjectKey, subject: X509Name, signature: ArraySlice<UInt8>, algorithm: X509SignatureAlgorithm
    ) {
        bytes("RawSubjectPublicKeyInfo", key.encoded)
        bytes("RawSubject", subject.encoded)
        bytes("Signature", signature)
        set("SignatureAlgorithm", .int(algorithm.rawValue))
        set("PublicKeyAlgorithm", .int(key.algorithm))
        set("PublicKey", key.value)
        set("Subject", subject.value)
    }

    private mutating func set(_ name: String, _ value: Value) { members.append((.string(name), value)) }

    private mutating func bytes(_ name: String, _ bytes: ArraySlice<UInt8>?) {
        set(name, bytes.map { .string(Data($0).base64EncodedString()) } ?? .null)
    }

    private mutating func list(_ name: String, _ values: [Value]) { set(name, values.isEmpty ? .null : .array(values)) }

    private mutating func texts(_ name: String, _ texts: [String]) { list(name, texts.map { .string($0) }) }

    private static func arcs(_ identifier: [Int]) -> Value { .array(identifier.map { .int($0) }) }

    private mutating func entries(_ entries: [X509Extensions.Entry]) {
        list(
            "Extensions",
            entries.map { entry in
                .object(
                    ObjectValue([
                        (.string("Id"), X509Values.arcs(entry.identifier)),
                        (.string("Critical"), .bool(entry.isCritical)),
                        (.string("Value"), .string(Data(entry.content).base64EncodedString())),
                    ]))
            })
        set("ExtraExtensions", .null)
    }

    private mutating func names(_ names: X509GeneralNames) {
        texts("DNSNames", names.hosts)
        texts("EmailAddresses", names.mails)
        texts("IPAddresses", names.addresses.map(NetworkText.address))
        list("URIs", names.places.map { URLText($0).value })
    }

    private mutating func constraints(_ extensions: X509Extensions) {
        let entry = extensions.entries.first { $0.identifier == [2, 5, 29, 30] }
        set("PermittedDNSDomainsCritical", .bool(entry?.isCritical ?? false))
        for (prefix, names) in [
            ("Permitted", extensions.nameConstraints.permitted), ("Excluded", extensions.nameConstraints.excluded),
        ] {
            texts("\(prefix)DNSDomains", names.hosts)
            texts("\(prefix)EmailAddresses", names.mails)
            texts("\(prefix)URIDomains", names.places)
            list(
                "\(prefix)IPRanges",
                names.ranges.map { range in
                    .object(
                        ObjectValue([
                            (.string("IP"), .string(NetworkText.address(range.address))),
                            (.string("Mask"), .string(Data(range.mask).base64EncodedString())),
                        ]))
                })
        }
    }

    private mutating func policies(_ extensions: X509Extensions) {
        func dotted(_ identifier: [Int]) -> String { identifier.map { "\($0)" }.joined(separator: ".") }
        list("PolicyIdentifiers", extensions.policies.map(X509Values.arcs))
        texts("Policies", extensions.policies.map(dotted))
        for (name, number) in [
            ("InhibitAnyPolicy", extensions.inhibitAnyPolicy),
            ("InhibitPolicyMapping", extensions.inhibitPolicyMapping),
            ("RequireExplicitPolicy", extensions.requireExplicitPolicy),
        ] {
            set(name, .int(number ?? 0))
            set("\(name)Zero", .bool(number == 0))
        }
        list(
            "PolicyMappings",
            extensions.policyMappings.map { mapping in
                .object(
                    ObjectValue([
                        (.string("IssuerDomainPolicy"), .string(dotted(mapping.issuer))),
                        (.string("SubjectDomainPolicy"), .string(dotted(mapping.subject))),
                    ]))
            })
    }
}

/// Addresses as text.
enum NetworkText {
    /// Four or sixteen bytes, as Go writes them.
    static func address(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { "\($0)" }.joined(separator: ".") }
        guard bytes.count == 16 else { return "?" + Hexadecimal.text(bytes) }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 255, bytes[11] == 255 {
            return bytes[12...].map { "\($0)" }.joined(separator: ".")
        }
        let words = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        // The first longest run of zeros is left out.
        var run = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, words[end] == 0 { end += 1 }
            if end - start > run.count, end - start > 1 { run = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String { words[range].map { String($0, radix: 16) }.joined(separator: ":") }
        if run.isEmpty { return text(0..<8) }
        return text(0..<run.lowerBound) + "::" + text(run.upperBound..<8)
    }
}

/// A URL's parts, as Go's net/url splits them.
struct URLText {
    private(set) var scheme = ""
    private(set) var opaque = ""
    private(set) var user: String?
    private(set) var host = ""
    private(set) var path = ""
    private(set) var query = ""
    private(set) var hasQuery = false
    private(set) var fragment = ""

    init(_ text: String) {
        var rest = text[...]
        if let mark = rest.firstIndex(of: "#") {
            fragment = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let colon = rest.firstIndex(of: ":"), colon != rest.startIndex,
            rest[..<colon].utf8.allSatisfy({ URLText.isSchemeByte($0) }), rest.first?.isLetter == true
        {
            scheme = rest[..<colon].lowercased()
            rest = rest[rest.index(after: colon)...]
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            hasQuery = true
            rest = rest[..<mark]
        }
        if !rest.hasPrefix("/"), !scheme.isEmpty {
            opaque = String(rest)
            return
        }
        if rest.hasPrefix("//"), !scheme.isEmpty || !rest.hasPrefix("///") {
            rest = rest.dropFirst(2)
            let authority = rest.prefix { $0 != "/" }
            rest = rest[authority.endIndex...]
            if let at = authority.lastIndex(of: "@") {
                user = String(authority[..<at])
                host = String(authority[authority.index(after: at)...])
            } else {
                host = String(authority)
            }
        }
        path = String(rest)
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= 0x61 && letter <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2B || byte == 0x2D
            || byte == 0x2E
    }

    private var decodedPath: String { path.removingPercentEncoding ?? path }

    /// The path as it is sent: what stands for itself stays, the rest is escaped.
    var escapedPath: String {
        if path == "*" { return "*" }
        return URLText.escaped(path, keeping: "!'()*;[]%")
    }

    private static func escaped(_ text: String, keeping extra: StaticString) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            let letter = byte | 0x20
            let isPlain =
                letter >= 0x61 && letter <= 0x7A || byte >= 0x30 && byte <= 0x39 || "-_.~$&+,/:=@".utf8.contains(byte)
            if isPlain || extra.description.utf8.contains(byte) {
                result.append(byte)
            } else {
                result += Array("%\(Hexadecimal.text([byte]).uppercased())".utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Go's url.URL.
    var value: Value {
        let decoded = decodedPath
        let isDefault = URLText.escaped(decoded, keeping: "") == path
        return .object(
            ObjectValue([
                (.string("Scheme"), .string(scheme)), (.string("Opaque"), .string(opaque)),
                (.string("User"), user == nil ? .null : .emptyObject), (.string("Host"), .string(host)),
                (.string("Path"), .string(decoded)), (.string("RawPath"), .string(isDefault ? "" : path)),
                (.string("OmitHost"), .bool(false)), (.string("ForceQuery"), .bool(hasQuery && query.isEmpty)),
                (.string("RawQuery"), .string(query)),
                (.string("Fragment"), .string(fragment.removingPercentEncoding ?? fragment)),
                (.string("RawFragment"), .string("")),
            ]))
    }
}
