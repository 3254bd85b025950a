// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents

/// What chisel leaves in Ubuntu's chiselled images instead of dpkg's database: lines of JSON, packed by zstd
/// (documentation.ubuntu.com/chisel, "Chisel manifest").
enum ChiselManifest {
    private static let limit = 64 << 20

    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        let text = try unpacked(file)
        var out: [FoundPackage] = []
        for line in text.split(separator: 0x0A) {
            let entry: Node
            do throws(DocumentError) { entry = try JSONReader.read(Array(line), source: file.path).root } catch {
                throw file.malformed("a line is no JSON: \(error.message)")
            }
            guard entry["kind"]?.equals("package") == true else { continue }
            let (name, version) = (entry.text("name"), entry.text("version"))
            guard !name.isEmpty, !version.isEmpty else { throw file.malformed("a package has no name or no version") }
            var package = FoundPackage(.deb, name: name, version: version, path: file.path)
            package.architecture = entry.text("arch")
            out.append(package)
        }
        return out
    }

    private static func unpacked(_ file: InventoryFile) throws(InventoryError) -> [UInt8] {
        do throws(ArchiveError) {
            let source = try Decompressor(SequentialReader(MemoryRange(file.bytes)))
            var text: [UInt8] = []
            while true {
                let piece = try source.next()
                if piece.isEmpty { return text }
                text.append(contentsOf: piece)
                guard text.count <= limit else { throw ArchiveError(.tooLarge, "unpacks to more than \(limit) bytes") }
            }
        } catch { throw InventoryError(error, file) }
    }
}
