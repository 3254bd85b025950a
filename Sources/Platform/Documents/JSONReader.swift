// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson

/// Reads strict JSON (RFC 8259): no trailing commas, no comments, nothing after the value, well-formed UTF-8, no lone
/// surrogates. Numbers keep their text whatever their size.
package enum JSONReader {
    /// Parses one JSON text.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard,
        duplicateKeys: DocumentLimits.DuplicateKeys = .error
    ) throws(DocumentError) -> Document {
        try read(bytes, source: source, limits: limits, duplicateKeys: duplicateKeys, line: 1, column: 1, offset: 0)
    }

    /// Parses one JSON text.
    package static func read(
        _ bytes: [UInt8], source: String, limits: DocumentLimits = .standard,
        duplicateKeys: DocumentLimits.DuplicateKeys = .error
    ) throws(DocumentError) -> Document {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(DocumentError) -> Document in
                try read(buffer, source: source, limits: limits, duplicateKeys: duplicateKeys)
            }
        }
        return try result.get()
    }

    /// Parses a text that begins at `line`, `column` and byte `offset` of a larger file.
    static func read(
        _ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits,
        duplicateKeys: DocumentLimits.DuplicateKeys, line: Int, column: Int, offset: Int
    ) throws(DocumentError) -> Document {
        guard bytes.count <= limits.maxBytes else {
            throw DocumentError(
                code: .tooLarge, message: "\(bytes.count) bytes of JSON, more than the limit of \(limits.maxBytes)",
                file: source, line: offset == 0 ? 0 : line, column: offset == 0 ? 0 : column)
        }
        var options = BulwarkJSONOptions(
            maxDepth: UInt32(limits.maxDepth), maxNodes: UInt32(limits.maxNodes),
            lastKeyWins: duplicateKeys == .last ? 1 : 0)
        var result = BulwarkJSONResult()
        let code = bulwark_json_parse(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &options, &result)
        guard Int(code) == BULWARK_JSON_OK, let entries = result.entries, let pool = result.pool else {
            throw error(Int(code), result, bytes, source, limits, line, column, offset)
        }
        return Document(
            source: source, entries: entries, count: result.count, pool: pool,
            positions: .offsets(length: bytes.count, line: line, column: column))
    }

    private static func error(
        _ code: Int, _ result: BulwarkJSONResult, _ bytes: UnsafeRawBufferPointer, _ source: String,
        _ limits: DocumentLimits, _ line: Int, _ column: Int, _ offset: Int
    ) -> DocumentError {
        let at = min(result.errorOffset, bytes.count)
        func place(_ at: Int) -> (line: Int, column: Int) {
            let place = LineIndex.position(of: at, in: bytes)
            return (place.line + line - 1, place.line == 1 ? place.column + column - 1 : place.column)
        }
        let (kind, message): (DocumentError.Code, String) =
            switch code {
            case BULWARK_JSON_EMPTY: (.syntax, "the text is empty")
            case BULWARK_JSON_NOT_UTF8: (.notUTF8, "this byte is not well-formed UTF-8")
            case BULWARK_JSON_CONTROL_IN_STRING: (.syntax, "a control character in a string must be escaped")
            case BULWARK_JSON_UNCLOSED_STRING: (.syntax, "this string has no closing quote")
            case BULWARK_JSON_UNCLOSED: (.syntax, "the text ends before every object and array is closed")
            case BULWARK_JSON_EXPECTED_VALUE: (.syntax, "expected a value, found \(found(at, bytes))")
            case BULWARK_JSON_EXPECTED_KEY: (.syntax, "expected a key in double quotes, found \(found(at, bytes))")
            case BULWARK_JSON_EXPECTED_COLON: (.syntax, "expected ':' after the key, found \(found(at, bytes))")
            case BULWARK_JSON_EXPECTED_COMMA_OR_BRACE: (.syntax, "expected ',' or '}', found \(found(at, bytes))")
            case BULWARK_JSON_EXPECTED_COMMA_OR_BRACKET: (.syntax, "expected ',' or ']', found \(found(at, bytes))")
            case BULWARK_JSON_TRAILING_COMMA: (.syntax, "a comma must not stand after the last element")
            case BULWARK_JSON_TRAILING_CONTENT: (.syntax, "expected nothing after the value, found \(found(at, bytes))")
            case BULWARK_JSON_BAD_NUMBER: (.syntax, "this is no valid number")
            case BULWARK_JSON_BAD_ESCAPE: (.syntax, "this escape in a string is not valid")
            case BULWARK_JSON_DUPLICATE_KEY:
                (
                    .duplicateKey,
                    "key \(key(at, bytes)) is already set in this object at line \(place(result.firstOffset).line)"
                )
            case BULWARK_JSON_TOO_DEEP: (.tooDeep, "nested deeper than the limit of \(limits.maxDepth)")
            case BULWARK_JSON_TOO_MANY_NODES: (.tooManyNodes, "more values than the limit of \(limits.maxNodes)")
            case BULWARK_JSON_TOO_LARGE: (.tooLarge, "the text is too large")
            default: (.tooLarge, "not enough memory to read the text")
            }
        let position = place(at)
        return DocumentError(
            code: kind, message: message, file: source, line: position.line, column: position.column,
            offset: offset + at)
    }

    /// What stands at an offset, for a message: one printable character or a number.
    private static func found(_ at: Int, _ bytes: UnsafeRawBufferPointer) -> String {
        guard at < bytes.count else { return "the end of the text" }
        let byte = bytes[at]
        return byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "byte \(byte)"
    }

    /// The key that stands at an offset, as written, cut to a readable length.
    private static func key(_ at: Int, _ bytes: UnsafeRawBufferPointer) -> String {
        var end = at + 1
        while end < bytes.count, end - at < 80, bytes[end] != 0x22 { end += bytes[end] == 0x5C ? 2 : 1 }
        return String(decoding: bytes[at..<min(end, bytes.count)], as: UTF8.self) + "\""
    }
}
