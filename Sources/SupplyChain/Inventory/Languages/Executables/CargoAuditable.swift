// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CZlib
import Documents

/// The list of crates that cargo-auditable and newer distributions put into Rust's programs: JSON, packed by zlib, in a
/// section of its own (cargo-auditable's PARSING.md).
enum CargoAuditable {
    private static let limit = 16 << 20

    static func packages(_ program: ProgramImage, _ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        guard let section = program.sections.first(where: { $0.name == ".dep-v0" || $0.name == ".rust-deps-v0" }) else {
            return []
        }
        let text = try inflated(program.text(of: section), file)
        let root: Node
        do throws(DocumentError) { root = try JSONReader.read(text, source: file.path).root } catch {
            throw file.malformed("the list of crates is no JSON: \(error.message)")
        }
        var out: [FoundPackage] = []
        for entry in root["packages"]?.elements ?? root.elements {
            let (name, version) = (entry.text("name"), entry.text("version"))
            guard !name.isEmpty, !version.isEmpty else { throw file.malformed("a crate has no name or no version") }
            var package = FoundPackage(.cargo, name: name, version: version, path: file.path)
            package.isDevelopment = entry["kind"]?.equals("build") == true
            out.append(package)
        }
        return out
    }

    private static func inflated(
        _ packed: UnsafeBufferPointer<UInt8>, _ file: InventoryFile
    ) throws(InventoryError) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit_(&stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw file.malformed("zlib cannot be opened")
        }
        defer { inflateEnd(&stream) }
        // zlib only reads what it is given here.
        stream.next_in = UnsafeMutablePointer(mutating: packed.baseAddress)
        stream.avail_in = uInt(clamping: packed.count)
        var out: [UInt8] = []
        while true {
            var status = Z_OK
            let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(buffer.count)
                status = inflate(&stream, Z_NO_FLUSH)
                filled = buffer.count - Int(stream.avail_out)
            }
            out += piece
            guard out.count <= limit else {
                throw file.tooLarge("the list of crates unpacks to more than \(limit) bytes")
            }
            if status == Z_STREAM_END { return out }
            guard status == Z_OK, !piece.isEmpty else { throw file.malformed("the list of crates cannot be unpacked") }
        }
    }
}
