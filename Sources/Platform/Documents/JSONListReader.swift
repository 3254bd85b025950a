// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a Kubernetes list says about its items, as far as it has been read.
package struct ListHeader: Sendable, Equatable {
    /// `v1` of a `PodList`; its items may lack their own.
    package var apiVersion: String?
    /// `PodList`, `List`; nil as long as it has not been read. Some writers put it behind the items.
    package var kind: String?

    package init(apiVersion: String? = nil, kind: String? = nil) {
        self.apiVersion = apiVersion
        self.kind = kind
    }
}

extension JSONReader {
    /// Hands over the elements of the top-level `items` of a list one by one, each as its own `Document` or the error in
    /// its place, with what is known of the list by then. Limits count for each element.
    ///
    /// Returns what the list says of itself. Throws when the text is no JSON object with an array `items`.
    package static func readList(
        _ bytes: UnsafeRawBufferPointer, source: String, limits: DocumentLimits = .standard,
        duplicateKeys: DocumentLimits.DuplicateKeys = .error,
        _ body: (Result<Document, DocumentError>, ListHeader) -> Void
    ) throws(DocumentError) -> ListHeader {
        var list = JSONListReader(
            ByteWindow(bytes), source: source, limits: limits, duplicateKeys: duplicateKeys)
        return try list.read(body)
    }

    /// The same for a text that comes in pieces: `fill` puts bytes in a buffer and returns how many, 0 at the end. Memory
    /// holds the largest element's text and tree, whatever the text's size.
    package static func readList(
        source: String, limits: DocumentLimits = .standard,
        duplicateKeys: DocumentLimits.DuplicateKeys = .error,
        fill: @escaping (UnsafeMutableRawBufferPointer) throws(DocumentError) -> Int,
        _ body: (Result<Document, DocumentError>, ListHeader) -> Void
    ) throws(DocumentError) -> ListHeader {
        var list = JSONListReader(
            ByteWindow(fill: fill), source: source, limits: limits, duplicateKeys: duplicateKeys)
        return try list.read(body)
    }
}

/// Walks the members of the outermost object and takes `items` apart.
struct JSONListReader: ~Copyable {
    private var window: ByteWindow
    private let source: String
    private let limits: DocumentLimits
    private let duplicateKeys: DocumentLimits.DuplicateKeys
    private(set) var header = ListHeader()
    private var seen: Set<String> = []

    init(
        _ window: consuming ByteWindow, source: String, limits: DocumentLimits,
        duplicateKeys: DocumentLimits.DuplicateKeys
    ) {
        self.window = window
        self.source = source
        self.limits = limits
        self.duplicateKeys = duplicateKeys
    }

    mutating func read(
        _ body: (Result<Document, DocumentError>, ListHeader) -> Void
    ) throws(DocumentError) -> ListHeader {
        try expect(0x7B, "expected an object with items")
        var first = true
        while try window.next() != 0x7D {
            if !first { try expect(0x2C, "expected ',' or '}'") }
            first = false
            try member(body)
        }
        window.drop(1)
        if try window.next() != nil { throw error("expected nothing after the list") }
        guard seen.contains("items") else { throw error("this object has no items") }
        return header
    }

    private mutating func member(
        _ body: (Result<Document, DocumentError>, ListHeader) -> Void
    ) throws(DocumentError) {
        guard try window.next() == 0x22 else { throw error("expected a key in double quotes") }
        let place = error("")
        guard let key = try document("a key").root.string else { throw error("expected a key in double quotes") }
        if !seen.insert(key).inserted, duplicateKeys == .error || key == "items" {
            var duplicate = place
            duplicate.code = .duplicateKey
            duplicate.message = "key \"\(key.prefix(80))\" is already set in this object"
            throw duplicate
        }
        try expect(0x3A, "expected ':' after the key")
        switch key {
        case "items": try items(body)
        case "kind": header.kind = try document("the list's kind").root.string
        case "apiVersion": header.apiVersion = try document("the list's apiVersion").root.string
        default: _ = try document("a member of the list")
        }
    }

    private mutating func items(
        _ body: (Result<Document, DocumentError>, ListHeader) -> Void
    ) throws(DocumentError) {
        if try window.next() == 0x6E {
            guard try document("items").root.isNull else { throw error("items must be an array") }
            return
        }
        try expect(0x5B, "items must be an array")
        var first = true
        while try window.next() != 0x5D {
            if !first {
                try expect(0x2C, "expected ',' or ']'")
                if try window.next() == 0x5D { throw error("a comma must not stand after the last element") }
            }
            first = false
            let next = try window.next()
            guard let next, next != 0x2C else {
                throw error(next == nil ? "the text ends inside the list" : "expected a value")
            }
            let result: Result<Document, DocumentError>
            do throws(DocumentError) {
                result = .success(try document("an element"))
            } catch {
                if error.code == .unreadable { throw error }
                result = .failure(error)
            }
            body(result, header)
        }
        window.drop(1)
    }

    /// The value at the window's start, which then leaves the window.
    private mutating func document(_ what: String) throws(DocumentError) -> Document {
        guard try window.next() != nil else { throw error("the text ends inside the list") }
        var tooLarge = error("\(what) of more bytes than the limit of \(limits.maxBytes)")
        guard let length = try window.value(limit: limits.maxBytes) else {
            tooLarge.code = .tooLarge
            throw tooLarge
        }
        let text = UnsafeRawBufferPointer(rebasing: window.bytes[..<length])
        let (line, column, offset) = (window.line, window.column, window.offset)
        defer { window.drop(length) }
        return try JSONReader.read(
            text, source: source, limits: limits, duplicateKeys: duplicateKeys, line: line, column: column,
            offset: offset)
    }

    private mutating func expect(_ byte: UInt8, _ message: String) throws(DocumentError) {
        guard try window.next() == byte else { throw error(message) }
        window.drop(1)
    }

    private func error(_ message: String) -> DocumentError {
        DocumentError(
            code: .syntax, message: message, file: source, line: window.line, column: window.column,
            offset: window.offset)
    }
}
