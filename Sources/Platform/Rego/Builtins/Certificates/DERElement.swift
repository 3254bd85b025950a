// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One element of DER (X.690): its tag, its content and the bytes that it was read from.
struct DERElement: Sendable {
    enum Tag {
        static let boolean: UInt8 = 0x01
        static let integer: UInt8 = 0x02
        static let bitString: UInt8 = 0x03
        static let octetString: UInt8 = 0x04
        static let null: UInt8 = 0x05
        static let identifier: UInt8 = 0x06
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31

        static func context(_ number: UInt8, constructed: Bool) -> UInt8 { (constructed ? 0xA0 : 0x80) | number }
    }

    /// The identifier octet; tags above 30 are refused.
    let tag: UInt8
    let content: ArraySlice<UInt8>
    let encoded: ArraySlice<UInt8>

    /// Its elements, where its content is a row of them.
    func elements() throws -> [DERElement] {
        var rest = content
        var found: [DERElement] = []
        while !rest.isEmpty { found.append(try DERElement.next(&rest)) }
        return found
    }

    func expect(_ tag: UInt8) throws -> DERElement {
        guard self.tag == tag else { throw DERError("unexpected tag") }
        return self
    }

    /// Takes the element that `bytes` begins with.
    static func next(_ bytes: inout ArraySlice<UInt8>) throws -> DERElement {
        var at = bytes.startIndex
        guard bytes.count >= 2, bytes[at] & 0x1F != 0x1F else { throw DERError("truncated or unknown tag") }
        let tag = bytes[at]
        var length = Int(bytes[at + 1])
        at += 2
        if length >= 0x80 {
            let count = length & 0x7F
            guard count >= 1, count <= 4, bytes.endIndex - at >= count, bytes[at] != 0 else {
                throw DERError("invalid length")
            }
            length = bytes[at..<(at + count)].reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80 else { throw DERError("length is not minimal") }
            at += count
        }
        guard bytes.endIndex - at >= length else { throw DERError("truncated") }
        let element = DERElement(
            tag: tag, content: bytes[at..<(at + length)], encoded: bytes[bytes.startIndex..<(at + length)])
        bytes = bytes[(at + length)...]
        return element
    }

    /// The one element that all of `bytes` is.
    static func only(_ bytes: ArraySlice<UInt8>) throws -> DERElement {
        var rest = bytes
        let element = try next(&rest)
        guard rest.isEmpty else { throw DERError("trailing data") }
        return element
    }
}

/// Takes elements from a row in order.
struct DERRow {
    private var rest: ArraySlice<UInt8>

    init(_ element: DERElement) { rest = element.content }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func next() throws -> DERElement { try DERElement.next(&rest) }

    mutating func next(_ tag: UInt8) throws -> DERElement { try next().expect(tag) }

    /// The next element when it has this tag; nil leaves it.
    mutating func optional(_ tag: UInt8) throws -> DERElement? {
        guard rest.first == tag else { return nil }
        return try next()
    }
}

/// Why bytes are not what they should be.
struct DERError: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

extension DERElement {
    /// A whole number, its bytes without sign padding; negative ones are refused where none is possible.
    func magnitude() throws -> ArraySlice<UInt8> {
        guard tag == Tag.integer, let first = content.first, first < 0x80 else { throw DERError("invalid integer") }
        return content.drop { $0 == 0 }
    }

    func whole() throws -> Int {
        let bytes = try magnitude()
        guard bytes.count <= 7 else { throw DERError("integer too large") }
        return bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    func boolean() throws -> Bool {
        guard tag == Tag.boolean, content.count == 1, let byte = content.first, byte == 0 || byte == 0xFF else {
            throw DERError("invalid boolean")
        }
        return byte == 0xFF
    }

    /// The bytes of a bit string and how many bits of the last are unused.
    func bits() throws -> (bytes: ArraySlice<UInt8>, unused: Int) {
        guard tag == Tag.bitString, let unused = content.first, unused < 8, content.count > 1 || unused == 0 else {
            throw DERError("invalid bit string")
        }
        return (content.dropFirst(), Int(unused))
    }

    /// An object identifier's arcs.
    func identifier() throws -> [Int] {
        guard tag == Tag.identifier else { throw DERError("expected an object identifier") }
        return try DERElement.identifier(content)
    }

    static func identifier(_ content: ArraySlice<UInt8>) throws -> [Int] {
        guard let last = content.last, last < 0x80, content.count <= 128 else { throw DERError("invalid identifier") }
        var arcs: [Int] = []
        var arc = 0
        for byte in content {
            guard arc < 1 << 50, !(arc == 0 && byte == 0x80) else { throw DERError("invalid identifier") }
            arc = arc << 7 | Int(byte & 0x7F)
            guard byte < 0x80 else { continue }
            if arcs.isEmpty {
                let first = min(arc / 40, 2)
                arcs = [first, arc - first * 40]
            } else {
                arcs.append(arc)
            }
            arc = 0
        }
        return arcs
    }

    /// The text of one of ASN.1's string kinds; nil for the rest.
    var string: String? {
        switch tag {
        case 0x0C: return String(validating: content, as: UTF8.self)
        case 0x12, 0x13, 0x16, 0x1A:
            return content.allSatisfy { $0 < 0x80 } ? String(decoding: content, as: UTF8.self) : nil
        case 0x14: return String(String.UnicodeScalarView(content.map { Unicode.Scalar($0) }))
        case 0x1E:
            guard content.count.isMultiple(of: 2) else { return nil }
            let bytes = Array(content)
            let units = stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
            return String(decoding: units, as: UTF16.self)
        default: return nil
        }
    }

    /// UTCTime or GeneralizedTime as RFC 5280 allows them: seconds since 1970, in Zulu.
    func seconds() throws -> Int {
        let isShort = tag == 0x17
        guard isShort || tag == 0x18, content.count == (isShort ? 13 : 15), content.last == 0x5A else {
            throw DERError("invalid time")
        }
        let digits = try content.dropLast().map { byte in
            guard byte >= 0x30, byte <= 0x39 else { throw DERError("invalid time") }
            return Int(byte - 0x30)
        }
        func number(_ at: Int, _ count: Int) -> Int { digits[at..<(at + count)].reduce(0) { $0 * 10 + $1 } }
        let start = isShort ? 2 : 4
        var year = number(0, start)
        if isShort { year += year >= 50 ? 1900 : 2000 }
        let date = (month: number(start, 2), day: number(start + 2, 2))
        let time = (number(start + 4, 2), number(start + 6, 2), number(start + 8, 2))
        guard (1...12).contains(date.month), (1...CivilDate.days(in: date.month, of: year)).contains(date.day),
            time.0 < 24, time.1 < 60, time.2 < 60
        else { throw DERError("invalid time") }
        return CivilDate.days(year, date.month, date.day) * 86400 + time.0 * 3600 + time.1 * 60 + time.2
    }
}

/// Days of the proleptic Gregorian calendar.
enum CivilDate {
    /// Days since 1970-01-01.
    static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    static func days(in month: Int, of year: Int) -> Int {
        if month == 2 {
            return year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// `2006-01-02T15:04:05Z`
    static func text(seconds: Int) -> String {
        var day = seconds / 86400
        var rest = seconds % 86400
        if rest < 0 {
            rest += 86400
            day -= 1
        }
        let date = date(day)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = String(repeating: "0", count: max(4 - "\(date.year)".count, 0)) + "\(date.year)"
        return
            "\(year)-\(two(date.month))-\(two(date.day))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
