// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The Linux distribution of an image, as it says itself.
package struct Distribution: Sendable, Hashable {
    /// `debian`, `alpine`, `rhel`, always in small letters.
    package var id = ""
    /// `12`, `3.18.4`, `22.04`; empty for rolling releases.
    package var versionID = ""
    /// `bookworm`
    package var codename = ""
    /// `Debian GNU/Linux`
    package var name = ""
    /// `SUSE Linux Enterprise Server 15 SP5`
    package var prettyName = ""
    /// The version in words: `22.04.3 LTS (Jammy Jellyfish)`
    package var version = ""
    /// Those it is made from, the nearest first: `rhel centos fedora`.
    package var idLike: [String] = []
    /// `cpe:/o:redhat:enterprise_linux:9::baseos`
    package var cpe = ""
    /// The file that says so, without a leading slash.
    package var path = ""

    package init() {}
}

extension Distribution {
    /// Where it may be written, without a leading slash: what stands earlier is believed before what stands later.
    package static let paths = [
        "etc/os-release", "usr/lib/os-release", "etc/alpine-release", "etc/almalinux-release", "etc/rocky-release",
        "etc/oracle-release", "etc/centos-release", "etc/fedora-release", "etc/system-release", "etc/redhat-release",
        "etc/SuSE-release", "etc/lsb-release", "etc/debian_version", "usr/lib/redhat-release",
    ]

    /// Bytes read at most of one of `paths`.
    package static let limit = 1 << 20

    /// Whether a file may say which distribution this is.
    package static func isReleaseFile(_ path: String) -> Bool { rank(path) != nil }

    /// The place of a path in `paths`, which is how much it is believed: 0 is the best.
    package static func rank(_ path: String) -> Int? {
        guard path.utf8.count <= 22 else { return nil }
        return paths.firstIndex(of: path)
    }

    /// From `os-release` (freedesktop.org), or from one of the older files that `paths` names.
    ///
    /// Nil where the file names no distribution.
    package init?(osRelease bytes: [UInt8], path: String) {
        self.init()
        self.path = path
        guard bytes.count <= Self.limit else { return nil }
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        let text = String(decoding: bytes, as: UTF8.self)
        switch file {
        case "debian_version": readDebianVersion(text.trimmedText)
        case "alpine-release":
            (id, name) = ("alpine", "Alpine Linux")
            versionID = text.trimmedText
        case "os-release", "lsb-release", "initrd-release": readAssignments(text)
        case "SuSE-release", "redhat-release", "system-release": readSentence(text)
        default: if file.hasSuffix("-release") { readSentence(text) } else { readAssignments(text) }
        }
        if id.isEmpty { return nil }
    }

    private mutating func readAssignments(_ text: String) {
        for line in text.split(whereSeparator: { $0.isNewline }) {
            guard let (key, raw) = line.cut("=") else { continue }
            let value = Self.unquoted(raw.trimmedText)
            switch key.trimmedText {
            case "ID": id = value.lowercased()
            case "DISTRIB_ID": if id.isEmpty { id = value.lowercased() }
            case "VERSION_ID": versionID = value
            case "DISTRIB_RELEASE": if versionID.isEmpty { versionID = value }
            case "VERSION_CODENAME": codename = value
            case "DISTRIB_CODENAME": if codename.isEmpty { codename = value }
            case "NAME": name = value
            case "PRETTY_NAME", "DISTRIB_DESCRIPTION": prettyName = value
            case "VERSION": version = value
            case "ID_LIKE": idLike = value.lowercased().split(separator: " ").map(String.init)
            case "CPE_NAME": cpe = value
            default: break
            }
        }
    }

    /// The value of a shell assignment: with or without quotes, with escapes by backslash.
    private static func unquoted(_ text: String) -> String {
        var inner = text[...]
        if let quote = inner.first, quote == "\"" || quote == "'", inner.count >= 2, inner.last == quote {
            inner = inner.dropFirst().dropLast()
            if quote == "'" { return String(inner) }
        }
        guard inner.contains("\\") else { return String(inner) }
        var out = ""
        var isEscaped = false
        for character in inner {
            if !isEscaped, character == "\\" {
                isEscaped = true
            } else {
                out.append(character)
                isEscaped = false
            }
        }
        return out
    }

    private mutating func readDebianVersion(_ text: String) {
        (id, name) = ("debian", "Debian GNU/Linux")
        // Testing and unstable have "trixie/sid" here.
        if let first = text.utf8.first, first >= 0x30, first <= 0x39 {
            versionID = text
        } else {
            codename = text.split(separator: "/").first.map(String.init) ?? ""
        }
    }

    /// "CentOS Linux release 7.9.2009 (Core)"
    private mutating func readSentence(_ text: String) {
        let line = text.split(whereSeparator: { $0.isNewline }).first.map { $0.trimmedText } ?? ""
        prettyName = line
        let known: [(start: String, id: String)] = [
            ("AlmaLinux", "almalinux"), ("Rocky Linux", "rocky"), ("CentOS", "centos"), ("Fedora", "fedora"),
            ("Red Hat Enterprise Linux", "rhel"), ("Oracle Linux", "ol"), ("Amazon Linux", "amzn"),
            ("SUSE Linux Enterprise Server", "sles"), ("openSUSE Leap", "opensuse-leap"), ("openSUSE", "opensuse"),
            ("Mageia", "mageia"), ("openEuler", "openeuler"), ("VMware Photon", "photon"),
            ("CBL-Mariner", "mariner"), ("Microsoft Azure Linux", "azurelinux"),
        ]
        guard let match = known.first(where: { line.hasPrefix($0.start) }) else { return }
        id = match.id
        let words = line.split(separator: " ").map(String.init)
        if let at = words.firstIndex(of: "release"), at + 1 < words.count {
            name = words[..<at].joined(separator: " ")
            versionID = words[at + 1]
        } else if let number = words.first(where: { $0.utf8.first.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }) {
            versionID = number
            name = words.prefix { $0 != number }.joined(separator: " ")
        }
    }
}
