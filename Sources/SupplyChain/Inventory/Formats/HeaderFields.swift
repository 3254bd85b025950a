// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// `Name: value` lines up to the first empty one, with folded lines: METADATA of Python, DESCRIPTION of R, manifests of
/// Java.
struct HeaderFields {
    private var fields: [(name: String, value: String)] = []

    /// - Parameters:
    ///   - keepsSpace: whether a folded line is joined by a space; in manifests of Java it goes on without one.
    ///   - wanted: names of the fields to keep, in small letters.
    init(_ text: UnsafeBufferPointer<UInt8>, keepsSpace: Bool = true, wanted: Set<String>) {
        var isTaken = false
        for line in Lines(text.starts(with: "\u{FEFF}") ? text.dropping(3) : text) {
            guard let first = line.first else { break }
            if first == 0x20 || first == 0x09 {
                guard isTaken else { continue }
                let more = keepsSpace ? " " + line.trimmed.string : line.dropping(1).string
                fields[fields.count - 1].value += more
                continue
            }
            isTaken = false
            guard let colon = line.index(of: 0x3A), colon <= 64 else { continue }
            let name = line.prefixing(colon).string.lowercased()
            guard wanted.contains(name) else { continue }
            fields.append((name, line.dropping(colon + 1).trimmed.string))
            isTaken = true
        }
    }

    /// The first value of a name in small letters; empty where it is missing.
    subscript(name: String) -> String { fields.first { $0.name == name }?.value ?? "" }
}
