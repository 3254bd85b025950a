// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The difference of two texts in the format that `patch -p1` and `git apply` read.
package enum UnifiedDiff {
    /// Empty when the texts are equal. Lines keep their own ends; a last line without one is marked as diff does.
    ///
    /// - Parameters:
    ///   - path: below `a/` and `b/`; a leading `/` or `./` is dropped.
    ///   - context: unchanged lines around each change.
    package static func diff(old: String, new: String, path: String, context: Int = 3) -> String {
        let a = lines(old)
        let b = lines(new)
        let changes = changes(a, b)
        guard !changes.isEmpty else { return "" }
        var name = path[...]
        while name.hasPrefix("/") || name.hasPrefix("./") { name = name.drop { $0 == "." }.drop { $0 == "/" } }
        var out = "--- a/\(name)\n+++ b/\(name)\n"
        var first = 0
        while first < changes.count {
            var last = first
            while last + 1 < changes.count,
                changes[last + 1].old.lowerBound - changes[last].old.upperBound <= 2 * context
            {
                last += 1
            }
            out += hunk(changes[first...last], a, b, context)
            first = last + 1
        }
        return out
    }

    /// Lines of `old` that lines of `new` take the place of.
    struct Change: Equatable {
        var old: Range<Int>
        var new: Range<Int>
    }

    /// The lines with their ends.
    private static func lines(_ text: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        for (offset, byte) in bytes.enumerated() where byte == 0x0A {
            lines.append(bytes[start...offset])
            start = offset + 1
        }
        if start < bytes.count { lines.append(bytes[start...]) }
        return lines
    }

    private static func hunk(
        _ changes: ArraySlice<Change>, _ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>], _ context: Int
    ) -> String {
        guard let first = changes.first, let last = changes.last else { return "" }
        let before = min(context, first.old.lowerBound)
        let after = min(context, a.count - last.old.upperBound)
        let old = (first.old.lowerBound - before)..<(last.old.upperBound + after)
        let new = (first.new.lowerBound - before)..<(last.new.upperBound + after)
        var out = "@@ -\(place(old)) +\(place(new)) @@\n"
        func line(_ sign: Character, _ line: ArraySlice<UInt8>) {
            out.append(sign)
            out += String(decoding: line, as: UTF8.self)
            if line.last != 0x0A { out += "\n\\ No newline at end of file\n" }
        }
        var at = old.lowerBound
        for change in changes {
            for index in at..<change.old.lowerBound { line(" ", a[index]) }
            for index in change.old { line("-", a[index]) }
            for index in change.new { line("+", b[index]) }
            at = change.old.upperBound
        }
        for index in at..<old.upperBound { line(" ", a[index]) }
        return out
    }

    /// An empty range is named by the line before it.
    private static func place(_ range: Range<Int>) -> String {
        let start = range.isEmpty ? range.lowerBound : range.lowerBound + 1
        return range.count == 1 ? "\(start)" : "\(start),\(range.count)"
    }

    /// Above so many edits the search is given up and the middle replaced as a whole.
    private static let maxEdits = 2000

    /// Myers' greedy algorithm on what is left between the common head and tail (An O(ND) Difference Algorithm, 1986).
    static func changes(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> [Change] {
        var head = 0
        while head < a.count, head < b.count, a[head] == b[head] { head += 1 }
        var tail = 0
        while tail < a.count - head, tail < b.count - head, a[a.count - 1 - tail] == b[b.count - 1 - tail] { tail += 1 }
        let n = a.count - head - tail
        let m = b.count - head - tail
        if n == 0, m == 0 { return [] }
        let whole = [Change(old: head..<head + n, new: head..<head + m)]
        if n == 0 || m == 0 { return whole }

        // furthest[k + middle] is how far down `old` the best path on diagonal k (old line - new line) leads; the trace
        // keeps what it was before each round, in which it has 2d + 1 diagonals.
        let limit = min(n + m, maxEdits)
        let middle = limit + 1
        var furthest = [Int32](repeating: 0, count: 2 * limit + 3)
        var trace: [[Int32]] = []
        search: for d in 0... {
            if d > limit { return whole }
            trace.append(Array(furthest[(middle - d - 1)...(middle + d + 1)]))
            for k in stride(from: -d, through: d, by: 2) {
                let down = k == -d || (k != d && furthest[middle + k - 1] < furthest[middle + k + 1])
                var x = Int(down ? furthest[middle + k + 1] : furthest[middle + k - 1] + 1)
                while x < n, x - k < m, a[head + x] == b[head + x - k] { x += 1 }
                furthest[middle + k] = Int32(x)
                if x >= n, x - k >= m { break search }
            }
        }
        var changes: [Change] = []
        var x = n
        var y = m
        for d in stride(from: trace.count - 1, through: 1, by: -1) {
            let furthest = trace[d]
            let k = x - y
            let down = k == -d || (k != d && furthest[d + k] < furthest[d + k + 2])
            let before = down ? k + 1 : k - 1
            let startX = Int(furthest[d + 1 + before])
            let startY = startX - before
            // One line was inserted (down) or deleted behind (startX, startY).
            let old = head + startX..<head + startX + (down ? 0 : 1)
            let new = head + startY..<head + startY + (down ? 1 : 0)
            if let last = changes.last, last.old.lowerBound == old.upperBound, last.new.lowerBound == new.upperBound {
                changes[changes.count - 1] = Change(
                    old: old.lowerBound..<last.old.upperBound, new: new.lowerBound..<last.new.upperBound)
            } else {
                changes.append(Change(old: old, new: new))
            }
            x = startX
            y = startY
        }
        return changes.reversed()
    }
}
