// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Writes a tree of objects, arrays and scalars as JSON or as block YAML, as it is told it, without building it.
/// Calls must nest properly: `key` before every value in an object, every `begin` with its `end`.
package struct TreeWriter {
    package enum Style: Sendable {
        case json
        case yaml
    }

    /// Where a YAML container's children go.
    private struct Frame {
        var isArray: Bool
        var indent: Int
        /// The first child continues the line of the dash that opened the container.
        var inline: Bool
        var count = 0
    }

    package var output: OutputBuffer
    package let style: Style
    private var needsComma = false
    private var breaksLine = false
    private var frames: [Frame] = []

    package init(_ style: Style, output: OutputBuffer = OutputBuffer()) {
        self.style = style
        self.output = output
    }

    // MARK: Containers

    package mutating func beginObject() { begin(isArray: false) }
    package mutating func beginArray() { begin(isArray: true) }
    package mutating func endObject() { end(isArray: false) }
    package mutating func endArray() { end(isArray: true) }

    package mutating func object(_ body: (inout TreeWriter) -> Void) {
        beginObject()
        body(&self)
        endObject()
    }

    package mutating func array(_ body: (inout TreeWriter) -> Void) {
        beginArray()
        body(&self)
        endArray()
    }

    /// Starts the next JSON value or key on a new line; YAML has lines of its own.
    package mutating func breakLine() { breaksLine = true }

    /// Closes the text with a line end.
    package mutating func finish() {
        output.append(byte: UInt8(ascii: "\n"))
        needsComma = false
        frames.removeAll()
    }

    private mutating func begin(isArray: Bool) {
        guard style == .yaml else {
            separate()
            output.append(byte: isArray ? UInt8(ascii: "[") : UInt8(ascii: "{"))
            needsComma = false
            return
        }
        guard let parent = frames.last else {
            frames.append(Frame(isArray: isArray, indent: 0, inline: true))
            return
        }
        if parent.isArray {
            dash()
            frames.append(Frame(isArray: isArray, indent: parent.indent + 2, inline: true))
        } else {
            // As kubectl prints it: the dashes of a list stand under their key.
            frames.append(Frame(isArray: isArray, indent: isArray ? parent.indent : parent.indent + 2, inline: false))
        }
    }

    private mutating func end(isArray: Bool) {
        guard style == .yaml else {
            output.append(byte: isArray ? UInt8(ascii: "]") : UInt8(ascii: "}"))
            needsComma = true
            return
        }
        guard let frame = frames.popLast(), frame.count == 0 else { return }
        if !frames.isEmpty { output.append(byte: UInt8(ascii: " ")) }
        if isArray { output.append("[]") } else { output.append("{}") }
    }

    // MARK: Keys

    package mutating func key(_ name: StaticString) {
        if style == .yaml {
            child()
            output.append(name)
            output.append(byte: UInt8(ascii: ":"))
        } else if breaksLine {
            separate()
            output.memberName(name, comma: false)
            needsComma = false
        } else {
            output.memberName(name, comma: needsComma)
            needsComma = false
        }
    }

    package mutating func key(dynamic name: String) {
        if style == .yaml {
            child()
            appendYAML(name)
            output.append(byte: UInt8(ascii: ":"))
        } else {
            separate()
            output.append(json: name)
            output.append(byte: UInt8(ascii: ":"))
            needsComma = false
        }
    }

    // MARK: Scalars

    package mutating func string(_ value: String) {
        scalar()
        if style == .yaml { appendYAML(value) } else { output.append(json: value) }
    }

    package mutating func integer(_ value: Int) {
        scalar()
        output.append(integer: Int64(value))
    }

    /// A finite number in its shortest form.
    package mutating func number(_ value: Double) {
        scalar()
        output.append(value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)")
    }

    package mutating func boolean(_ value: Bool) {
        scalar()
        if value { output.append("true") } else { output.append("false") }
    }

    package mutating func null() {
        scalar()
        output.append("null")
    }

    /// JSON text that is known to be one whole value; only for JSON.
    mutating func prepared(_ json: OutputBuffer) {
        scalar()
        output.append(json)
    }

    /// A JSON string whose bytes need no escape; only for JSON.
    mutating func quoted(_ body: (inout OutputBuffer) -> Void) {
        scalar()
        output.append(byte: UInt8(ascii: "\""))
        body(&output)
        output.append(byte: UInt8(ascii: "\""))
    }

    package mutating func field(_ name: StaticString, _ value: String) {
        if style == .json, !breaksLine {
            output.append(member: name, value, comma: needsComma)
            needsComma = true
        } else {
            key(name)
            string(value)
        }
    }

    package mutating func field(_ name: StaticString, _ value: Int) {
        key(name)
        integer(value)
    }

    package mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        boolean(value)
    }

    package mutating func field(_ name: StaticString, _ values: [String]) {
        key(name)
        strings(values)
    }

    package mutating func strings(_ values: [String]) {
        beginArray()
        for value in values { string(value) }
        endArray()
    }

    // MARK: Layout

    @inline(__always)
    private mutating func separate() {
        if needsComma { output.append(byte: UInt8(ascii: ",")) }
        if breaksLine {
            output.append(byte: UInt8(ascii: "\n"))
            breaksLine = false
        }
    }

    private mutating func scalar() {
        guard style == .yaml else {
            separate()
            needsComma = true
            return
        }
        guard let parent = frames.last else { return }
        if parent.isArray { dash() }
        output.append(byte: UInt8(ascii: " "))
    }

    private mutating func dash() {
        child()
        output.append(byte: UInt8(ascii: "-"))
    }

    /// Moves to where the next child of the innermost YAML container starts.
    private mutating func child() {
        let top = frames.count - 1
        guard top >= 0 else { return }
        let frame = frames[top]
        if frame.count > 0 || !frame.inline {
            output.append(byte: UInt8(ascii: "\n"))
            output.append(spaces: frame.indent)
        } else if top > 0 {
            output.append(byte: UInt8(ascii: " "))
        }
        frames[top].count += 1
    }

    /// Plain where every YAML reader agrees that it is that string, else with JSON's quotes.
    private mutating func appendYAML(_ value: String) {
        if Self.isPlain(value) { output.append(value) } else { output.append(json: value) }
    }

    static func isPlain(_ value: String) -> Bool {
        guard let first = value.utf8.first, value.utf8.last != UInt8(ascii: " "),
            (0x41...0x5a).contains(first & 0xdf)
        else { return false }
        for byte in value.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: continue
            case UInt8(ascii: " "), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"),
                UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "'"):
                continue
            default: return false
            }
        }
        return !reserved.contains(value.lowercased())
    }

    private static let reserved: Set<String> = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ]
}
