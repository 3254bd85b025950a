// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// Short names of time zones: what the system's database of zones calls them at a time, and how they look in texts.
enum ZoneNames {
    /// `EST` in New York's winter; `UTC`; the offset as digits where the database has no letters.
    static func name(_ moment: Moment) -> String {
        if moment.offset == 0, moment.zone.identifier == "GMT" { return "UTC" }
        let seconds =
            moment.nanoseconds >= 0
            ? moment.nanoseconds / 1_000_000_000 : (moment.nanoseconds - 999_999_999) / 1_000_000_000
        let date = Date(timeIntervalSince1970: Double(seconds))
        if let file = ZoneFile.of(moment.zone.identifier),
            let name = file.name(at: seconds, isSummer: moment.zone.isDaylightSavingTime(for: date))
        {
            return name
        }
        return moment.zone.abbreviation(for: date) ?? "UTC"
    }

    /// How long the name is that a text begins with, by Go's rules, and the hours of `GMT+3`; nil when there is none.
    static func read(_ text: ArraySlice<UInt8>) -> (length: Int, hours: Int?)? {
        guard text.count >= 3 else { return nil }
        for word in ["ChST", "MeST"] where text.starts(with: word.utf8) { return (4, nil) }
        if text.starts(with: "GMT".utf8) {
            let (length, hours) = signed(text.dropFirst(3))
            return (3 + length, length == 0 ? nil : hours)
        }
        if text.first == 0x2B || text.first == 0x2D {
            let (length, _) = signed(text)
            return length == 0 ? nil : (length, nil)
        }
        let letters = Array(text.prefix(6).prefix { $0 >= 0x41 && $0 <= 0x5A })
        switch letters.count {
        case 3: return (3, nil)
        case 4 where letters.last == 0x54 || letters.elementsEqual("WITA".utf8): return (4, nil)
        case 5 where letters.last == 0x54: return (5, nil)
        default: return nil
        }
    }

    /// `+3` or `-11`, up to 23 hours; length 0 when it is none.
    private static func signed(_ text: ArraySlice<UInt8>) -> (length: Int, hours: Int) {
        guard let sign = text.first, sign == 0x2B || sign == 0x2D else { return (0, 0) }
        let digits = text.dropFirst().prefix { $0 >= 0x30 && $0 <= 0x39 }
        guard (1...3).contains(digits.count), let hours = Int(String(decoding: digits, as: UTF8.self)), hours < 24
        else {
            return (0, 0)
        }
        return (1 + digits.count, sign == 0x2D ? -hours : hours)
    }
}

/// A zone's file of the system's database (RFC 9636), as far as names go.
private struct ZoneFile: Sendable {
    private var times: [Int] = []
    private var names: [String] = []
    private var first: String?
    /// After the last change: the names in winter and summer.
    private var standard: String?
    private var summer: String?

    private static let known = Mutex<[String: ZoneFile?]>([:])

    static func of(_ identifier: String) -> ZoneFile? {
        let isPlain = identifier.utf8.allSatisfy { byte in
            byte >= 0x30 && byte <= 0x39 || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || "_-+/".utf8.contains(byte)
        }
        guard isPlain, !identifier.hasPrefix("/"), identifier.utf8.count < 64 else { return nil }
        return known.withLock { known in
            if let file = known[identifier] { return file }
            let bytes = (try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(identifier)"))).map { Array($0) }
            let file = bytes.flatMap { $0.count < 1 << 20 ? ZoneFile($0) : nil }
            if known.count < 1024 { known[identifier] = file }
            return file
        }
    }

    private init?(_ bytes: [UInt8]) {
        func number(_ at: Int, _ width: Int) -> Int? {
            guard at >= 0, at + width <= bytes.count else { return nil }
            let raw = bytes[at..<(at + width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int(Int32(truncatingIfNeeded: raw)) : Int(Int64(truncatingIfNeeded: raw))
        }
        func header(_ at: Int) -> [Int]? {
            guard at + 44 <= bytes.count, bytes[at..<(at + 4)].elementsEqual("TZif".utf8) else { return nil }
            let counts = (0..<6).compactMap { number(at + 20 + 4 * $0, 4) }
            return counts.count == 6 && counts.allSatisfy { (0...100_000).contains($0) } ? counts : nil
        }
        // Counts of: universal marks, standard marks, leap seconds, changes, kinds, letters.
        guard let old = header(0), bytes.count > 5, bytes[4] >= 0x32 else { return nil }
        let start = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        guard let counts = header(start) else { return nil }
        let changes = start + 44
        let kinds = changes + counts[3] * 9
        let letters = kinds + counts[4] * 6
        let footer = letters + counts[5] + counts[2] * 12 + counts[1] + counts[0]
        guard footer <= bytes.count else { return nil }
        func name(_ kind: Int) -> String? {
            guard kind < counts[4] else { return nil }
            let place = letters + Int(bytes[kinds + kind * 6 + 5])
            guard place < letters + counts[5] else { return nil }
            return String(decoding: bytes[place..<(letters + counts[5])].prefix { $0 != 0 }, as: UTF8.self)
        }
        for index in 0..<counts[3] {
            guard let time = number(changes + index * 8, 8),
                let name = name(Int(bytes[changes + counts[3] * 8 + index]))
            else { return nil }
            times.append(time)
            names.append(name)
        }
        first = name(0)
        var rule = bytes[footer...].dropFirst().prefix { $0 != 0x0A }
        func word() -> String? {
            if rule.first == 0x3C {
                let inside = rule.dropFirst().prefix { $0 != 0x3E }
                rule = rule.dropFirst(inside.count + 2)
                return String(decoding: inside, as: UTF8.self)
            }
            let inside = rule.prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A }
            rule = rule.dropFirst(inside.count)
            return inside.isEmpty ? nil : String(decoding: inside, as: UTF8.self)
        }
        standard = word()
        rule = rule.drop { $0 == 0x2B || $0 == 0x2D || $0 == 0x3A || $0 >= 0x30 && $0 <= 0x39 }
        summer = word()
    }

    func name(at seconds: Int, isSummer: Bool) -> String? {
        guard let last = times.last else { return standard ?? first }
        if seconds >= last, let standard { return isSummer ? summer ?? standard : standard }
        var (low, high) = (0, times.count)
        while low < high {
            let middle = (low + high) / 2
            if times[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : names[low - 1]
    }
}
