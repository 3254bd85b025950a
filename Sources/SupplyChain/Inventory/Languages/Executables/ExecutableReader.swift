// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Programs that carry the list of what they were linked from: Go's build information, Rust's cargo-auditable.
struct ExecutableReader: PackageReader {
    let name = "executable"
    let limit = 512 << 20

    func packages(in file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        []
    }
}
