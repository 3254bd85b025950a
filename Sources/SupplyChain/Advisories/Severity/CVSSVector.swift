// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A vector of the Common Vulnerability Scoring System, with its base score computed as FIRST's specifications say
/// (first.org/cvss, versions 2.0, 3.0, 3.1 and 4.0). Threat and environmental metrics count in 4.0 alone.
package struct CVSSVector: Sendable, Hashable {
    package enum Version: String, Sendable { case v2 = "2.0", v30 = "3.0", v31 = "3.1", v4 = "4.0" }

    package let version: Version
    /// 0.0 to 10.0
    package let score: Double

    /// nil for what is no vector: a base metric is missing, a value is unknown, a metric turns up twice.
    package init?(_ text: String) {
        guard text.utf8.count <= 512 else { return nil }
        var body = Substring(text)
        if body.hasPrefix("("), body.hasSuffix(")") { body = body.dropFirst().dropLast() }
        let parts = body.split(separator: "/", omittingEmptySubsequences: false)
        var metrics: [Substring: Substring] = [:]
        var version = Version.v2
        for (at, part) in parts.enumerated() {
            let pair = part.split(separator: ":", omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty else { return nil }
            if at == 0, pair[0] == "CVSS" {
                guard let named = Version(rawValue: String(pair[1])) else { return nil }
                version = named
            } else if metrics.updateValue(pair[1], forKey: pair[0]) != nil {
                return nil
            }
        }
        let score: Double? =
            switch version {
            case .v2: CVSS2.score(metrics)
            case .v30, .v31: CVSS3.score(metrics)
            case .v4: CVSS4.score(metrics)
            }
        guard let score else { return nil }
        self.version = version
        self.score = score
    }

    /// The word for the score: FIRST's qualitative scale, for 2.0 the one of the National Vulnerability Database.
    package var rating: Severity {
        if score <= 0 { return .informational }
        if score < 4 { return .low }
        if score < 7 { return .medium }
        return version == .v2 || score < 9 ? .high : .critical
    }
}

extension [Substring: Substring] {
    /// The weight of a metric that has to be there.
    func weight(_ metric: Substring, _ weights: [Substring: Double]) -> Double? { self[metric].flatMap { weights[$0] } }
}

/// "A Complete Guide to the Common Vulnerability Scoring System Version 2.0", 3.2.1.
enum CVSS2 {
    static func score(_ metrics: [Substring: Substring]) -> Double? {
        let impacts: [Substring: Double] = ["N": 0, "P": 0.275, "C": 0.66]
        guard let vector = metrics.weight("AV", ["L": 0.395, "A": 0.646, "N": 1]),
            let complexity = metrics.weight("AC", ["H": 0.35, "M": 0.61, "L": 0.71]),
            let authentication = metrics.weight("Au", ["M": 0.45, "S": 0.56, "N": 0.704]),
            let c = metrics.weight("C", impacts), let i = metrics.weight("I", impacts),
            let a = metrics.weight("A", impacts)
        else { return nil }
        let impact = 10.41 * (1 - (1 - c) * (1 - i) * (1 - a))
        let exploitability = 20 * vector * complexity * authentication
        guard impact > 0 else { return 0 }
        return (((0.6 * impact + 0.4 * exploitability - 1.5) * 1.176) * 10).rounded() / 10
    }
}

/// "Common Vulnerability Scoring System version 3.1: Specification Document", 7.1 and appendix A.
enum CVSS3 {
    static func score(_ metrics: [Substring: Substring]) -> Double? {
        let impacts: [Substring: Double] = ["N": 0, "L": 0.22, "H": 0.56]
        guard let scope = metrics["S"], scope == "U" || scope == "C" else { return nil }
        let isChanged = scope == "C"
        guard let vector = metrics.weight("AV", ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2]),
            let complexity = metrics.weight("AC", ["L": 0.77, "H": 0.44]),
            let privileges = metrics.weight(
                "PR", isChanged ? ["N": 0.85, "L": 0.68, "H": 0.5] : ["N": 0.85, "L": 0.62, "H": 0.27]),
            let interaction = metrics.weight("UI", ["N": 0.85, "R": 0.62]), let c = metrics.weight("C", impacts),
            let i = metrics.weight("I", impacts), let a = metrics.weight("A", impacts)
        else { return nil }
        let base = 1 - (1 - c) * (1 - i) * (1 - a)
        let impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * power(base - 0.02, 15) : 6.42 * base
        guard impact > 0 else { return 0 }
        let exploitability = 8.22 * vector * complexity * privileges * interaction
        return roundUp(min(isChanged ? 1.08 * (impact + exploitability) : impact + exploitability, 10))
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        for _ in 0..<exponent { result *= base }
        return result
    }

    /// To one decimal, away from the errors of binary fractions.
    private static func roundUp(_ value: Double) -> Double {
        let scaled = Int((value * 100_000).rounded())
        return scaled % 10_000 == 0 ? Double(scaled / 10_000) / 10 : Double(scaled / 10_000 + 1) / 10
    }
}
