// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Programs that carry the list of what they were linked from: Go's build information, Rust's cargo-auditable.
struct ExecutableReader: PackageReader {
    let name = "executable"
    let limit = 512 << 20

    func packages(in file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        guard file.bytes.count <= limit else {
            throw file.tooLarge("\(file.bytes.count) bytes; of a program at most \(limit) are read")
        }
        return try file.withText { (bytes) throws(InventoryError) in
            // Most programs are neither, and what is no program at all is not our matter here.
            guard let program = ProgramImage(bytes) else { return [] }
            var result = PartialResult()
            do throws(InventoryError) { result.packages += try GoBuildInfo.packages(program, file) } catch {
                result.add(error)
            }
            do throws(InventoryError) { result.packages += try CargoAuditable.packages(program, file) } catch {
                result.add(error)
            }
            return try result.get()
        }
    }
}
