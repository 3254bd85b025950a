// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The database of dpkg, and of opkg, which has the same form: paragraphs of `Field: value` (deb-control(5)).
enum Dpkg {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var result = PartialResult()
            var lines = Lines(text)
            var stanza = Stanza()
            var number = 0
            var start = 1
            while true {
                let line = lines.next()
                number += 1
                if let line, !line.trimmed.isEmpty {
                    stanza.take(line)
                    continue
                }
                if !stanza.isEmpty {
                    do throws(InventoryError) {
                        if let package = try stanza.package(file, start) { result.packages.append(package) }
                    } catch { result.add(error) }
                }
                stanza = Stanza()
                start = number + 1
                if line == nil { break }
            }
            return try result.get()
        }
    }

    private struct Stanza {
        var isEmpty = true
        var name = ""
        var status = ""
        var version = ""
        var architecture = ""
        var source = ""

        mutating func take(_ line: UnsafeBufferPointer<UInt8>) {
            isEmpty = false
            guard let first = line.first, first != 0x20, first != 0x09, let colon = line.index(of: 0x3A) else { return }
            let value = line.dropping(colon + 1).trimmed
            let field = line.prefixing(colon)
            // Names of fields are told apart without regard to case; nobody writes them otherwise than so.
            switch first {
            case 0x50, 0x70: if field.equalsIgnoringCase("package") { name = value.string }
            case 0x53, 0x73:
                if field.equalsIgnoringCase("status") {
                    status = value.string
                } else if field.equalsIgnoringCase("source") {
                    source = value.string
                }
            case 0x56, 0x76: if field.equalsIgnoringCase("version") { version = value.string }
            case 0x41, 0x61: if field.equalsIgnoringCase("architecture") { architecture = value.string }
            default: break
            }
        }

        func package(_ file: InventoryFile, _ line: Int) throws(InventoryError) -> FoundPackage? {
            guard !name.isEmpty else { throw file.malformed("line \(line): a paragraph without the field Package") }
            // Distroless images and opkg's control files have no status: what has a file there is installed.
            if !status.isEmpty {
                let words = status.split(separator: " ")
                guard words.count == 3 else {
                    throw file.malformed("line \(line): the status of \(name) is “\(status)”, expected three words")
                }
                switch words[2] {
                // The files of these are on the disk, whatever is still to be done.
                case "installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending": break
                default: return nil
                }
            }
            guard !version.isEmpty else { throw file.malformed("line \(line): \(name) has no version") }
            var package = FoundPackage(.deb, name: name, version: version, path: file.path)
            package.architecture = architecture
            if !source.isEmpty {
                // The version stands in parentheses where it is not that of the package itself.
                if let open = source.cut("("), let inner = open.after.cut(")") {
                    package.source = open.before.trimmedText
                    package.sourceVersion = inner.before.trimmedText
                } else {
                    package.source = source
                    package.sourceVersion = version
                }
            }
            return package
        }
    }
}

/// `var/lib/dpkg/status.d`, where distroless images have one paragraph a file.
enum DpkgStatusFolder {
    static func holds(_ path: UnsafeBufferPointer<UInt8>, nameStart: Int) -> Bool {
        let folder = UnsafeBufferPointer(rebasing: path[..<(nameStart - 1)])
        return folder.hasSuffix("var/lib/dpkg/status.d") && nameStart < path.count && !path.hasSuffix(".md5sums")
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// Compares ASCII; `text` is in small letters.
    func equalsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count {
            let byte = self[index]
            let small = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            if small != text.utf8Start[index] { return false }
        }
        return true
    }
}
