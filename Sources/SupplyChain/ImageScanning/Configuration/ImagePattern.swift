// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

/// A pattern of this module's own. The tests rule out that one does not compile.
struct ImagePattern: Sendable {
    let pattern: Pattern?

    init(_ text: String) { pattern = try? Pattern(text) }

    /// What matches first.
    func match(_ text: String) -> String? {
        var text = text
        return text.withUTF8 { match($0) }
    }

    func match(_ text: UnsafeBufferPointer<UInt8>) -> String? {
        guard let found = pattern?.firstMatch(in: text)?[0] else { return nil }
        return String(decoding: text[found], as: UTF8.self)
    }
}
