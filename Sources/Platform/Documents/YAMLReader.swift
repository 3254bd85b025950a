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
    ///   - readsDirectly: false leaves every document to libyaml, which tells the same, and later.
    package init(
        _ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard, readsDirectly: Bool = true
    ) {
        self.init(bytes, copies: true, source: source, limits: limits, readsDirectly: readsDirectly)
    }

    /// - Parameters:
    ///   - bytes: UTF-8 with or without a byte order mark, or UTF-16 with one.
    ///   - source: the file's name for errors and documents.
    package init(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) {
        self = bytes.withUnsafeBytes { YAMLReader($0, source: source, limits: limits) }
    }

    /// Reads a text that the caller keeps in its place as long as this lives.
    init(borrowing bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits) {
        self.init(bytes, copies: false, source: source, limits: limits)
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, copies: Bool, source: String, limits: DocumentLimits,
        readsDirectly: Bool = true
    ) {
        func open(_ text: UnsafeBufferPointer<UInt8>, copies: Bool) -> State {
            guard copies else {
                return .open(
                    YAMLStream(
                        text, ownsText: false, source: source, limits: limits, readsDirectly: readsDirectly))
            }
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
            _ = copy.initialize(from: text)
            return .open(
                YAMLStream(
                    UnsafeBufferPointer(copy), ownsText: true, source: source, limits: limits,
                    readsDirectly: readsDirectly))
        }
        do throws(DocumentError) {
            guard bytes.count <= limits.maxBytes else {
                let message = "\(bytes.count) bytes of YAML, more than the limit of \(limits.maxBytes)"
                throw DocumentError(code: .tooLarge, message: message, file: source)
            }
            if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
                let text = try Self.utf16(bytes, source)
                try text.withUnsafeBufferPointer { (text) throws(DocumentError) in try Self.check(text, source) }
                state = text.withUnsafeBufferPointer { open($0, copies: true) }
            } else {
                let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
                let text = UnsafeRawBufferPointer(rebasing: bytes[mark...]).assumingMemoryBound(to: UInt8.self)
                try Self.check(text, source)
                state = open(text, copies: copies)
            }
        } catch {
            state = .failed(error)
        }
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
        return Array(text.utf8)
    }

    /// Refuses what is no text before the parser sees it.
    private static func check(_ text: UnsafeBufferPointer<UInt8>, _ source: String) throws(DocumentError) {
        func place(_ offset: Int, _ code: DocumentError.Code, _ message: String) -> DocumentError {
            let position = LineIndex.position(of: offset, in: UnsafeRawBufferPointer(text))
            return DocumentError(
                code: code, message: message, file: source, line: position.line, column: position.column,
                offset: offset)
        }
        guard let start = UnsafeRawPointer(text.baseAddress) else { return }
        if let null = memchr(start, 0, text.count).map({ UnsafeRawPointer($0) - start }) {
            throw place(null, .binary, "a NUL byte: this is a binary file, not a text")
        }
        let bad = bulwark_first_bad_utf8(text.baseAddress, text.count)
        if bad < text.count { throw place(bad, .notUTF8, "this byte is not well-formed UTF-8") }
    }
}
