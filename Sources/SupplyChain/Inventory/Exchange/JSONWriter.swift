// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Writes JSON piece by piece to a sink, so that a bill of a million packages need not be in memory as text.
struct JSONWriter {
    private var buffer: [UInt8] = []
    private var isFirst = true
    private let sink: ([UInt8]) throws -> Void

    init(_ sink: @escaping ([UInt8]) throws -> Void) {
        self.sink = sink
        buffer.reserveCapacity(80 << 10)
    }

    private mutating func separate() throws {
        if !isFirst { buffer.append(0x2C) }
        isFirst = false
        if buffer.count >= 64 << 10 { try flush() }
    }

    private mutating func flush() throws {
        try sink(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    mutating func finish() throws {
        buffer.append(0x0A)
        try flush()
    }

    private mutating func key(_ key: String) throws {
        try separate()
        quote(key)
        buffer.append(0x3A)
    }

    mutating func object(_ key: String? = nil, _ body: (inout JSONWriter) throws -> Void) throws {
        try nest(key, 0x7B, 0x7D, body)
    }

    mutating func array(_ key: String, _ body: (inout JSONWriter) throws -> Void) throws {
        try nest(key, 0x5B, 0x5D, body)
    }

    private mutating func nest(
        _ key: String?, _ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) throws -> Void
    ) throws {
        if let key { try self.key(key) } else { try separate() }
        buffer.append(open)
        isFirst = true
        try body(&self)
        buffer.append(close)
        isFirst = false
    }

    mutating func text(_ key: String, _ value: String) throws {
        try self.key(key)
        quote(value)
    }

    /// Writes the member only where there is something to say.
    mutating func textIfAny(_ key: String, _ value: String) throws {
        if !value.isEmpty { try text(key, value) }
    }

    mutating func literal(_ key: String, _ value: String) throws {
        try self.key(key)
        buffer += value.utf8
    }

    mutating func element(_ value: String) throws {
        try separate()
        quote(value)
    }

    private mutating func quote(_ text: String) {
        let digits = Array("0123456789abcdef".utf8)
        buffer.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C: buffer += [0x5C, byte]
            case 0x0A: buffer += [0x5C, 0x6E]
            case 0x00..<0x20, 0x7F:
                buffer += [0x5C, 0x75, 0x30, 0x30, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: buffer.append(byte)
            }
        }
        buffer.append(0x22)
    }
}
