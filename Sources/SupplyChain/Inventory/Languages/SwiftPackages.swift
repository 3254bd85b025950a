// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Package.resolved of the Swift package manager, versions 1 to 3.
enum SwiftPackages {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let root = try file.json()
        guard let pins = root["pins"] ?? root["object"]?["pins"], pins.isArray else {
            throw file.malformed("expected an array “pins”")
        }
        var out: [FoundPackage] = []
        for pin in pins.elements {
            // Pins of a branch or a revision have no version.
            let version = pin["state"]?.text("version") ?? ""
            let location = pin.text("location").isEmpty ? pin.text("repositoryURL") : pin.text("location")
            guard !version.isEmpty, !location.isEmpty else { continue }
            out.append(FoundPackage(.swift, name: name(of: location), version: version, path: file.path))
        }
        return out
    }

    /// `github.com/apple/swift-nio`, as advisories write it, of any form of its URL.
    static func name(of location: String) -> String {
        var text = location[...]
        if let scheme = text.firstRange(of: "://") { text = text[scheme.upperBound...] }
        if let (user, rest) = text.cut("@"), !user.contains("/") {
            text = rest
            // git@host:path
            if let (host, path) = text.cut(":"), !host.contains("/"), path.first?.isNumber != true {
                text = "\(host)/\(path)"[...]
            }
        }
        while text.last == "/" { text = text.dropLast() }
        if text.hasSuffix(".git") { text = text.dropLast(4) }
        guard let (host, path) = text.cut("/") else { return String(text) }
        return "\(host.lowercased())/\(path)"
    }
}
