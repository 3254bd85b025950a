// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Text inside XML 1.0 and HTML.
package enum Markup {
    /// As `OutputBuffer.append(markup:)`, for text that goes into a string first.
    package static func escaped(_ text: String, isAttribute: Bool = false) -> String {
        var output = OutputBuffer()
        output.append(markup: text, isAttribute: isAttribute)
        return output.text
    }
}

extension OutputBuffer {
    /// The text for an element's content or a quoted attribute. What XML forbids, and what would turn the direction of
    /// the text around or hide in it, becomes a visible escape such as `\x1b`.
    mutating func append(markup text: String, isAttribute: Bool = false) {
        var text = text
        text.withUTF8 { source in
            var start = 0
            var index = 0
            while index < source.count {
                let byte = source[index]
                if byte < 0x80 {
                    if let entity = Self.entity(byte, isAttribute) {
                        append(UnsafeBufferPointer(rebasing: source[start..<index]))
                        append(entity)
                        start = index + 1
                    } else if (byte < 0x20 && byte != 0x0a && byte != 0x09) || byte == 0x7f {
                        append(UnsafeBufferPointer(rebasing: source[start..<index]))
                        append(DisplayText.escape(Unicode.Scalar(byte)) ?? "")
                        start = index + 1
                    }
                    index += 1
                    continue
                }
                var end = index + 1
                while end < source.count, source[end] & 0xc0 == 0x80 { end += 1 }
                let scalar = String(decoding: UnsafeBufferPointer(rebasing: source[index..<end]), as: UTF8.self)
                if let escape = scalar.unicodeScalars.first.flatMap({ DisplayText.escape($0) }) {
                    append(UnsafeBufferPointer(rebasing: source[start..<index]))
                    append(escape)
                    start = end
                }
                index = end
            }
            append(UnsafeBufferPointer(rebasing: source[start..<source.count]))
        }
    }

    private static func entity(_ byte: UInt8, _ isAttribute: Bool) -> StaticString? {
        switch byte {
        case UInt8(ascii: "&"): "&amp;"
        case UInt8(ascii: "<"): "&lt;"
        case UInt8(ascii: ">"): "&gt;"
        case UInt8(ascii: "\""): "&quot;"
        case UInt8(ascii: "'"): "&#39;"
        case 0x0a where isAttribute: "&#10;"
        case 0x09 where isAttribute: "&#9;"
        default: nil
        }
    }
}
