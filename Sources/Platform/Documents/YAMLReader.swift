// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

/// Reads the documents of a YAML text one after the other.
///
/// Scalars mean what they mean to kubectl and the API server. An error spoils its own document alone: reading goes on at
/// the next line that starts with `---`. Empty documents are passed over.
package struct YAMLReader {
    /// So many broken documents are reported and passed over; behind one more, the rest of the text is not read.
    package static let maxErrors = 100

    private var state: State

    private enum State {
        case failed(DocumentError)
        case open(YAMLStream)
        case done
    }

    /// - Parameters:
    ///   - bytes: UTF-8 with or without a byte order mark, or UTF-16 with one.
    ///   - source: the file's name for errors and documents.
    package init(_ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard) {
        do throws(DocumentError) {
            state = .open(YAMLStream(try Self.text(bytes, source, limits), source: source, limits: limits))
        } catch {
            state = .failed(error)
        }
    }

    /// - Parameters:
    ///   - bytes: UTF-8 with or without a byte order mark, or UTF-16 with one.
    ///   - source: the file's name for errors and documents.
    package init(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) {
        self = bytes.withUnsafeBytes { YAMLReader($0, source: source, limits: limits) }
    }

    /// The next document or the error in its place; nil after the last one.
    package mutating func next() -> Result<Document, DocumentError>? {
        switch state {
        case .failed(let error):
            state = .done
            return .failure(error)
        case .open(let stream):
            if let result = stream.next() { return result }
            state = .done
            return nil
        case .done:
            return nil
        }
    }

    /// The text as UTF-8 without its byte order mark.
    private static func text(
        _ bytes: UnsafeRawBufferPointer, _ source: String, _ limits: DocumentLimits
    ) throws(DocumentError) -> [UInt8] {
        guard bytes.count <= limits.maxBytes else {
            throw DocumentError(
                code: .tooLarge, message: "\(bytes.count) bytes of YAML, more than the limit of \(limits.maxBytes)",
                file: source)
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return try utf16(bytes, source)
        }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : Array(bytes)
        try check(text, source)
        return text
    }

    private static func utf16(_ bytes: UnsafeRawBufferPointer, _ source: String) throws(DocumentError) -> [UInt8] {
        let big = bytes[0] == 0xFE
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        for index in stride(from: 2, to: bytes.count - 1, by: 2) {
            let first = UInt16(bytes[index])
            let second = UInt16(bytes[index + 1])
            units.append(big ? first << 8 | second : second << 8 | first)
        }
        guard bytes.count % 2 == 0, let text = String(validating: units, as: UTF16.self) else {
            throw DocumentError(code: .notUTF8, message: "the text is not well-formed UTF-16", file: source)
        }
        let result = Array(text.utf8)
        try check(result, source)
        return result
    }

    /// Refuses what is no text before the parser sees it.
    private static func check(_ text: [UInt8], _ source: String) throws(DocumentError) {
        func place(_ offset: Int, _ code: DocumentError.Code, _ message: String) -> DocumentError {
            let position = text.withUnsafeBytes { LineIndex.position(of: offset, in: $0) }
            return DocumentError(
                code: code, message: message, file: source, line: position.line, column: position.column,
                offset: offset)
        }
        let null = text.withUnsafeBytes { text in
            text.baseAddress.flatMap { start in
                memchr(start, 0, text.count).map { UnsafeRawPointer($0) - start }
            }
        }
        if let null { throw place(null, .binary, "a NUL byte: this is a binary file, not a text") }
        let bad = text.withUnsafeBufferPointer { bulwark_first_bad_utf8($0.baseAddress, $0.count) }
        if bad < text.count { throw place(bad, .notUTF8, "this byte is not well-formed UTF-8") }
    }
}
