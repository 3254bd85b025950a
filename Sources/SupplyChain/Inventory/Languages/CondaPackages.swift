// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Packages of conda: one file each in `conda-meta`, what environments ask for, and the locks of conda-lock and pixi.
enum CondaPackages {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        let (name, version) = (root.text("name"), root.text("version"))
        guard !name.isEmpty, !version.isEmpty else { throw file.malformed("a package needs a name and a version") }
        var package = FoundPackage(.conda, name: name, version: version, path: file.path)
        package.architecture = root.text("subdir")
        if !root.text("license").isEmpty { package.licenses = [root.text("license")] }
        return [package]
    }

    /// environment.yml: `- numpy=1.21.0=py39_0`, `- conda-forge::zlib=1.2.13`, and a list of pip's below `pip:`.
    static func environment(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        func add(_ kind: PackageKind, _ name: Substring, _ version: Substring) {
            let (name, version) = (name.trimmedText, version.drop { $0 == "=" }.trimmedText)
            guard !name.isEmpty, version.first?.isNumber == true, !name.contains(where: { "<>!~ [".contains($0) }),
                !version.contains(where: { "*<>|, ".contains($0) })
            else { return }
            out.append(FoundPackage(kind, name: name, version: version, path: file.path))
        }
        for root in try file.yaml() {
            for entry in root.list("dependencies") {
                if let text = entry.string {
                    let spec = text.firstRange(of: "::").map { text[$0.upperBound...] } ?? text[...]
                    guard let (name, rest) = spec.cut("=") else { continue }
                    let version = rest.drop { $0 == "=" }
                    add(.conda, name, version.cut("=")?.before ?? version)
                } else {
                    for pin in entry.list("pip") {
                        let text = (pin.string ?? "").prefix { $0 != ";" }
                        guard let (name, version) = text.cut("=") else { continue }
                        add(.pypi, name.cut("[")?.before ?? name, version)
                    }
                }
            }
        }
        return out
    }

    /// conda-lock.yml, and pixi.lock before its fourth form: a list of packages, each for one platform.
    static func lock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let roots = try file.yaml()
        guard roots.contains(where: { $0["package"]?.isArray == true }) else {
            throw file.malformed("expected a list “package”")
        }
        return locked(roots, file)
    }

    /// Locks whose name the user chose: `conda-lock-python-3.14.yaml`, `gpu.conda-lock.yml`. Others name files so, too.
    static func namedLock(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        do throws(InventoryError) { return locked(try file.yaml(), file) } catch {
            if error.code == .malformed { return [] }
            throw error
        }
    }

    static func isNamedLock(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        let name = path[((path.lastIndex(of: 0x2F) ?? -1) + 1)...]
        return name.starts(with: "conda-lock".utf8) || path.hasSuffix(".conda-lock.yml")
            || path.hasSuffix(".conda-lock.yaml")
    }

    private static func locked(_ roots: [Node], _ file: InventoryFile) -> [FoundPackage] {
        var list = DistinctPackages()
        for root in roots {
            for entry in root.list("package") {
                let (name, version) = (entry.text("name"), entry["version"]?.scalar ?? "")
                let kind = entry.text("manager") == "pip" ? PackageKind.pypi : .conda
                guard !name.isEmpty, !version.isEmpty else { continue }
                var package = FoundPackage(kind, name: name, version: version, path: file.path)
                let category = entry.text("category")
                package.isDevelopment = !category.isEmpty && DevelopmentNames.contain(category)
                list.add(package)
            }
        }
        return list.packages
    }

    /// `conda-linux-64.lock`, `environment.py-3.11-linux-aarch64.lock`
    static func isExplicit(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        platforms.contains { path.hasSuffix($0) }
    }

    private static let platforms = ["linux-64", "linux-aarch64", "linux-ppc64le", "osx-64", "osx-arm64", "win-64"].map {
        $0 + ".lock"
    }

    /// What `conda list --explicit` writes: behind a line `@EXPLICIT` the address of each package's archive.
    static func explicit(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var list = DistinctPackages()
            var isExplicit = false
            var number = 0
            for line in Lines(text) {
                number += 1
                let words = line.trimmed
                if words.equals("@EXPLICIT") { isExplicit = true }
                guard isExplicit, let first = words.first, first != 0x40 else { continue }
                // conda-lock writes pip's packages as comments: `# pip NAME @ ADDRESS --hash=…`
                if first == 0x23 {
                    if let package = pipComment(words.string, file) { list.add(package) }
                } else if let (name, version) = archive(words.string) {
                    list.add(FoundPackage(.conda, name: name, version: version, path: file.path))
                } else {
                    throw file.malformed(
                        "line \(number): expected the address of a package, found \(words.prefixing(80).string)")
                }
            }
            return list.packages
        }
    }

    private static func pipComment(_ line: String, _ file: InventoryFile) -> FoundPackage? {
        guard let rest = line.dropPrefix("# pip "), let (name, address) = rest.cut("@"), !name.trimmedText.isEmpty,
            let wheel = address.trimmedText.prefix(while: { $0 != " " && $0 != "#" }).split(separator: "/").last
        else { return nil }
        // A wheel is NAME-VERSION-PYTHON-ABI-PLATFORM.whl, a source NAME-VERSION.tar.gz.
        let parts = wheel.split(separator: "-")
        let version: Substring
        if wheel.hasSuffix(".whl") {
            guard parts.count >= 5 else { return nil }
            version = parts[1]
        } else {
            guard wheel.hasSuffix(".tar.gz"), let last = wheel.dropLast(7).cutLast("-") else { return nil }
            version = last.after
        }
        return FoundPackage(.pypi, name: name.trimmedText, version: String(version), path: file.path)
    }

    /// pixi.lock: `- conda: ADDRESS`, and `- pypi: ADDRESS` with a name and a version. The fourth and fifth form have
    /// `kind: conda`, with name and version for both. What lies in the project itself is left out.
    static func pixi(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let roots = try file.yaml()
        guard roots.contains(where: { $0["packages"]?.isArray == true }) else { return try lock(file) }
        var list = DistinctPackages()
        for root in roots {
            for entry in root.list("packages") {
                var (name, version) = (entry.text("name"), entry["version"]?.scalar ?? "")
                let isConda = entry["conda"] != nil || entry.text("kind") == "conda"
                if isConda {
                    let address = entry.text("conda").isEmpty ? entry.text("url") : entry.text("conda")
                    if let known = archive(address) { (name, version) = known }
                } else {
                    let address = entry.text("pypi").isEmpty ? entry.text("path") : entry.text("pypi")
                    if address.hasPrefix(".") || address.hasPrefix("/") { continue }
                }
                guard !name.isEmpty, !version.isEmpty else { continue }
                list.add(FoundPackage(isConda ? .conda : .pypi, name: name, version: version, path: file.path))
            }
        }
        return list.packages
    }

    /// `https://…/linux-64/python-3.12.7-hce54a09_0.conda#md5` is python 3.12.7.
    private static func archive(_ address: String) -> (name: String, version: String)? {
        let plain = address.prefix { $0 != "#" && $0 != " " }
        guard let last = plain.split(separator: "/").last else { return nil }
        let endings = [".conda", ".tar.bz2"]
        guard let ending = endings.first(where: { last.hasSuffix($0) }),
            let (rest, _) = last.dropLast(ending.count).cutLast("-"), let (name, version) = rest.cutLast("-"),
            !name.isEmpty, !version.isEmpty
        else { return nil }
        // A version with an epoch is written into an address as `1%213.0`.
        return (String(name), version.split(separator: "%21", omittingEmptySubsequences: false).joined(separator: "!"))
    }
}

/// Packages of a lock that lists them once for each platform. One that the product needs anywhere is no development's.
private struct DistinctPackages {
    private(set) var packages: [FoundPackage] = []
    private var places: [[String]: Int] = [:]

    mutating func add(_ package: FoundPackage) {
        let key = [package.kind.rawValue, package.name, package.version]
        if let place = places[key] {
            if !package.isDevelopment { packages[place].isDevelopment = false }
            return
        }
        places[key] = packages.count
        packages.append(package)
    }
}
