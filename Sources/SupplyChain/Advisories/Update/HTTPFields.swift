// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// `bytes 100-199/1234`
struct ContentRange {
    var start: Int64
    /// Of the whole file; nil for `*`.
    var total: Int64?

    init?(_ text: String?) {
        guard let text, text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = Int64(parts[0].prefix { $0 != "-" }), start >= 0 else { return nil }
        self.start = start
        total = Int64(parts[1])
        if let total, total < start { return nil }
    }
}

/// Seconds, or a time of HTTP.
enum RetryAfter {
    static func duration(_ text: String?) -> Duration? {
        guard let text else { return nil }
        if let seconds = Int64(text) { return seconds >= 0 && seconds < 1 << 32 ? .seconds(seconds) : nil }
        // Wed, 21 Oct 2015 07:28:00 GMT
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let month = months.firstIndex(of: String(words[2])) else {
            return nil
        }
        let number = month + 1
        let then = RecordTime.seconds("\(words[3])-\(number < 10 ? "0" : "")\(number)-\(words[1])T\(words[4])Z")
        return then > 0 ? .seconds(max(then - Int64(time(nil)), 0)) : nil
    }
}
