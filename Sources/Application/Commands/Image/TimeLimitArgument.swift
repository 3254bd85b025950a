// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// A time limit on the command line: `90s`, `30m`, `1h30m`, or seconds; a second at least and thirty days at most.
struct TimeLimitArgument: ExpressibleByArgument {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600]
        var total: Int64 = 0
        var digits = ""
        for character in argument + (argument.last?.isNumber == true ? "s" : "") {
            if let unit = units[character] {
                guard let count = Int64(digits), count < 1 << 32 else { return nil }
                total += count * unit
                digits = ""
            } else {
                digits.append(character)
            }
            guard digits.utf8.count <= 10, total <= 30 * 86_400 else { return nil }
        }
        guard digits.isEmpty, total > 0 else { return nil }
        seconds = total
    }

    var defaultValueDescription: String {
        for (size, unit) in [(3600, "h"), (60, "m")] where seconds % Int64(size) == 0 {
            return "\(seconds / Int64(size))\(unit)"
        }
        return "\(seconds)s"
    }
}
