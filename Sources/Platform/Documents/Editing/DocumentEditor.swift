// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Changes values in the text of a YAML or JSON file, and leaves everything else (comments, order, quotes, line ends)
/// as it is.
///
/// Every change is proved before it counts: the new text is read again, and has to hold the old tree with exactly this
/// change. What cannot be changed in place (a value behind an alias, a key written with `? `) throws code
/// `unsupported`, and the text stays.
package struct DocumentEditor: Sendable {
    /// The text as it is now.
    package private(set) var bytes: [UInt8]
    /// The name used in errors.
    package let source: String
    private let limits: DocumentLimits
    /// What the text reads as.
    private var documents: [Result<Document, DocumentError>]

    /// - Parameter bytes: UTF-8, with or without a byte order mark.
    package init(_ bytes: [UInt8], source: String, limits: DocumentLimits = .standard) {
        self.bytes = bytes
        self.source = source
        self.limits = limits
        documents = DocumentReader.documents(in: bytes, source: source, limits: limits)
    }

    /// The text as it is now.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Sets the value at a path. Objects missing on the way are made; an index may be one behind the last.
    ///
    /// - Parameters:
    ///   - path: from the root of the document; not empty.
    ///   - document: which of the results of `DocumentReader.documents`, from 0.
    package mutating func set(
        _ path: [PathComponent], to value: EditValue, document: Int = 0
    ) throws(DocumentError) {
        try apply(.set(value), path, document)
    }

    /// Removes the member or element at a path.
    package mutating func remove(_ path: [PathComponent], document: Int = 0) throws(DocumentError) {
        try apply(.remove, path, document)
    }

    /// Puts a value behind the last element of the array at a path. An array that is missing or null is made.
    package mutating func append(
        _ path: [PathComponent], _ value: EditValue, document: Int = 0
    ) throws(DocumentError) {
        try apply(.append(value), path, document)
    }

    // MARK: Proof

    private mutating func apply(_ edit: Edit, _ path: [PathComponent], _ number: Int) throws(DocumentError) {
        func refusal(_ message: String) -> DocumentError {
            let name = path.map(\.description).joined(separator: ".")
            return DocumentError(code: .unsupported, message: "\(name) \(message)", file: source)
        }
        if case .append = edit {} else if path.isEmpty { throw refusal("the root cannot be changed") }
        let before = documents
        guard before.indices.contains(number) else { throw refusal("there is no document \(number)") }
        let old = EditValue(try before[number].get().root)
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let body = Array(bytes[mark...])
        let new: [UInt8]
        let expected: EditValue
        do throws(EditProblem) {
            guard let changed = try edit.applied(to: old, path[...]) else { return }
            expected = changed
            guard let outline = outline(of: body, number) else { throw EditProblem("cannot be found in the text") }
            var patcher = Patcher(body, outline)
            try patcher.apply(edit, path)
            new = bytes[..<mark] + patcher.text
        } catch {
            throw refusal(error.message)
        }
        let after = DocumentReader.documents(in: new, source: source, limits: limits)
        guard after.count == before.count else { throw refusal("cannot be changed in place") }
        for index in after.indices {
            let same =
                switch (before[index], after[index]) {
                case (_, .success(let document)) where index == number: EditValue(document.root) == expected
                case (.success(let one), .success(let other)): one.hasSameContent(as: other)
                case (.failure, .failure): true
                default: false
                }
            guard same else { throw refusal("cannot be changed in place") }
        }
        bytes = new
        documents = after
    }

    private func outline(of text: [UInt8], _ number: Int) -> Outline? {
        if (try? JSONReader.read(text, source: source, limits: limits)) != nil { return Outline(json: text) }
        let builder = OutlineBuilder(text)
        return text.withUnsafeBufferPointer { text in
            let stream = YAMLStream(text, ownsText: false, source: source, limits: limits, outline: builder)
            for index in 0...number {
                guard let result = stream.next() else { return nil }
                if index == number, case .success = result { return builder.outline }
            }
            return nil
        }
    }
}
