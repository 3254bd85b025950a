// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Turns file names as a user gave them into URIs (RFC 3986).
enum SourcePath {
    /// An absolute directory, made normal and closed with a slash; empty when it is not absolute.
    static func directory(_ path: String) -> String {
        guard path.hasPrefix("/") else { return "" }
        let path = normal(path)
        return path.hasSuffix("/") ? path : path + "/"
    }

    /// The file relative to `base` (from `directory`), or as a `file://` URI when it stands elsewhere. Without a base a
    /// relative name stays relative.
    static func uri(_ file: String, base: String) -> (uri: String, isRelative: Bool) {
        if base.isEmpty {
            let path = normal(file)
            return path.hasPrefix("/") ? ("file://" + encoded(path), false) : (encoded(path), true)
        }
        let path = normal(file.hasPrefix("/") ? file : base + file)
        if path.utf8.count > base.utf8.count, path.utf8.starts(with: base.utf8) {
            return (encoded(String(decoding: path.utf8.dropFirst(base.utf8.count), as: UTF8.self)), true)
        }
        return ("file://" + encoded(path), false)
    }

    /// Without `.`, empty segments, and `..` where there is a segment to leave.
    static func normal(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if let last = parts.last, last != ".." {
                parts.removeLast()
            } else if !isAbsolute {
                parts.append(part)
            }
        }
        return (isAbsolute ? "/" : "") + parts.joined(separator: "/")
    }

    /// Percent-encodes all but unreserved characters and the slash.
    static func encoded(_ path: String) -> String {
        var output = OutputBuffer()
        for byte in path.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x5f, 0x7e:
                output.append(byte: byte)
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                output.append(digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)")
            }
        }
        return output.text
    }
}

enum Markdown {
    /// Text that Markdown shows as it is.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            if "\\`*_{}[]<>#|!".contains(character) { result.append("\\") }
            result.append(character)
        }
        return result
    }
}
