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
        }
        var reader = YAMLReader(text, source: source, limits: limits)
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

    private static func looksLikeJSON(_ text: UnsafeRawBufferPointer) -> Bool {
        let first = text.first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        return first == 0x7B || first == 0x5B
    }
}
