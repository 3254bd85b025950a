// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory
import PackageVersions

/// A name of a product or package: a package URL, with a range of versions where one is given, a CPE, or words.
struct VEXName: Sendable {
    let text: String
    let url: PackageURL?
    /// The URL without version and qualifiers, in the spelling that its type asks for; empty for what is no URL.
    private let key: String
    var range: VersRange?
    /// The package's file, where our own bill tells one of several that are called the same; empty for all.
    var place = ""

    init(_ text: String, range: VersRange? = nil) {
        self.text = text
        self.range = range
        url = PackageURL(text)
        key = url.map(Self.key) ?? ""
    }

    /// What the URL leaves out holds for all: without a version every version. Its qualifiers must fit where the
    /// package has them too.
    func means(package target: VEXTarget) -> Bool {
        guard place.isEmpty || place == target.place, key == target.key, let url, url.type != "oci" else {
            return false
        }
        for key in ["arch", "epoch", "modularitylabel"] {
            if let wanted = url.qualifiers[key], let has = target.url.qualifiers[key], wanted != has { return false }
        }
        if let wanted = url.qualifiers["distro"], let has = target.url.qualifiers["distro"], wanted != has,
            !has.hasPrefix(wanted + "."), !wanted.hasPrefix(has + ".")
        {
            return false
        }
        if let range {
            // A version that the range's scheme refuses lies in no range.
            return ((try? range.contains(target.version)) ?? false)
                || (url.type == "golang" && ((try? range.contains(Self.bare(target.version))) ?? false))
        }
        guard !url.version.isEmpty else { return true }
        if url.version == target.url.version || url.version == target.version { return true }
        return url.type == "golang" && Self.bare(url.version) == Self.bare(target.version)
    }

    static func key(_ url: PackageURL) -> String {
        var url = url
        (url.version, url.qualifiers, url.subpath) = ("", [:], "")
        return url.description
    }

    private static func bare(_ version: String) -> String {
        version.hasPrefix("v") ? String(version.dropFirst()) : version
    }

    /// Whether it is a name of the image that the package lies in, or of the image's distribution.
    func means(imageOf target: VEXTarget) -> Bool {
        if target.image.contains(text) { return true }
        if let url, url.type == "oci", let image = target.imageURL {
            guard url.name == image.name, url.version.isEmpty || url.version == image.version else { return false }
            guard let place = url.qualifiers["repository_url"], !target.repository.isEmpty else { return true }
            return place == target.repository
        }
        return text.hasPrefix("cpe:") && isDistribution(target)
    }

    /// Vendor, product and version of a CPE: that of a distribution's part names the distribution (`cpe:/a:` and `cpe:/o:`).
    private func isDistribution(_ target: VEXTarget) -> Bool {
        guard let distribution = target.distribution, !distribution.cpe.isEmpty else { return false }
        let (wanted, has) = (Self.parts(ofCPE: text), Self.parts(ofCPE: distribution.cpe))
        guard wanted.count >= 2, has.count >= 2, wanted[0] == has[0], wanted[1] == has[1] else { return false }
        guard wanted.count > 2, !wanted[2].isEmpty else { return true }
        return has.count > 2 && (has[2] == wanted[2] || has[2].hasPrefix(wanted[2] + "."))
    }

    private static func parts(ofCPE text: String) -> [String] {
        let rest = text.hasPrefix("cpe:2.3:") ? text.dropFirst(8) : text.hasPrefix("cpe:/") ? text.dropFirst(5) : ""
        return rest.split(separator: ":", omittingEmptySubsequences: false).dropFirst().prefix(3).map {
            $0 == "*" || $0 == "-" ? "" : $0.lowercased()
        }
    }
}
