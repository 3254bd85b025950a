// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Lays a module out in the house style of Rego: tabs, one line for each line of a body, sorted imports.
///
/// Works on words, so that everything that is written stays; where a line of a body ends, and what a brace is, says the
/// parser. Line breaks inside of lists stay where they are; those inside of other expressions go.
package struct RegoFormatter {
    private var parser: Parser
    private let module: Module
    private let tokens: [Token]
    private var writer: FormatWriter
    /// Also rewrites a module of v0 as one of v1.
    private let rewrites: Bool
    /// By the index of its opening word, a bracket's closing one.
    private let closing: [Int: Int]

    /// The module's text laid out. Throws what is wrong with the module.
    package static func format(
        _ source: ModuleSource, version: RegoVersion, rewriting: Bool = false
    ) throws(RegoErrors) -> String {
        var parser = Parser(source.text, file: source.name, version: version)
        guard let module = parser.module(), parser.errors.isEmpty else { throw RegoErrors(parser.errors) }
        var formatter = RegoFormatter(parser, module, rewriting && !module.isStrict)
        let text = formatter.whole()
        try verify(text, formatter, source, version)
        return text
    }

    private init(_ parser: Parser, _ module: Module, _ rewrites: Bool) {
        self.parser = parser
        self.module = module
        self.rewrites = rewrites
        tokens = parser.tokens
        writer = FormatWriter(comments: parser.comments)
        var open: [Int] = []
        var closing: [Int: Int] = [:]
        for (index, token) in tokens.enumerated() where token.kind == .symbol {
            if ["(", "[", "{"].contains(token.text) { open.append(index) }
            if [")", "]", "}"].contains(token.text), let start = open.popLast() { closing[start] = index }
        }
        self.closing = closing
    }

    /// Nothing may be lost: the result must read as the same words.
    private static func verify(
        _ text: String, _ formatter: RegoFormatter, _ source: ModuleSource, _ version: RegoVersion
    ) throws(RegoErrors) {
        var again = Parser(text, file: source.name, version: formatter.rewrites ? .v1 : version)
        let module = again.module()
        func words(_ tokens: [Token], _ from: Int) -> [String] {
            tokens[min(from, tokens.count)...].filter { ![";", ",", "{", "}"].contains($0.text) || $0.kind == .string }
                .map { $0.text == "=" ? ":=" : $0.text }
        }
        func first(_ module: Module, _ tokens: [Token]) -> Int {
            // Imports may change places.
            guard let rule = module.rules.first?.location else { return tokens.count }
            return tokens.firstIndex { $0.row == rule.row && $0.column == rule.column } ?? 0
        }
        if formatter.rewrites, let error = again.errors.first {
            throw RegoErrors([
                RegoError(
                    .parse, "\(source.name): cannot be rewritten for v1: \(error.message)", excerpt: error.excerpt)
            ])
        }
        guard let module, again.errors.isEmpty,
            again.comments.map({ $0.text.filter { !$0.isWhitespace } }).sorted()
                == formatter.parser.comments.map({ $0.text.filter { !$0.isWhitespace } }).sorted(),
            formatter.rewrites
                || words(again.tokens, first(module, again.tokens))
                    == words(formatter.tokens, first(formatter.module, formatter.tokens))
        else {
            throw RegoErrors([RegoError(.parse, "\(source.name): cannot be formatted without changing what it says")])
        }
    }

    private func text(_ index: Int) -> String {
        String(decoding: parser.source[tokens[index].start..<tokens[index].end], as: UTF8.self)
    }

    private func index(of location: Location) -> Int {
        tokens.firstIndex { $0.row == location.row && $0.column == location.column } ?? tokens.count
    }

    // MARK: The module

    private mutating func whole() -> String {
        // A chained body is a rule of its own in the tree, but not a place to begin.
        let rules = module.rules.map { index(of: $0.location) }.filter {
            $0 < tokens.count && !tokens[$0].isSymbol("{")
        }
        let imports = module.imports.map { index(of: $0.location) }.filter { $0 < tokens.count }
        let starts = Array(Set(rules + imports)).sorted() + [tokens.count - 1]
        writer.begin(row: tokens[0].row, column: tokens[0].column)
        run(0, starts[0])
        writer.end()
        var at = 0
        let isImport = Set(imports)
        if rewrites { rewriteHead() }
        while at < starts.count - 1 {
            if isImport.contains(starts[at]) {
                var end = at
                while end + 1 < starts.count - 1, isImport.contains(starts[end + 1]),
                    tokens[starts[end + 1]].row - tokens[starts[end]].row <= 1
                {
                    end += 1
                }
                group(starts, at...end)
                at = end + 1
                continue
            }
            rule(starts[at], starts[at + 1], isFirst: at == 0 || isImport.contains(starts[at - 1]))
            at += 1
        }
        writer.end()
        let end = tokens[tokens.count - 1]
        writer.forbidGap()
        if writer.hasComments {
            writer.blank()
            writer.flush(before: Int.max, 0)
        }
        _ = end
        var text = writer.text
        while text.hasSuffix("\n\n") { text.removeLast() }
        return text
    }

    private mutating func rewriteHead() {
        writer.blank()
        writer.add("import rego.v1")
        writer.end()
    }

    /// Imports without a line between them, sorted.
    private mutating func group(_ starts: [Int], _ range: ClosedRange<Int>) {
        writer.blank()
        let first = tokens[starts[range.lowerBound]]
        writer.begin(row: first.row, column: first.column)
        var lines: [(path: String, start: Int, end: Int)] = []
        for index in range {
            let (start, end) = (starts[index], starts[index + 1])
            let path = (start..<end).dropFirst().map { text($0) }.joined()
            if rewrites, path.hasPrefix("future.keywords") || path == "rego.v1" { continue }
            lines.append((path, start, end))
        }
        for line in lines.sorted(by: { compareBytes($0.path, $1.path) < 0 }) {
            writer.end()
            run(line.start, line.end)
            // Comments at the ends of lines move with them only where the order stays.
            writer.end()
        }
    }

    // MARK: Rules

    private var isGroupable = false
    private var previousRow = 0

    private mutating func rule(_ start: Int, _ end: Int, isFirst: Bool) {
        let last = tokens[end - 1]
        let isOneLine = tokens[start].row == last.row && !spreads(start, end)
        if isFirst || !(isGroupable && isOneLine && tokens[start].row == previousRow + 1) {
            writer.blank()
        } else {
            writer.end()
        }
        writer.begin(row: tokens[start].row, column: tokens[start].column)
        statement(start, end, isRule: true)
        writer.end()
        isGroupable = isOneLine
        previousRow = last.row
    }

    /// Takes more than one line however it is written.
    private func spreads(_ start: Int, _ end: Int) -> Bool {
        var index = start
        var count = 0
        while index < end {
            if tokens[index].isKeyword("else"), !isName(index) { return true }
            if tokens[index].isSymbol("{"), let close = closing[index], isBody(index, from: start) {
                count += 1
                if count > 1 || single(index, close) == nil { return true }
            }
            index = (closing[index] ?? index) + 1
        }
        return false
    }

    /// Whether a brace on a rule's own level opens a body.
    private func isBody(_ index: Int, from start: Int) -> Bool {
        guard index > start, let close = closing[index] else { return false }
        let before = tokens[index - 1]
        if before.kind == .identifier, before.text == "if", parser.features.contains("if"), !isName(index - 1) {
            // A line that begins with a set or an object goes on after it, or is an object.
            var probe = parser
            probe.at = index
            guard let line = try? probe.literal() else { return true }
            return probe.at == close + 1 && line.isSet
        }
        if before.isKeyword("else") { return true }
        return tokens[index].spaceBefore && endsTerm(index - 1)
    }

    /// A word right before a dot or after one is a name.
    private func isName(_ index: Int) -> Bool { index > 0 && tokens[index - 1].isSymbol(".") }

    private func endsTerm(_ index: Int) -> Bool {
        let token = tokens[index]
        return switch token.kind {
        case .identifier: !["in", "contains", "if"].contains(token.text) || isName(index)
        case .number, .string, .template: true
        case .keyword: ["null", "true", "false"].contains(token.text)
        case .symbol: [")", "]", "}"].contains(token.text)
        case .end: false
        }
    }

    /// The only line of a body that stands on one row and can do without braces; nil when it needs them.
    private func single(_ open: Int, _ close: Int) -> Range<Int>? {
        guard tokens[open].row == tokens[close].row, open + 1 < close, open > 0,
            rewrites || tokens[open - 1].text == "if", !tokens[open + 1].isSymbol("{")
        else { return nil }
        var probe = parser
        probe.at = open + 1
        guard (try? probe.literal()) != nil, probe.at == close else { return nil }
        // A further body or `else` needs the brace to stand after.
        return (open + 1)..<close
    }

    private mutating func statement(_ start: Int, _ end: Int, isRule: Bool, isWhole: Bool = true) {
        var index = start
        var isHead = isRule
        var wasInline = false
        while index < end {
            let token = tokens[index]
            if isRule, token.isKeyword("else"), !isName(index), index > start {
                if wasInline { writer.blank() }
                isHead = true
                wasInline = false
            }
            if token.isSymbol(";"), index == end - 1 { break }
            if isRule, token.isSymbol("{"), let close = closing[index], isBody(index, from: start) {
                isHead = false
                if rewrites, tokens[index - 1].text != "if" {
                    // A further body becomes a rule of its own.
                    if bodies.contains(where: { closing[$0] == index - 1 }),
                        let first = bodies.filter({ $0 > start }).min()
                    {
                        writer.blank()
                        statement(start, first, isRule: true, isWhole: false)
                    }
                    writer.add(" if")
                }
                if let line = single(index, close) {
                    bodies.insert(index)
                    run(line.lowerBound, line.upperBound)
                    wasInline = true
                } else {
                    body(index, close)
                }
                index = close + 1
                continue
            }
            if isRule, isHead, token.isSymbol("="), module.isStrict || rewrites {
                space(index)
                writer.add(":=", row: token.row, column: token.column)
                index += 1
                isHead = false
                continue
            }
            if isRule, isHead,
                token.isSymbol(":=") || token.text == "contains" && token.kind == .identifier && !isName(index)
            {
                isHead = false
            }
            if isRule, token.text == "if", token.kind == .identifier {
                isHead = false
                wasInline = true
            }
            if isRule, rewrites, index == start + 1, token.isSymbol("["), let close = closing[index],
                sets.contains(start)
            {
                writer.add(" contains ")
                run(index + 1, close)
                index = close + 1
                isHead = false
                continue
            }
            index = word(index, in: start, every: !isRule && isEvery(start))
        }
        // A head by itself is a rule of v0 only.
        if rewrites, isRule, isWhole, isHead, !sets.contains(start) { writer.add(" := true") }
    }

    /// Where rules of the old form `p[x]` begin, which gather a set.
    private lazy var sets: Set<Int> = Set(
        module.rules.compactMap { rule in
            guard case .multiple = rule.kind, rule.reference.count == 1 else { return nil }
            let start = index(of: rule.location)
            return start + 1 < tokens.count && tokens[start + 1].isSymbol("[") ? start : nil
        })

    private func isEvery(_ start: Int) -> Bool { tokens[start].text == "every" && tokens[start].kind == .identifier }

    // MARK: Words and brackets

    private mutating func run(_ start: Int, _ end: Int) {
        var index = start
        let every = start < end && isEvery(start)
        while index < end {
            if tokens[index].isSymbol(";"), index == end - 1 { return }
            index = word(index, in: start, every: every)
        }
    }

    /// One word, or a bracket with all that is in it; gives what follows.
    private mutating func word(_ index: Int, in start: Int, every: Bool) -> Int {
        guard let close = closing[index] else {
            space(index)
            writer.add(text(index), row: tokens[index].row, column: tokens[index].column)
            return index + 1
        }
        if every, tokens[index].isSymbol("{"), tokens[index].spaceBefore, endsTerm(index - 1),
            isLast(index, close)
        {
            body(index, close)
        } else {
            bracket(index, close)
        }
        return close + 1
    }

    /// `every` ends with its body, but for `with`.
    private func isLast(_ index: Int, _ close: Int) -> Bool {
        let next = tokens[min(close + 1, tokens.count - 1)]
        return next.kind == .end || next.lineBefore || next.isSymbol(";") || next.isSymbol("}") || next.isSymbol("]")
            || next.isKeyword("with")
    }

    /// The space that goes before a word.
    private mutating func space(_ index: Int) {
        guard !writer.isLineEmpty, index > 0 else { return }
        let (before, token) = (tokens[index - 1], tokens[index])
        if before.isSymbol("(") || before.isSymbol("[") || before.isSymbol(".") { return }
        if before.isSymbol("{"), isCollection(index - 1) { return }
        if token.kind == .symbol {
            switch token.text {
            case ",", ";", ")", "]", ".", ":": return
            case "}": if closing.contains(where: { $0.value == index && isCollection($0.key) }) { return }
            case "(", "[":
                if !token.spaceBefore, endsTerm(index - 1) || before.kind == .keyword || before.text == "contains" {
                    return
                }
            default: break
            }
        }
        // A sign belongs to its number.
        if before.isSymbol("-"), token.kind == .number, !token.spaceBefore, index < 2 || !endsTerm(index - 2) {
            return
        }
        writer.add(" ")
    }

    private func isCollection(_ open: Int) -> Bool { tokens[open].isSymbol("{") && !bodies.contains(open) }

    /// Braces that were written as bodies.
    private var bodies: Set<Int> = []

    private mutating func body(_ open: Int, _ close: Int) {
        bodies.insert(open)
        space(open)
        writer.add("{", row: tokens[open].row, column: tokens[open].column)
        writer.end()
        writer.up()
        writer.forbidGap()
        lines(open + 1, close)
        writer.flush(before: tokens[close].row, tokens[close].column)
        writer.down()
        writer.end()
        writer.forbidGap()
        writer.begin(row: tokens[close].row, column: tokens[close].column)
        writer.add("}", row: tokens[close].row, column: tokens[close].column)
    }

    /// The lines of a body, each on its own.
    private mutating func lines(_ start: Int, _ end: Int) {
        var at = start
        while at < end {
            if tokens[at].isSymbol(";") {
                at += 1
                continue
            }
            var probe = parser
            probe.at = at
            let next = (try? probe.literal()) == nil ? end : min(probe.at, end)
            writer.begin(row: tokens[at].row, column: tokens[at].column)
            run(at, max(next, at + 1))
            writer.end()
            at = max(next, at + 1)
        }
    }

    private mutating func bracket(_ open: Int, _ close: Int) {
        let (first, last) = (tokens[open], tokens[close])
        space(open)
        writer.add(text(open), row: first.row, column: first.column)
        if first.row == last.row || open + 1 == close || isIndex(open) {
            run(open + 1, close)
            finish(close)
            return
        }
        if !first.isSymbol("("), let bar = bar(open, close) {
            run(open + 1, bar + 1)
            writer.end()
            writer.up()
            writer.forbidGap()
            lines(bar + 1, close)
        } else {
            // A grouped expression has no commas to break at.
            if first.isSymbol("("), !isCall(open) {
                run(open + 1, close)
                finish(close)
                return
            }
            writer.end()
            writer.up()
            writer.forbidGap()
            elements(open + 1, close)
        }
        writer.end()
        writer.flush(before: last.row, last.column)
        writer.down()
        writer.forbidGap()
        writer.begin(row: last.row, column: last.column)
        finish(close)
    }

    private mutating func finish(_ close: Int) {
        writer.add(text(close), row: tokens[close].row, column: tokens[close].column)
    }

    private func isIndex(_ open: Int) -> Bool {
        tokens[open].isSymbol("[") && !tokens[open].spaceBefore && open > 0 && endsTerm(open - 1)
    }

    private func isCall(_ open: Int) -> Bool {
        !tokens[open].spaceBefore && open > 0
            && (endsTerm(open - 1) || tokens[open - 1].text == "contains")
    }

    /// Where a comprehension's head ends; nil for lists.
    private func bar(_ open: Int, _ close: Int) -> Int? {
        var probe = parser
        probe.at = open
        guard let term = try? probe.term(), term.isComprehension else { return nil }
        var index = open + 1
        while index < close {
            if tokens[index].isSymbol("|") { return index }
            index = (closing[index] ?? index) + 1
        }
        return nil
    }

    /// Elements between commas, on as many lines as they were written on.
    private mutating func elements(_ start: Int, _ close: Int) {
        var at = start
        var row = 0
        while at < close {
            var end = at
            while end < close, !tokens[end].isSymbol(",") { end = (closing[end] ?? end) + 1 }
            if tokens[at].row != row {
                writer.begin(row: tokens[at].row, column: tokens[at].column)
            }
            run(at, end)
            row = tokens[max(end - 1, at)].row
            writer.add(",")
            at = end + 1
        }
    }
}

extension Expr {
    fileprivate var isSet: Bool {
        if case .term(let term) = kind, case .set = term.kind, with.isEmpty, !isNegated { return true }
        return false
    }
}

extension Term {
    /// Begins with a comprehension.
    fileprivate var isComprehension: Bool {
        switch kind {
        case .arrayComprehension, .setComprehension, .objectComprehension: true
        case .ref(let head, _): head.isComprehension
        default: false
        }
    }
}
