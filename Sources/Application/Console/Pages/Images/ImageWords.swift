// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// How pages speak of images and vulnerabilities.
extension Words {
    /// A reference in two parts: what people call the image, and where it comes from. `docker.io/library/nginx:1.27` is
    /// `nginx:1.27` from `docker.io`; a digest is cut to what tells it apart.
    static func image(_ reference: String) -> (name: String, registry: String) {
        var parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        var registry = ""
        if parts.count > 1, let first = parts.first,
            first.contains(".") || first.contains(":") || first == "localhost"
        {
            registry = String(first)
            parts.removeFirst()
        }
        if registry == "docker.io", parts.count == 2, parts[0] == "library" { parts.removeFirst() }
        let name = parts.joined(separator: "/")
        guard let at = name.lastIndex(of: "@") else { return (name, registry) }
        return (name[..<at] + "@" + short(String(name[name.index(after: at)...])), registry)
    }

    /// `sha256:0f3c2a9b8d7e` of a digest: the twelve digits that other tools show too.
    static func short(_ digest: String) -> String {
        guard let colon = digest.firstIndex(of: ":") else { return String(digest.prefix(12)) }
        return String(digest[...colon]) + String(digest[digest.index(after: colon)...].prefix(12))
    }

    /// `386 MB`: thousands, as registries count.
    static func size(_ bytes: Int64) -> String {
        let units = ["kB", "MB", "GB", "TB"]
        guard bytes >= 1000 else { return "\(max(0, bytes)) B" }
        var (value, unit) = (Double(bytes) / 1000, 0)
        while value >= 999.5, unit + 1 < units.count { (value, unit) = (value / 1000, unit + 1) }
        return value < 9.95 ? "\(decimal(value)) \(units[unit])" : "\(Int(value.rounded())) \(units[unit])"
    }

    /// One digit after the point; empty for what is no number.
    static func decimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    /// `94 %` of 0.94, `0.4 %` of 0.004.
    static func percent(_ share: Double?) -> String {
        guard let share, share.isFinite, (0...1).contains(share) else { return "" }
        if share < 0.001 { return "< 0.1 %" }
        return share < 0.1 ? "\(decimal(share * 100)) %" : "\(Int((share * 100).rounded())) %"
    }

    /// An address that a page may link to. What stands in advisories and images is other people's text: anything but
    /// plain http and https, such as a script, is shown as text.
    static func address(_ text: String) -> PageValue {
        let scheme = text.prefix(8).lowercased()
        guard scheme.hasPrefix("https://") || scheme.hasPrefix("http://"), text.utf8.count <= 2000,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !outside.contains($0) })
        else { return .none }
        return .text(text)
    }

    /// What no address has (RFC 3986).
    private static let outside = Set("\"<>\\^`{|}".utf8)

    /// Where a package lies; empty for those of a distribution, which are all told by its one database.
    static func place(_ path: String) -> String {
        let databases = ["lib/dpkg/status", "lib/apk/db/installed", "lib/rpm/", "lib/sysimage/rpm/"]
        return databases.contains { path.hasPrefix($0) || path.hasPrefix("var/" + $0) || path.hasPrefix("usr/" + $0) }
            ? "" : path
    }

    static func state(_ state: ImageSummary.State) -> (text: String, style: String) {
        switch state {
        case .waiting: ("waits for its scan", "")
        case .scanning: ("being scanned", "m-enforce")
        case .complete: ("scanned", "better")
        case .incomplete: ("partly scanned", "caution")
        case .failed: ("could not be scanned", "worse")
        }
    }

    /// What is to be done about a vulnerability where no version mends it.
    static func withoutFix(_ status: String) -> String {
        switch status {
        case "won't fix": "will not be mended"
        case "error": "could not be judged"
        default: "no fix yet"
        }
    }
}
