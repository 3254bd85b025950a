// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A certificate's extensions, as they stand and as far as they are understood.
struct X509Extensions: Sendable {
    struct Entry: Sendable {
        let identifier: [Int]
        let isCritical: Bool
        let content: ArraySlice<UInt8>
    }

    private(set) var entries: [Entry] = []
    /// Critical ones that are not understood, or only in part: who finds one trusts nothing.
    private(set) var unhandledCritical: [[Int]] = []
    private(set) var keyUsage = 0
    private(set) var extendedKeyUsage: [Int] = []
    private(set) var unknownExtendedKeyUsage: [[Int]] = []
    private(set) var hasBasicConstraints = false
    private(set) var isAuthority = false
    /// How many authorities may follow; nil is any number.
    private(set) var maxPathLength: Int?
    private(set) var subjectKey: ArraySlice<UInt8>?
    private(set) var authorityKey: ArraySlice<UInt8>?
    private(set) var alternativeNames = X509GeneralNames()
    private(set) var nameConstraints = X509NameConstraints()
    private(set) var responders: [String] = []
    private(set) var issuers: [String] = []
    private(set) var revocationLists: [String] = []
    private(set) var policies: [[Int]] = []
    private(set) var inhibitAnyPolicy: Int?
    private(set) var inhibitPolicyMapping: Int?
    private(set) var requireExplicitPolicy: Int?
    private(set) var policyMappings: [(issuer: [Int], subject: [Int])] = []

    static let usages: [[Int]: Int] = [
        [2, 5, 29, 37, 0]: 0, [1, 3, 6, 1, 5, 5, 7, 3, 1]: 1, [1, 3, 6, 1, 5, 5, 7, 3, 2]: 2,
        [1, 3, 6, 1, 5, 5, 7, 3, 3]: 3, [1, 3, 6, 1, 5, 5, 7, 3, 4]: 4, [1, 3, 6, 1, 5, 5, 7, 3, 5]: 5,
        [1, 3, 6, 1, 5, 5, 7, 3, 6]: 6, [1, 3, 6, 1, 5, 5, 7, 3, 7]: 7, [1, 3, 6, 1, 5, 5, 7, 3, 8]: 8,
        [1, 3, 6, 1, 5, 5, 7, 3, 9]: 9, [1, 3, 6, 1, 4, 1, 311, 10, 3, 3]: 10, [2, 16, 840, 1, 113730, 4, 1]: 11,
        [1, 3, 6, 1, 4, 1, 311, 2, 1, 22]: 12, [1, 3, 6, 1, 4, 1, 311, 61, 1, 1]: 13,
    ]

    init(_ element: DERElement?) throws {
        guard let element else { return }
        var seen: Set<[Int]> = []
        for entry in try element.expect(DERElement.Tag.sequence).elements() {
            var row = DERRow(try entry.expect(DERElement.Tag.sequence))
            let identifier = try row.next().identifier()
            guard entries.count < 1_000 else { throw DERError("too many extensions") }
            guard seen.insert(identifier).inserted else { throw DERError("certificate contains duplicate extensions") }
            let critical = try row.optional(DERElement.Tag.boolean)?.boolean() ?? false
            let content = try row.next(DERElement.Tag.octetString).content
            entries.append(Entry(identifier: identifier, isCritical: critical, content: content))
            if try !read(identifier, content), critical { unhandledCritical.append(identifier) }
        }
    }

    /// False when it is not understood.
    private mutating func read(_ identifier: [Int], _ content: ArraySlice<UInt8>) throws -> Bool {
        if identifier == [1, 3, 6, 1, 5, 5, 7, 1, 1] {
            for access in try DERElement.only(content).elements() {
                let parts = try access.elements()
                guard parts.count == 2, parts[1].tag == 0x86 else { continue }
                let place = String(decoding: parts[1].content, as: UTF8.self)
                switch try parts[0].identifier() {
                case [1, 3, 6, 1, 5, 5, 7, 48, 1]: responders.append(place)
                case [1, 3, 6, 1, 5, 5, 7, 48, 2]: issuers.append(place)
                default: break
                }
            }
            return true
        }
        guard identifier.count == 4, identifier.starts(with: [2, 5, 29]) else { return false }
        let element = try DERElement.only(content)
        switch identifier[3] {
        case 15:
            let bits = try element.bits()
            for (index, byte) in bits.bytes.prefix(2).enumerated() {
                for bit in 0..<8 where byte & (0x80 >> UInt8(bit)) != 0 { keyUsage |= 1 << (index * 8 + bit) }
            }
        case 19:
            var row = DERRow(try element.expect(DERElement.Tag.sequence))
            isAuthority = try row.optional(DERElement.Tag.boolean)?.boolean() ?? false
            maxPathLength = try row.optional(DERElement.Tag.integer)?.whole()
            hasBasicConstraints = true
        case 17: alternativeNames = try X509GeneralNames(element)
        case 30:
            nameConstraints = try X509NameConstraints(element)
            return !nameConstraints.hasUnknown
        case 31:
            for point in try element.elements() {
                var row = DERRow(point)
                guard let name = try row.optional(0xA0), let full = try DERElement.only(name.content).fullNames else {
                    continue
                }
                revocationLists += full
            }
        case 35:
            var row = DERRow(try element.expect(DERElement.Tag.sequence))
            authorityKey = try row.optional(0x80)?.content
        case 37:
            for usage in try element.expect(DERElement.Tag.sequence).elements() {
                let usage = try usage.identifier()
                if let known = X509Extensions.usages[usage] {
                    extendedKeyUsage.append(known)
                } else {
                    unknownExtendedKeyUsage.append(usage)
                }
            }
        case 14: subjectKey = try element.expect(DERElement.Tag.octetString).content
        case 32:
            for policy in try element.expect(DERElement.Tag.sequence).elements() {
                var row = DERRow(policy)
                policies.append(try row.next().identifier())
            }
        case 33:
            for mapping in try element.expect(DERElement.Tag.sequence).elements() {
                let parts = try mapping.elements()
                guard parts.count == 2 else { throw DERError("invalid policy mappings") }
                policyMappings.append((try parts[0].identifier(), try parts[1].identifier()))
            }
        case 36:
            var row = DERRow(try element.expect(DERElement.Tag.sequence))
            requireExplicitPolicy = try row.optional(0x80)?.implicitWhole()
            inhibitPolicyMapping = try row.optional(0x81)?.implicitWhole()
        case 54: inhibitAnyPolicy = try element.whole()
        default: return false
        }
        return true
    }
}

extension DERElement {
    /// The places of a distribution point's full name; nil for another kind.
    fileprivate var fullNames: [String]? {
        get throws {
            guard tag == 0xA0 else { return nil }
            return try elements().filter { $0.tag == 0x86 }.map { String(decoding: $0.content, as: UTF8.self) }
        }
    }

    fileprivate func implicitWhole() throws -> Int {
        guard content.count >= 1, content.count <= 7, content.first.map({ $0 < 0x80 }) == true else {
            throw DERError("invalid integer")
        }
        return content.reduce(0) { $0 << 8 | Int($1) }
    }
}

/// What a certificate names besides its subject.
struct X509GeneralNames: Sendable {
    var hosts: [String] = []
    var mails: [String] = []
    var addresses: [[UInt8]] = []
    var places: [String] = []

    init() {}

    init(_ element: DERElement) throws {
        for name in try element.expect(DERElement.Tag.sequence).elements() {
            switch name.tag {
            case 0x81: mails.append(try X509GeneralNames.text(name))
            case 0x82: hosts.append(try X509GeneralNames.text(name))
            case 0x86: places.append(try X509GeneralNames.text(name))
            case 0x87:
                guard name.content.count == 4 || name.content.count == 16 else { throw DERError("invalid IP address") }
                addresses.append(Array(name.content))
            default: break
            }
        }
    }

    static func text(_ element: DERElement) throws -> String {
        guard element.content.allSatisfy({ $0 < 0x80 }) else { throw DERError("invalid general name") }
        return String(decoding: element.content, as: UTF8.self)
    }
}

/// Which names an authority may vouch for.
struct X509NameConstraints: Sendable {
    struct Range: Sendable {
        let address: [UInt8]
        let mask: [UInt8]
    }

    struct Names: Sendable {
        var hosts: [String] = []
        var mails: [String] = []
        var places: [String] = []
        var ranges: [Range] = []

        var isEmpty: Bool { hosts.isEmpty && mails.isEmpty && places.isEmpty && ranges.isEmpty }
    }

    var permitted = Names()
    var excluded = Names()
    /// Some are of a kind that is not understood.
    var hasUnknown = false

    init() {}

    init(_ element: DERElement) throws {
        var row = DERRow(try element.expect(DERElement.Tag.sequence))
        if let part = try row.optional(0xA0) { permitted = try names(part) }
        if let part = try row.optional(0xA1) { excluded = try names(part) }
    }

    private mutating func names(_ element: DERElement) throws -> Names {
        var names = Names()
        for subtree in try element.elements() {
            var row = DERRow(try subtree.expect(DERElement.Tag.sequence))
            let base = try row.next()
            switch base.tag {
            case 0x81: names.mails.append(try X509GeneralNames.text(base))
            case 0x82: names.hosts.append(try X509GeneralNames.text(base))
            case 0x86: names.places.append(try X509GeneralNames.text(base))
            case 0x87:
                let bytes = Array(base.content)
                guard bytes.count == 8 || bytes.count == 32 else { throw DERError("invalid IP range") }
                names.ranges.append(
                    Range(address: Array(bytes[..<(bytes.count / 2)]), mask: Array(bytes[(bytes.count / 2)...])))
            default: hasUnknown = true
            }
        }
        return names
    }
}
