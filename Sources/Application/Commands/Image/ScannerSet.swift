// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser

/// What a scan looks for: `vulnerabilities,secrets`.
struct ScannerSet: OptionSet, ExpressibleByArgument {
    let rawValue: Int
    static let vulnerabilities = ScannerSet(rawValue: 1)
    static let secrets = ScannerSet(rawValue: 2)
    static let malware = ScannerSet(rawValue: 4)
    static let configuration = ScannerSet(rawValue: 8)
    static let all: ScannerSet = [.vulnerabilities, .secrets, .malware, .configuration]

    private static let names: [(String, ScannerSet)] = [
        ("vulnerabilities", .vulnerabilities), ("vuln", .vulnerabilities), ("secrets", .secrets), ("secret", .secrets),
        ("malware", .malware), ("configuration", .configuration), ("misconfig", .configuration),
    ]

    init(rawValue: Int) { self.rawValue = rawValue }

    init?(argument: String) {
        var set: ScannerSet = []
        for word in argument.split(separator: ",") {
            guard let found = Self.names.first(where: { $0.0 == word }) else { return nil }
            set.insert(found.1)
        }
        guard !set.isEmpty else { return nil }
        self = set
    }

    var defaultValueDescription: String { "all" }
    static var allValueStrings: [String] { ["vulnerabilities", "secrets", "malware", "configuration"] }
}
