// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Builds for modules of RHEL and its relatives, which live beside the plain builds of the same name.
enum ModuleBuild {
    /// `1:18.19.0-1.module_el8.9.0+3726+8b4a4f8f`, `8.0.1-1.module+el8.9.0`
    static func isModule(_ version: String) -> Bool { version.contains(".module") }

    /// The streams that a summary names: `nodejs:18` of "Moderate: nodejs:18 security update".
    static func streams(_ summary: String) -> [String] {
        summary.split(separator: " ").filter { word in
            let parts = word.split(separator: ":", omittingEmptySubsequences: false)
            return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && word.last != ","
        }.map(String.init)
    }
}

extension OSVRecord {
    /// Errata of bug fixes and enhancements (ALBA, RHEA…) that name no vulnerability.
    var isHarmless: Bool {
        guard id.utf8.count > 5, id.utf8.dropFirst(4).first == 0x2D else { return false }
        switch id.prefix(4) {
        case "ALBA", "ALEA", "RLBA", "RLEA", "RHBA", "RHEA", "ELBA", "ELEA": break
        default: return false
        }
        return !(aliases + upstream + related).contains { $0.hasPrefix("CVE-") }
    }

    /// The publisher's own word; errata of RHEL's relatives begin their summary with it.
    var rating: String {
        if !severity.rating.isEmpty { return severity.rating }
        for word in ["Critical", "Important", "Moderate", "Low"] where summary.hasPrefix(word + ":") { return word }
        return ""
    }
}
