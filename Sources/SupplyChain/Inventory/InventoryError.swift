// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A package database or lock file that could not be read, or not to its end.
package struct InventoryError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case malformed, tooLarge, unsupported }

    package let code: Code
    package let message: String
    /// What could be read of the file in spite of it.
    package var found: [FoundPackage] = []

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Packages of one file whose parts fail apart from each other: what can be read is kept beside the first error.
struct PartialResult {
    var packages: [FoundPackage] = []
    private var failure: InventoryError?
    private var failures = 0

    mutating func add(_ error: InventoryError) {
        packages += error.found
        failures += 1
        if failure == nil { failure = error }
    }

    func get() throws(InventoryError) -> [FoundPackage] {
        guard let failure else { return packages }
        let more = failures > 1 ? " (and \(failures - 1) more errors)" : ""
        var error = InventoryError(failure.code, failure.message + more)
        error.found = packages
        throw error
    }
}
