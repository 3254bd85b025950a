// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The database of Alpine's package manager: paragraphs of one-letter fields (apk-package(5), apk v2 index).
enum Apk {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var result = PartialResult()
            var package = FoundPackage(.apk, name: "", version: "", path: file.path)
            let empty = package
            var isOpen = false
            var lines = Lines(text)
            while true {
                let line = lines.next()
                if let line, !line.isEmpty {
                    isOpen = true
                    guard line.count > 2, line[1] == 0x3A else { continue }
                    switch line[0] {
                    case 0x50: package.name = line.dropping(2).string
                    case 0x56: package.version = line.dropping(2).string
                    case 0x41: package.architecture = line.dropping(2).string
                    case 0x6F: package.source = line.dropping(2).string
                    case 0x4C: package.licenses = [line.dropping(2).string]
                    default: break
                    }
                    continue
                }
                if isOpen {
                    if package.name.isEmpty || package.version.isEmpty {
                        let what = package.name.isEmpty ? "a package has no name" : "\(package.name) has no version"
                        result.add(file.malformed(what))
                    } else {
                        if package.source == package.name { package.source = "" }
                        if !package.source.isEmpty { package.sourceVersion = package.version }
                        result.packages.append(package)
                    }
                }
                (package, isOpen) = (empty, false)
                if line == nil { break }
            }
            return try result.get()
        }
    }

    /// `F:` names a folder, the `R:` lines behind it the files in it.
    static func owned(
        _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>, String) -> Void
    ) {
        var owner = ""
        var path: [UInt8] = []
        var folder = 0
        for line in Lines(text) {
            guard line.count >= 2, line[1] == 0x3A else { continue }
            switch line[0] {
            case 0x50: owner = "apk:" + line.dropping(2).string
            case 0x46:
                path.removeAll(keepingCapacity: true)
                path.append(contentsOf: line.dropping(2))
                if !path.isEmpty { path.append(0x2F) }
                folder = path.count
            case 0x52:
                path.removeSubrange(folder...)
                path.append(contentsOf: line.dropping(2))
                path.withUnsafeBufferPointer { body($0, owner) }
            default: break
            }
        }
    }
}
