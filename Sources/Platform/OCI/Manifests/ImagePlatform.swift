// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What an image runs on: `linux/arm64`, `linux/arm/v7`, in Go's names.
package struct ImagePlatform: Sendable, Hashable, CustomStringConvertible {
    package var os: String
    package var architecture: String
    /// `v7`; empty where there is none, or only one.
    package var variant: String

    package init(os: String, architecture: String, variant: String = "") {
        self.os = os.lowercased()
        var architecture = architecture.lowercased()
        var variant = variant.lowercased()
        switch architecture {
        case "x86_64", "x86-64": architecture = "amd64"
        case "aarch64": architecture = "arm64"
        case "armhf": (architecture, variant) = ("arm", variant.isEmpty ? "v7" : variant)
        case "armel": (architecture, variant) = ("arm", variant.isEmpty ? "v6" : variant)
        case "i386": architecture = "386"
        default: break
        }
        if let first = variant.utf8.first, first.isDigit { variant = "v" + variant }
        switch (architecture, variant) {
        // These variants are what every processor of the kind has.
        case ("arm64", "v8"), ("amd64", "v1"): variant = ""
        case ("arm", ""): variant = "v7"
        default: break
        }
        self.architecture = architecture
        self.variant = variant
    }

    /// `os/architecture[/variant]`, or an architecture alone, of Linux.
    /// - Throws: `malformed`
    package init(_ text: String) throws(OCIError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { $0.isAlphanumeric || "._-".utf8.contains($0) }
        }
        guard isPlain, parts.count <= 3, text.utf8.count <= 100 else {
            throw OCIError(
                .malformed, "\(text.excerpt()) is no platform; expected os/architecture[/variant] as in linux/arm64")
        }
        self =
            parts.count == 1
            ? ImagePlatform(os: "linux", architecture: parts[0])
            : ImagePlatform(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : "")
    }

    /// Linux on the processor that this program was built for.
    package static var host: ImagePlatform {
        #if arch(arm64)
            ImagePlatform(os: "linux", architecture: "arm64")
        #else
            ImagePlatform(os: "linux", architecture: "amd64")
        #endif
    }

    package var description: String { "\(os)/\(architecture)" + (variant.isEmpty ? "" : "/" + variant) }

    /// How well an image of another platform runs on this one: 0 as good as its own, more is worse; nil not at all.
    /// A processor runs what was made for earlier variants of its kind.
    package func distance(to other: ImagePlatform) -> Int? {
        guard os == other.os, architecture == other.architecture else { return nil }
        if variant == other.variant { return 0 }
        guard let own = number(variant), let theirs = number(other.variant), theirs <= own else { return nil }
        return own - theirs
    }

    private func number(_ variant: String) -> Int? {
        guard architecture == "arm" || architecture == "amd64" || architecture == "arm64" else { return nil }
        if variant.isEmpty { return architecture == "arm64" ? 8 : 1 }
        guard variant.hasPrefix("v"), let number = Int(variant.dropFirst()), number > 0, number < 100 else {
            return nil
        }
        return number
    }
}
