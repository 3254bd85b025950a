// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A Pod Security Standard at one version of Kubernetes.
package struct PodSecurityStandard: Sendable, Hashable {
    package enum Level: String, Sendable, CaseIterable { case privileged, baseline, restricted }

    package enum Version: Sendable, Hashable {
        case latest
        /// `v1.N`
        case minor(Int)

        /// Reads `latest` and `v1.N`.
        package init?(_ text: String) {
            if text == "latest" {
                self = .latest
                return
            }
            let digits = text.dropFirst(3)
            guard text.hasPrefix("v1."), !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }),
                digits == "0" || digits.first != "0", let minor = Int(digits)
            else { return nil }
            self = .minor(minor)
        }

        package var text: String {
            switch self {
            case .latest: "latest"
            case .minor(let minor): "v1.\(minor)"
            }
        }
    }

    package var level: Level
    package var version: Version

    package init(_ level: Level, _ version: Version = .latest) {
        self.level = level
        self.version = version
    }

    /// Reads `restricted` and `restricted@v1.30`.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let level = parts.first.flatMap({ Level(rawValue: String($0)) }) else { return nil }
        guard parts.count == 2 else {
            self.init(level)
            return
        }
        guard let version = Version(String(parts[1])) else { return nil }
        self.init(level, version)
    }

    package var text: String { "\(level.rawValue)@\(version.text)" }
}
