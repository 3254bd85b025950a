// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension EditValue {
    /// Compact JSON.
    package var json: String {
        EditText(isJSON: true, newline: "\n", unit: 2, indentsSequences: false, isCompact: true)
            .flow(self, quotesKeys: true)
    }

    /// A YAML document in block style that ends with a newline; keys and texts are quoted where they must be.
    package var yaml: String {
        EditText(isJSON: false, newline: "\n", unit: 2, indentsSequences: false)
            .lines(self, column: 0, quotesKeys: false).joined(separator: "\n") + "\n"
    }
}
