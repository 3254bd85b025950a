// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What Go writes into its programs: the version of the toolchain and the modules (package debug/buildinfo of Go).
enum GoBuildInfo {
    private static let header = 32

    static func packages(_ program: ProgramImage, _ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        guard let at = find(program) else { return [] }
        guard let (version, modules) = texts(program, at) else {
            throw file.malformed("the build information of Go is broken")
        }
        var out: [FoundPackage] = []
        if let number = toolchain(version) {
            out.append(FoundPackage(.golang, name: "stdlib", version: number, path: file.path))
        }
        try readModules(modules, file, &out)
        return out
    }

    /// Where the 16 bytes stand that mark it; those after say how to go on.
    private static func find(_ program: ProgramImage) -> Int? {
        let named = program.sections.filter { $0.name == ".go.buildinfo" || $0.name == "__go_buildinfo" }
        // Parts of a hostile file may lie over each other.
        var left = program.bytes.count
        for part in named.isEmpty ? program.dataSegments : named where left > 0 {
            left -= part.size
            // It stands at a multiple of 16 bytes from the start of its part.
            var at = part.offset
            let end = part.offset + part.size - header
            while at <= end {
                if program.bytes[at] == 0xFF, isMarked(program.bytes, at) { return at }
                at += 16
            }
        }
        return nil
    }

    private static func isMarked(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
        bytes[(at + 1)..<(at + 14)].elementsEqual(" Go buildinf:".utf8)
    }

    private typealias Texts = (version: String, modules: UnsafeBufferPointer<UInt8>)

    private static func texts(_ program: ProgramImage, _ at: Int) -> Texts? {
        let flags = program.bytes[at + 15]
        if flags & 2 != 0 {
            // Since Go 1.18 both texts follow, each behind its length.
            var place = at + header
            guard let version = inlineText(program.bytes, &place), let modules = inlineText(program.bytes, &place)
            else {
                return nil
            }
            return (version.string, unframed(modules))
        }
        // Before, pointers to Go's strings: an address and a length.
        let size = Int(program.bytes[at + 14])
        guard size == 4 || size == 8 else { return nil }
        let isBig = flags & 1 != 0
        func number(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
            let ordered = isBig ? Array(bytes) : bytes.reversed()
            return ordered.reduce(0) { $0 << 8 | UInt64($1) }
        }
        func text(_ offset: Int) -> UnsafeBufferPointer<UInt8>? {
            let pointer = number(UnsafeBufferPointer(rebasing: program.bytes[offset..<(offset + size)]))
            if pointer == 0 { return UnsafeBufferPointer(start: nil, count: 0) }
            guard let string = program.text(at: pointer, count: UInt64(size * 2)) else { return nil }
            let length = number(string.dropping(size))
            if length == 0 { return UnsafeBufferPointer(start: nil, count: 0) }
            return program.text(at: number(string.prefixing(size)), count: length)
        }
        guard let version = text(at + 16), let modules = text(at + 16 + size) else { return nil }
        return (version.string, unframed(modules))
    }

    private static func inlineText(_ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> UnsafeBufferPointer<UInt8>?
    {
        var length = 0
        var shift = 0
        while true {
            guard at < bytes.count, shift < 35 else { return nil }
            let byte = bytes[at]
            at += 1
            length |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { break }
            shift += 7
        }
        guard length <= bytes.count - at else { return nil }
        defer { at += length }
        return UnsafeBufferPointer(rebasing: bytes[at..<(at + length)])
    }

    /// The list of modules stands between two marks of 16 bytes.
    private static func unframed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        guard text.count >= 33, text[text.count - 17] == 0x0A else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeBufferPointer(rebasing: text[16..<(text.count - 16)])
    }

    /// `1.22.0` of `go1.22.0 X:boringcrypto`; `1.21.0-rc.2` of `go1.21rc2`, as Go's advisories write it. Nil for
    /// toolchains in the making.
    static func toolchain(_ version: String) -> String? {
        guard let rest = version.dropPrefix("go") else { return nil }
        let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard number.contains("."), number.last != "." else { return nil }
        let behind = rest[number.endIndex...]
        for kind in ["rc", "beta"] {
            guard let count = behind.dropPrefix(kind)?.prefix(while: { $0.isASCII && $0.isNumber }), !count.isEmpty
            else {
                continue
            }
            let patch = number.split(separator: ".").count < 3 ? ".0" : ""
            return "\(number)\(patch)-\(kind).\(count)"
        }
        return String(number)
    }

    /// - Parameter module: the variable's path has to begin so.
    /// - Returns: `v8.30.1` of `-X=example.com/cmd/version.Version=v8.30.1`: the value of a variable whose name says version, when
    /// it looks like one.
    static func linkedVersion(_ flags: String, module: String = "") -> String? {
        for word in flags.split(whereSeparator: { $0 == " " || $0 == "\"" || $0 == "'" }) {
            let assignment = word.dropPrefix("-X=") ?? word
            guard let (variable, value) = assignment.cut("=") else { continue }
            let name = variable.split(separator: ".").last?.lowercased() ?? ""
            guard variable.hasPrefix(module),
                ["version", "buildversion", "appversion", "gitversion", "releaseversion", "currentversion"].contains(
                    name)
            else { continue }
            let number = value.dropPrefix("v") ?? value
            let core = number.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }.split(separator: ".")
            let isVersion = number.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
                default: false
                }
            }
            if core.count == 3, isVersion { return "v\(number)" }
        }
        return nil
    }

    private static func readModules(
        _ text: UnsafeBufferPointer<UInt8>, _ file: InventoryFile, _ out: inout [FoundPackage]
    ) throws(InventoryError) {
        var last: FoundPackage?
        var unversioned: [(package: FoundPackage, isMain: Bool)] = []
        func flush() {
            // What is replaced by a folder has no version.
            if let package = last, package.version.hasPrefix("v") { out.append(package) }
            last = nil
        }
        for line in Lines(text) {
            let columns = line.string.split(separator: "\t", omittingEmptySubsequences: false)
            switch columns.first {
            case "mod", "dep":
                flush()
                guard columns.count >= 3, !columns[1].isEmpty else {
                    throw file.malformed("the build information of Go has a module without a version")
                }
                last = FoundPackage(.golang, name: String(columns[1]), version: String(columns[2]), path: file.path)
                if let last, last.version == "(devel)" { unversioned.append((last, columns[0] == "mod")) }
            case "build":
                flush()
                // A main module that was not fetched as a module is "(devel)"; its makers hand the version to the linker.
                // Where single files were built, it stands among the others, and the variable has to be one of its own.
                guard columns.count >= 2, let flags = columns[1].dropPrefix("-ldflags=") else { continue }
                for (package, isMain) in unversioned {
                    guard let version = linkedVersion(String(flags), module: isMain ? "" : package.name + "/") else {
                        continue
                    }
                    var own = package
                    own.version = version
                    out.append(own)
                }
                unversioned = []
            case "=>":
                guard columns.count >= 3 else { continue }
                last = FoundPackage(.golang, name: String(columns[1]), version: String(columns[2]), path: file.path)
            default: continue
            }
        }
        flush()
    }
}
