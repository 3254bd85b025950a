// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Reads a text whose language only its content tells.
package enum DocumentReader {
    /// The documents of a JSON or YAML text in order, each or the error in its place. A text that starts with `{` or `[`
    /// is JSON when it parses as such; else it is YAML, whose flow style starts alike.
    package static func documents(
        in bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard
    ) -> [Result<Document, DocumentError>] {
        var results: [Result<Document, DocumentError>] = []
        read(bytes, source: source, limits: limits) { results.append($0) }
        return results
    }

    /// The documents of a JSON or YAML text in order, each or the error in its place.
    package static func documents(
        in bytes: [UInt8], source: String, limits: DocumentLimits = .standard
    ) -> [Result<Document, DocumentError>] {
        bytes.withUnsafeBytes { documents(in: $0, source: source, limits: limits) }
    }

    /// Hands over one document after the other, so that only one need be in memory.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard,
        _ body: (Result<Document, DocumentError>) -> Void
    ) {
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let text = UnsafeRawBufferPointer(rebasing: bytes[mark...])
        var failure: DocumentError?
        if looksLikeJSON(text) {
            do throws(DocumentError) {
                body(.success(try JSONReader.read(text, source: source, limits: limits)))
                return
            } catch {
                // YAML would only repeat these.
                if error.code != .syntax { return body(.failure(error)) }
                failure = error
            }
            if readStream(text, source, limits, body) { return }
        }
        var reader = YAMLReader(borrowing: text, source: source, limits: limits)
        guard let failure else {
            while let result = reader.next() { body(result) }
            return
        }
        guard let first = reader.next() else { return body(.failure(failure)) }
        if case .failure(let error) = first, (error.line, error.column) <= (failure.line, failure.column) {
            body(.failure(failure))
        } else {
            body(first)
        }
        while let result = reader.next() { body(result) }
    }

    /// JSON values one behind the other, as some tools write them. False, and nothing read, when it is not that.
    private static func readStream(
        _ text: UnsafeRawBufferPointer, _ source: String, _ limits: DocumentLimits,
        _ body: (Result<Document, DocumentError>) -> Void
    ) -> Bool {
        var window = ByteWindow(text)
        var isFirst = true
        var failures = 0
        while failures < maxFailures {
            do throws(DocumentError) {
                while let start = try window.next() {
                    guard let length = try window.value(limit: limits.maxBytes) else { break }
                    let value = UnsafeRawBufferPointer(rebasing: window.bytes[..<length])
                    let document = try JSONReader.read(
                        value, source: source, limits: limits, duplicateKeys: .error, line: window.line,
                        column: window.column, offset: window.offset)
                    window.drop(length)
                    if isFirst {
                        let next = try window.next()
                        guard start == 0x7B, next == 0x7B else { return false }
                    }
                    isFirst = false
                    body(.success(document))
                }
                return true
            } catch {
                if isFirst { return false }
                body(.failure(error))
                failures += 1
                // A broken line costs itself: on with the next one that begins an object.
                repeat {
                    let rest = window.bytes
                    window.drop(rest.firstIndex(of: 0x0A).map { $0 - rest.startIndex + 1 } ?? rest.count)
                } while window.bytes.first.map { $0 != 0x7B } ?? false
            }
        }
        return true
    }

    /// So many broken lines of one stream are told of.
    private static let maxFailures = 1000

    private static func looksLikeJSON(_ text: UnsafeRawBufferPointer) -> Bool {
        let first = text.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        return first == 0x7B || first == 0x5B
    }
}
