// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import RegularExpressions
import Synchronization

/// Finds credentials in text by all rules in one pass over the bytes: where a keyword of a rule stands, the rule's pattern
/// is tried on the bytes around it, each byte once. The time is linear in the text, whatever stands in it.
package final class SecretScanner: Sendable {
    /// Matches of one rule in one file that are listed; more are counted.
    package static let matchesListed = 10

    /// Our own rules. Throws when they do not hold together, which the tests rule out.
    package static func standard(key: [UInt8]? = nil) throws(SecretError) -> SecretScanner {
        try SecretScanner(rules: SecretRule.embedded(), key: key, isProven: true)
    }

    /// A rule whose patterns are compiled.
    struct Compiled: Sendable {
        var rule: SecretRule
        var pattern: LazyPattern
        var paths: [Pattern]
        var allow: [Pattern]
    }

    let rules: [Compiled]
    /// How far around a keyword each rule looks.
    private let spans: [(before: Int, after: Int)]
    private let filter: KeywordFilter
    let key: SymmetricKey
    /// What one thread needs for a file; lent to one at a time.
    private let idle = Mutex<[SecretScratch]>([])

    /// - Parameters:
    ///   - rules: ids are different.
    ///   - key: 32 bytes that keep masks and identities comparable between runs; without one they hold for this scanner only.
    /// - Throws: `rule` for a pattern that does not compile or a rule that could never match.
    package convenience init(rules: [SecretRule], key: [UInt8]? = nil) throws(SecretError) {
        try self.init(rules: rules, key: key, isProven: false)
    }

    /// - Parameter isProven: the patterns are known to compile, so that each waits for its first keyword: few of them
    ///   are needed for most files, and all take longer than scanning a small image.
    private init(rules: [SecretRule], key: [UInt8]?, isProven: Bool) throws(SecretError) {
        self.key = key.map { SymmetricKey(data: $0) } ?? SymmetricKey(size: .bits256)
        var compiled: [Compiled] = []
        var keywords: [String: [Int]] = [:]
        var known: Set<String> = []
        for rule in rules {
            guard known.insert(rule.id).inserted else { throw SecretError(.rule, "two rules are called \(rule.id)") }
            guard !rule.keywords.isEmpty, rule.keywords.allSatisfy({ $0.utf8.count >= KeywordFilter.window }) else {
                throw SecretError(.rule, "\(rule.id): needs keywords of at least \(KeywordFilter.window) bytes")
            }
            let pattern = LazyPattern(rule.pattern)
            if !isProven {
                _ = try Self.compile(rule.pattern, rule.id)
                guard pattern.compiled.map({ $0.groupCount <= SecretScratch.groups }) == true else {
                    throw SecretError(.rule, "\(rule.id): its pattern has more than \(SecretScratch.groups) groups")
                }
            }
            var paths: [Pattern] = []
            for path in rule.paths { paths.append(try Self.compile(path, rule.id)) }
            var allow: [Pattern] = []
            for text in rule.allow { allow.append(try Self.compile(text, rule.id)) }
            for keyword in rule.keywords { keywords[keyword.lowercased(), default: []].append(compiled.count) }
            compiled.append(Compiled(rule: rule, pattern: pattern, paths: paths, allow: allow))
        }
        self.rules = compiled
        spans = compiled.map { (before: $0.rule.before, after: $0.rule.after) }
        filter = KeywordFilter(keywords.sorted { $0.key < $1.key }.map { (text: $0.key, rules: $0.value) })
    }

    private static func compile(_ text: String, _ id: String) throws(SecretError) -> Pattern {
        do throws(PatternError) { return try Pattern(text, maxMemory: LazyPattern.maxMemory) } catch {
            throw SecretError(.rule, "\(id): \(text)", cause: error)
        }
    }

    /// Adds what stands in a file. Many threads may call it at once; it allocates nothing where nothing is found.
    package func scan(_ bytes: UnsafeRawBufferPointer, path: String, into matches: inout [SecretMatch]) {
        let scratch = idle.withLock { $0.popLast() } ?? SecretScratch(ruleCount: rules.count)
        scratch.begin()
        let text = bytes.bindMemory(to: UInt8.self)
        filter.scan(bytes) { place, keyword in
            for rule in filter.entries[keyword].rules { hit(rule, place, text, path, scratch) }
        }
        for rule in scratch.touched { flush(rule, text, path, scratch) }
        if !scratch.found.isEmpty { SecretReport(scanner: self, text: text, path: path).add(scratch, to: &matches) }
        idle.withLock { $0.append(scratch) }
    }

    /// A keyword of the rule stands at a place: the bytes around it are to be searched, together with those of the last
    /// keyword if they touch, so that no byte is searched twice.
    private func hit(
        _ index: Int, _ place: Int, _ text: UnsafeBufferPointer<UInt8>, _ path: String, _ scratch: SecretScratch
    ) {
        let start = max(place - spans[index].before, 0)
        let end = min(place + spans[index].after, text.count)
        let pending = scratch.states[index]
        if pending.end < 0 {
            scratch.touched.append(index)
            scratch.states[index].isWanted = wants(index, path, scratch)
        } else if start <= pending.end {
            scratch.states[index].end = end
            return
        } else {
            flush(index, text, path, scratch)
        }
        scratch.states[index].start = start
        scratch.states[index].end = end
    }

    /// Searches what is pending for a rule.
    private func flush(
        _ index: Int, _ text: UnsafeBufferPointer<UInt8>, _ path: String, _ scratch: SecretScratch
    ) {
        guard scratch.states[index].isWanted else { return }
        let compiled = rules[index]
        guard let pattern = compiled.pattern.compiled else { return }
        let offsets = scratch.offsets
        let end = scratch.states[index].end
        var from = scratch.states[index].start
        while from < end, pattern.find(in: text, from..<end, offsets: offsets) {
            let whole = Int(offsets[0])..<Int(offsets[1])
            from = max(whole.upperBound, from + 1)
            var secret = whole
            for group in 0..<pattern.groupCount where offsets[2 * group + 2] >= 0 {
                secret = Int(offsets[2 * group + 2])..<Int(offsets[2 * group + 3])
                break
            }
            guard isSecret(UnsafeBufferPointer(rebasing: text[secret]), compiled) else { continue }
            if scratch.states[index].listed < Self.matchesListed {
                scratch.states[index].listed += 1
                scratch.found.append(SecretScratch.Found(rule: index, secret: secret))
            } else {
                scratch.states[index].unlisted &+= 1
            }
        }
    }

    private func isSecret(_ secret: UnsafeBufferPointer<UInt8>, _ compiled: Compiled) -> Bool {
        let rule = compiled.rule
        if rule.entropy > 0, SecretValue.entropy(secret) < rule.entropy { return false }
        if !rule.isSureOfForm, SecretValue.isPlaceholder(secret) { return false }
        if rule.isGeneric, !SecretValue.isMixed(secret) { return false }
        return !compiled.allow.contains { $0.matches(secret) }
    }

    private func wants(_ index: Int, _ path: String, _ scratch: SecretScratch) -> Bool {
        if rules[index].rule.exceptsExamples {
            let isExample = scratch.isExample ?? Self.isExample(path)
            scratch.isExample = isExample
            if isExample { return false }
        }
        let paths = rules[index].paths
        return paths.isEmpty || paths.contains { $0.matches(path) }
    }
}

/// What scanning one file needs.
final class SecretScratch: @unchecked Sendable {
    // @unchecked: the scanner lends it to one thread at a time.

    static let groups = 7

    struct State {
        /// Bytes to be searched; `end` is -1 before the first keyword.
        var start = 0
        var end = -1
        var isWanted = false
        var listed = 0
        var unlisted = 0
    }

    struct Found {
        var rule: Int
        var secret: Range<Int>
    }

    var states: [State]
    /// Of the file's path; nil before a rule asked.
    var isExample: Bool?
    /// Rules of which a keyword was seen.
    var touched: [Int] = []
    var found: [Found] = []
    let offsets = UnsafeMutableBufferPointer<Int64>.allocate(capacity: 2 * (groups + 1))

    init(ruleCount: Int) {
        states = Array(repeating: State(), count: ruleCount)
        touched.reserveCapacity(ruleCount)
    }

    deinit { offsets.deallocate() }

    func begin() {
        for rule in touched { states[rule] = State() }
        isExample = nil
        touched.removeAll(keepingCapacity: true)
        found.removeAll(keepingCapacity: true)
    }
}
