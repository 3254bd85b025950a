// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PackageVersions

/// The algorithm of OSV's schema ("evaluation"): is a version in one of the ranges, or the list, of a row?
struct RangeMatcher {
    let file: AdvisoryFile
    let ecosystem: AdvisoryEcosystem
    let version: String

    enum Answer {
        case notAffected
        /// With the versions, above this one, that have the fix.
        case affected(fixes: [String])
        case unknown(String)
    }

    func answer(row: Int) throws(AdvisoryError) -> Answer {
        let start = Int(try file.row(row, AdvisoryFormat.Row.events))
        let count = Int(try file.row(row, AdvisoryFormat.Row.events + 1))
        let listed = Int(try file.row(row, AdvisoryFormat.Row.versions + 1))
        guard start + count <= file.count(.events, words: 2) else { throw file.damaged() }
        var isAffected = false
        var fixes: [String] = []
        var problem: String?
        var at = start
        while at < start + count {
            var end = at + 1
            while end < start + count, try file.word(.events, end * 2) & AdvisoryFormat.Event.startsRange == 0 {
                end += 1
            }
            switch try answer(events: at..<end) {
            case .notAffected: break
            case .affected(let found):
                isAffected = true
                fixes += found
            case .unknown(let reason): problem = problem ?? reason
            }
            at = end
        }
        if isAffected { return .affected(fixes: fixes) }
        if listed > 0, try isListed(row, listed, exactly: count > 0) { return .affected(fixes: []) }
        if let problem { return .unknown(problem) }
        return .notAffected
    }

    private func answer(events: Range<Int>) throws(AdvisoryError) -> Answer {
        let bits = try file.word(.events, events.lowerBound * 2)
        guard bits & AdvisoryFormat.Event.unordered == 0,
            let scheme = OSVRecord.Range.scheme(isSemantic: bits & AdvisoryFormat.Event.semantic != 0, ecosystem)
        else { return .unknown("the versions of its range cannot be compared") }
        var (isAffected, limits, isBelowLimit) = (false, 0, false)
        var fixes: [String] = []
        for event in events {
            let kind = OSVRecord.Event.Kind(rawValue: try file.word(.events, event * 2) & AdvisoryFormat.Event.kinds)
            let bound = try file.bytes(try file.word(.events, event * 2 + 1))
            guard let kind else { throw file.damaged() }
            if kind == .introduced, bound.count == 1, bound[0] == 0x30 {
                isAffected = true
                continue
            }
            if kind == .limit, bound.count == 1, bound[0] == 0x2A {
                (limits, isBelowLimit) = (limits + 1, true)
                continue
            }
            let order: VersionOrder
            do throws(VersionError) { order = try Self.order(scheme, version, bound) } catch {
                return .unknown(error.message)
            }
            switch kind {
            case .introduced: if order != .less { isAffected = true }
            case .fixed:
                if order != .less {
                    isAffected = false
                } else {
                    fixes.append(String(decoding: bound, as: UTF8.self))
                }
            case .lastAffected: if order == .greater { isAffected = false }
            case .limit:
                limits += 1
                if order == .less { isBelowLimit = true }
            }
        }
        return isAffected && (limits == 0 || isBelowLimit) ? .affected(fixes: fixes) : .notAffected
    }

    private static func order(
        _ scheme: VersionScheme, _ version: String, _ bound: UnsafeBufferPointer<UInt8>
    ) throws(VersionError) -> VersionOrder {
        var version = version
        return try version.withUTF8 { bytes in
            Result { () throws(VersionError) in try scheme.compare(bytes, bound) }
        }.get()
    }

    /// The list is sorted by bytes. Without ranges beside it, an equal version in another spelling counts too.
    private func isListed(_ row: Int, _ count: Int, exactly: Bool) throws(AdvisoryError) -> Bool {
        let start = Int(try file.row(row, AdvisoryFormat.Row.versions))
        guard start + count <= file.count(.references, words: 1) else { throw file.damaged() }
        var (low, high) = (0, count)
        while low < high {
            let middle = low + (high - low) / 2
            let bytes = try file.bytes(try file.word(.references, start + middle))
            if bytes.elementsEqual(version.utf8) { return true }
            if bytes.lexicographicallyPrecedes(version.utf8) { low = middle + 1 } else { high = middle }
        }
        guard !exactly, let scheme = ecosystem.scheme else { return false }
        for at in 0..<count {
            let bytes = try file.bytes(try file.word(.references, start + at))
            if (try? Self.order(scheme, version, bytes)) == .equal { return true }
        }
        return false
    }

    /// The lowest of some versions; the first where they cannot be compared.
    static func lowest(_ versions: [String], _ scheme: VersionScheme?) -> String {
        guard var lowest = versions.first else { return "" }
        for version in versions.dropFirst() where (try? scheme?.compare(version, lowest)) == .less { lowest = version }
        return lowest
    }
}
