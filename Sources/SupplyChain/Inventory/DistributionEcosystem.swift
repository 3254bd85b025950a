// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Distribution {
    /// The ecosystem whose OSV records judge its packages, as the OSV schema spells it: `Debian:12`,
    /// `Ubuntu:22.04:LTS`, `Alpine:v3.18`. Nil where OSV has none (Fedora, Amazon Linux, Oracle Linux, …).
    package var ecosystem: String? {
        switch id {
        case "debian": return debianRelease.map { "Debian:\($0)" }
        case "ubuntu":
            guard !versionID.isEmpty else { return nil }
            return "Ubuntu:\(versionID)" + (isUbuntuLTS ? ":LTS" : "")
        case "alpine": return alpineBranch.map { "Alpine:\($0)" }
        case "wolfi": return "Wolfi"
        case "chainguard": return "Chainguard"
        case "minimos": return "MinimOS"
        case "echo": return "Echo"
        case "alpaquita": return versionID.isEmpty ? "Alpaquita:stream" : "Alpaquita:\(versionID)"
        case "almalinux": return major.map { "AlmaLinux:\($0)" }
        case "rocky": return major.map { "Rocky Linux:\($0)" }
        case "rhel": return redHat
        // Built from Red Hat's sources under Red Hat's versions, so its advisories are the ones that fit. What is
        // called Stream runs ahead of them.
        case "centos": return name.contains("Stream") ? nil : major.map { "Red Hat:enterprise_linux:\($0)" }
        case "sles", "sles_sap", "sle-micro", "sl-micro", "suse-microos", "sle_hpc", "sled":
            return prettyName.hasPrefix("SUSE ") ? "SUSE:\(prettyName.dropFirst(5))" : suseServer
        case "opensuse-leap": return versionID.isEmpty ? nil : "openSUSE:Leap \(versionID)"
        case "opensuse-leap-micro": return versionID.isEmpty ? nil : "openSUSE:Leap Micro \(versionID)"
        case "opensuse-tumbleweed": return "openSUSE:Tumbleweed"
        case "mageia": return major.map { "Mageia:\($0)" }
        case "photon": return versionID.isEmpty ? nil : "Photon OS:\(versionID)"
        case "azurelinux", "mariner": return major.map { "Azure Linux:\($0)" }
        case "openeuler": return openEuler
        default: return nil
        }
    }

    /// `9` of `9.3`
    private var major: Substring? { versionID.prefix { $0 != "." }.nonEmpty }

    /// Debian's number, which its testing and unstable do not say.
    private var debianRelease: String? {
        if let major { return String(major) }
        let numbers = [
            "buzz": "1.1", "rex": "1.2", "bo": "1.3", "hamm": "2.0", "slink": "2.1", "potato": "2.2", "woody": "3.0",
            "sarge": "3.1", "etch": "4", "lenny": "5", "squeeze": "6", "wheezy": "7", "jessie": "8", "stretch": "9",
            "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15",
        ]
        return numbers[codename] ?? (codename == "sid" ? "sid" : nil)
    }

    /// Long-term releases are those of April in even years; 6.06 was the one exception.
    private var isUbuntuLTS: Bool {
        if version.contains("LTS") || prettyName.contains("LTS") { return true }
        guard let (year, month) = versionID.cut("."), let number = Int(year) else { return false }
        return (month == "04" && number % 2 == 0 && number >= 8) || versionID == "6.06"
    }

    /// `v3.18` of `3.18.4`; `edge` of `3.21_alpha20240923`.
    private var alpineBranch: String? {
        if versionID.contains("_alpha") || versionID == "edge" { return "edge" }
        let parts = versionID.split(separator: ".")
        guard parts.count >= 2, parts.prefix(2).allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }) else {
            return nil
        }
        return "v\(parts[0]).\(parts[1])"
    }

    /// Bills of materials often say no more than `sles` and `15.5`.
    private var suseServer: String? {
        guard id == "sles", let major else { return nil }
        let pack = versionID.cut(".").map { " SP\($0.after)" } ?? ""
        return "SUSE:Linux Enterprise Server \(major)\(pack)"
    }

    private var redHat: String? {
        let parts = cpe.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 3, parts[0] == "cpe", parts[1] == "/o" || parts[1] == "/a", parts[2] == "redhat" {
            return "Red Hat:" + parts[3...].joined(separator: ":")
        }
        return major.map { "Red Hat:enterprise_linux:\($0)" }
    }

    /// `openEuler:22.03-LTS-SP1` of `22.03 (LTS-SP1)`
    private var openEuler: String? {
        guard !versionID.isEmpty else { return nil }
        let words = version.isEmpty ? prettyName : version
        guard let open = words.cut("("), let inner = open.after.cut(")"), inner.before.hasPrefix("LTS") else {
            return "openEuler:\(versionID)"
        }
        return "openEuler:\(versionID)-\(inner.before)"
    }
}

extension Substring {
    var nonEmpty: Substring? { isEmpty ? nil : self }
}
