// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension FoundPackage {
    /// The package URL, with the qualifiers that syft and Trivy give and read: `distro`, `arch`, `epoch`, and `upstream`
    /// for the source package.
    package func url(_ distribution: Distribution?) -> PackageURL {
        var url = PackageURL(type: kind.rawValue, name: name, version: version)
        switch kind {
        case .deb, .apk, .rpm:
            url.namespace = distribution.map(Self.vendor) ?? ""
            if let distribution, !distribution.id.isEmpty {
                url.qualifiers["distro"] =
                    distribution.versionID.isEmpty ? distribution.id : "\(distribution.id)-\(distribution.versionID)"
            }
            url.qualifiers["arch"] = architecture
            if kind == .rpm, let (epoch, rest) = version.cut(":") {
                url.qualifiers["epoch"] = String(epoch)
                url.version = String(rest)
            }
            if !module.isEmpty { url.qualifiers["modularitylabel"] = module }
            if !source.isEmpty { url.qualifiers["upstream"] = upstream }
        case .npm, .composer, .swift, .golang:
            if let (before, after) = name.cutLast("/") { (url.namespace, url.name) = (String(before), String(after)) }
        case .maven:
            if let (before, after) = name.cut(":") { (url.namespace, url.name) = (String(before), String(after)) }
        case .cocoapods:
            if let (pod, part) = name.cut("/") { (url.name, url.subpath) = (String(pod), String(part)) }
        case .pypi: url.name = PythonName.normalized(name)
        default: break
        }
        return url
    }

    private static func vendor(_ distribution: Distribution) -> String {
        distribution.id == "rhel" ? "redhat" : distribution.id
    }

    private var upstream: String {
        switch kind {
        case .rpm: "\(source)-\(sourceVersion.cut(":").map { String($0.after) } ?? sourceVersion).src.rpm"
        default: sourceVersion.isEmpty || sourceVersion == version ? source : "\(source)@\(sourceVersion)"
        }
    }

    /// Nil for types that are no kind of package here.
    package init?(_ url: PackageURL, path: String) {
        guard let kind = PackageKind(rawValue: url.type) else { return nil }
        var name = url.name
        switch kind {
        case .npm, .composer, .swift, .golang: if !url.namespace.isEmpty { name = "\(url.namespace)/\(url.name)" }
        case .maven: name = url.namespace.isEmpty ? "\(url.name):\(url.name)" : "\(url.namespace):\(url.name)"
        default: break
        }
        // syft has the major version of a module behind a number sign.
        if kind == .golang || kind == .cocoapods, !url.subpath.isEmpty { name += "/" + url.subpath }
        self.init(kind, name: name, version: url.version, path: path)
        architecture = url.qualifiers["arch"] ?? ""
        if kind == .golang, name == "stdlib" {
            version = String(version.dropPrefix("go") ?? version.dropPrefix("v") ?? version[...])
        }
        // syft writes the epoch of rpm apart, Trivy that of deb as well.
        if kind == .rpm || kind == .deb, let epoch = url.qualifiers["epoch"], !version.contains(":") {
            version = "\(epoch):\(version)"
        }
        let label = (url.qualifiers["modularitylabel"] ?? url.qualifiers["rpmmod"] ?? "").split(separator: ":")
        if label.count >= 2 { module = "\(label[0]):\(label[1])" }
        setUpstream(url.qualifiers["upstream"] ?? "")
    }

    private mutating func setUpstream(_ text: String) {
        guard !text.isEmpty, kind.isSystem else { return }
        if kind == .rpm {
            let epoch = version.cut(":").map { "\($0.before):" } ?? ""
            Rpm.setSource(&self, text, epoch: epoch)
        } else if let (name, version) = text.cut("@") {
            (source, sourceVersion) = (String(name), String(version))
        } else {
            (source, sourceVersion) = (text, version)
        }
    }
}

extension Distribution {
    /// From `distro=debian-12` of a package URL.
    init?(qualifier text: String) {
        guard !text.isEmpty else { return nil }
        self.init()
        // `opensuse-leap-15.6`: the version is what a digit begins.
        if let (before, after) = text.cutLast("-"), after.first?.isNumber == true {
            (id, versionID) = (String(before), String(after))
        } else {
            id = text
        }
        id = Self.ownID(id)
    }

    /// The id of os-release for what Trivy calls a distribution.
    static func ownID(_ name: String) -> String {
        switch name.lowercased() {
        case "alma": "almalinux"
        case "redhat": "rhel"
        case "oracle": "ol"
        case "amazon": "amzn"
        case "cbl-mariner": "mariner"
        case "opensuse.leap", "opensuse leap": "opensuse-leap"
        case "opensuse.tumbleweed", "opensuse tumbleweed": "opensuse-tumbleweed"
        case "suse linux enterprise server", "suse": "sles"
        default: name.lowercased()
        }
    }
}
