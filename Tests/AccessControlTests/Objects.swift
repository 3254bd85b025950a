// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

/// The one document of a YAML text.
func yaml(_ text: String) throws -> Node {
    let documents = DocumentReader.documents(in: Array(text.utf8), source: "test")
    #expect(documents.count == 1)
    return try #require(documents.first).get().root
}
