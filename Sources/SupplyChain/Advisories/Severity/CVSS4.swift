// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// "Common Vulnerability Scoring System version 4.0: Specification Document", 8: a vector belongs to one of 270 sets of similar
/// ones; the set's score is lowered by how far the vector is from the worst of its set.
enum CVSS4 {
    /// Values of the metrics from the worst on, with their distance from it in tenths.
    private static let levels: [Substring: [Substring: Int]] = [
        "AV": ["N": 0, "A": 1, "L": 2, "P": 3], "PR": ["N": 0, "L": 1, "H": 2], "UI": ["N": 0, "P": 1, "A": 2],
        "AC": ["L": 0, "H": 1], "AT": ["N": 0, "P": 1],
        "VC": ["H": 0, "L": 1, "N": 2], "VI": ["H": 0, "L": 1, "N": 2], "VA": ["H": 0, "L": 1, "N": 2],
        "SC": ["H": 1, "L": 2, "N": 3], "SI": ["S": 0, "H": 1, "L": 2, "N": 3], "SA": ["S": 0, "H": 1, "L": 2, "N": 3],
        "CR": ["H": 0, "M": 1, "L": 2], "IR": ["H": 0, "M": 1, "L": 2], "AR": ["H": 0, "M": 1, "L": 2],
        "E": ["A": 0, "P": 1, "U": 2],
    ]

    private static let base: [Substring] = ["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]
    private static let others: Set<Substring> = [
        "E", "CR", "IR", "AR", "MAV", "MAC", "MAT", "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA", "S", "AU",
        "R", "V",
        "RE", "U",
    ]

    static func score(_ metrics: [Substring: Substring]) -> Double? {
        var values: [Substring: Substring] = ["E": "A", "CR": "H", "IR": "H", "AR": "H"]
        for (metric, value) in metrics {
            guard others.contains(metric) || base.contains(metric) else { return nil }
            if value != "X", levels[metric] != nil { values[metric] = value }
        }
        for metric in base {
            guard let value = metrics[metric], levels[metric]?[value] != nil else { return nil }
            if metric == "SI" || metric == "SA", value == "S" { return nil }
            if let modified = metrics["M\(metric)"], modified != "X" { values[metric] = modified }
        }
        for (metric, value) in values where levels[metric]?[value] == nil { return nil }
        if ["VC", "VI", "VA", "SC", "SI", "SA"].allSatisfy({ values[$0] == "N" }) { return 0 }
        let set = MacroVector(values)
        guard let worst = set.score else { return nil }
        return lowered(worst, set, values)
    }

    /// The five groups that a vector's set is made of; of 3 and 6 only five combinations exist.
    private struct MacroVector {
        var eq1, eq2, eq36, eq4, eq5: Int

        init(_ values: [Substring: Substring]) {
            func has(_ metric: Substring, _ value: Substring) -> Bool { values[metric] == value }
            let (network, free, alone) = (has("AV", "N"), has("PR", "N"), has("UI", "N"))
            eq1 = network && free && alone ? 0 : has("AV", "P") || !(network || free || alone) ? 2 : 1
            eq2 = has("AC", "L") && has("AT", "N") ? 0 : 1
            let (c, i, a) = (has("VC", "H"), has("VI", "H"), has("VA", "H"))
            let eq3 = c && i ? 0 : c || i || a ? 1 : 2
            let eq6 = (has("CR", "H") && c) || (has("IR", "H") && i) || (has("AR", "H") && a) ? 0 : 1
            eq36 = eq3 == 2 ? 4 : eq3 * 2 + eq6
            eq4 = has("SI", "S") || has("SA", "S") ? 0 : has("SC", "H") || has("SI", "H") || has("SA", "H") ? 1 : 2
            eq5 = has("E", "A") ? 0 : has("E", "P") ? 1 : 2
        }

        /// nil for a set that does not exist.
        var score: Double? {
            guard eq1 < 3, eq2 < 2, eq36 < 5, eq4 < 3, eq5 < 3 else { return nil }
            return Double(CVSS4.scores[(((eq1 * 2 + eq2) * 5 + eq36) * 3 + eq4) * 3 + eq5]) / 10
        }

        func with(_ change: (inout MacroVector) -> Void) -> Double? {
            var set = self
            change(&set)
            return set.score
        }

        /// The score of the next milder set of groups 3 and 6.
        var milder36: Double? {
            switch eq36 {
            case 0: [with { $0.eq36 = 1 }, with { $0.eq36 = 2 }].compactMap { $0 }.max()
            case 1, 2: with { $0.eq36 = 3 }
            case 3: with { $0.eq36 = 4 }
            default: nil
            }
        }
    }

    private static func lowered(_ worst: Double, _ set: MacroVector, _ values: [Substring: Substring]) -> Double {
        let groups: [(milder: Double?, depth: Int, distance: Int)] = [
            (set.with { $0.eq1 += 1 }, [1, 4, 5][set.eq1], distance(values, worst1[set.eq1])),
            (set.with { $0.eq2 += 1 }, [1, 2][set.eq2], distance(values, worst2[set.eq2])),
            (set.milder36, [7, 6, 8, 8, 10][set.eq36], distance(values, worst36[set.eq36])),
            (set.with { $0.eq4 += 1 }, [6, 5, 4][set.eq4], distance(values, worst4[set.eq4])),
            (set.with { $0.eq5 += 1 }, 1, 0),
        ]
        var (sum, count) = (0.0, 0.0)
        for group in groups {
            guard let milder = group.milder else { continue }
            count += 1
            sum += (worst - milder) * Double(group.distance) / Double(group.depth)
        }
        let value = max(0, min(10, count > 0 ? worst - sum / count : worst))
        return ((value + 0.000_001) * 10).rounded() / 10
    }

    /// How far, in steps, a vector is from the first of the worst vectors of its group that is not milder in any metric.
    private static func distance(_ values: [Substring: Substring], _ worst: [[(Substring, Substring)]]) -> Int {
        for vector in worst {
            var sum = 0
            var isAbove = true
            for (metric, value) in vector {
                let step = (levels[metric]?[values[metric] ?? ""] ?? 0) - (levels[metric]?[value] ?? 0)
                if step < 0 { isAbove = false }
                sum += step
            }
            if isAbove { return sum }
        }
        return 0
    }

    private static func vectors(_ texts: [[String]]) -> [[[(Substring, Substring)]]] {
        texts.map { group in
            group.map { text in
                text.split(separator: "/").map { pair in
                    (pair.prefix { $0 != ":" }, pair.drop { $0 != ":" }.dropFirst())
                }
            }
        }
    }

    private static let worst1 = vectors([
        ["AV:N/PR:N/UI:N"], ["AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"],
        ["AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"],
    ])
    private static let worst2 = vectors([["AC:L/AT:N"], ["AC:H/AT:N", "AC:L/AT:P"]])
    private static let worst36 = vectors([
        ["VC:H/VI:H/VA:H/CR:H/IR:H/AR:H"], ["VC:H/VI:H/VA:L/CR:M/IR:M/AR:H", "VC:H/VI:H/VA:H/CR:M/IR:M/AR:M"],
        ["VC:L/VI:H/VA:H/CR:H/IR:H/AR:H", "VC:H/VI:L/VA:H/CR:H/IR:H/AR:H"],
        [
            "VC:L/VI:H/VA:L/CR:H/IR:M/AR:H", "VC:L/VI:H/VA:H/CR:H/IR:M/AR:M", "VC:H/VI:L/VA:H/CR:M/IR:H/AR:M",
            "VC:H/VI:L/VA:L/CR:M/IR:H/AR:H", "VC:L/VI:L/VA:H/CR:H/IR:H/AR:M",
        ],
        ["VC:L/VI:L/VA:L/CR:H/IR:H/AR:H"],
    ])
    private static let worst4 = vectors([["SC:H/SI:S/SA:S"], ["SC:H/SI:H/SA:H"], ["SC:L/SI:L/SA:L"]])

    /// Scores of the sets in tenths, as FIRST published them with the specification: by group 1, 2, 3 with 6, 4, 5.
    private static let scores: [UInt8] = [
        100, 98, 95, 100, 93, 91, 93, 89, 81, 99, 95, 92, 96, 87, 81, 90, 80, 68,
        98, 95, 90, 93, 89, 81, 88, 78, 69, 95, 92, 84, 92, 81, 65, 80, 70, 48,
        92, 82, 72, 79, 69, 50, 69, 55, 27, 99, 95, 92, 95, 90, 84, 92, 82, 72,
        97, 92, 85, 91, 83, 71, 81, 71, 53, 95, 92, 85, 92, 80, 70, 84, 71, 50,
        93, 85, 73, 82, 72, 59, 70, 52, 30, 86, 75, 52, 71, 52, 29, 63, 29, 17,
        98, 94, 91, 94, 86, 77, 87, 74, 63, 95, 87, 81, 89, 74, 64, 75, 63, 49,
        94, 88, 76, 86, 74, 59, 72, 57, 52, 89, 77, 67, 76, 58, 50, 57, 52, 25,
        83, 70, 54, 65, 58, 26, 53, 21, 13, 95, 88, 76, 90, 75, 61, 77, 68, 52,
        90, 76, 70, 77, 62, 53, 66, 59, 30, 89, 76, 62, 74, 57, 47, 61, 57, 24,
        78, 67, 58, 59, 57, 23, 52, 29, 16, 71, 59, 30, 58, 26, 15, 23, 13, 6,
        93, 86, 75, 86, 74, 56, 70, 52, 40, 87, 72, 58, 74, 61, 34, 54, 40, 22,
        85, 74, 62, 72, 55, 46, 53, 34, 19, 75, 55, 51, 57, 41, 19, 36, 19, 8,
        64, 51, 20, 47, 21, 11, 24, 9, 4, 88, 73, 60, 73, 59, 41, 54, 45, 20,
        75, 53, 50, 55, 40, 20, 43, 22, 11, 75, 58, 40, 61, 48, 20, 46, 17, 8,
        55, 45, 21, 51, 18, 9, 18, 7, 2, 53, 24, 14, 24, 12, 5, 10, 3, 1,
    ]
}
