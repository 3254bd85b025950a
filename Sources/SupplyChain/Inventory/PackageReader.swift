// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Turns the bytes of one kind of file into the packages that it says are there.
///
/// A reader decides by the file alone. It throws for what it cannot read, or not to its end, and never gives a part
/// as if it were all.
package protocol PackageReader: Sendable {
    /// For messages: `dpkg status`, `package-lock.json`.
    var name: String { get }
    /// So many bytes are read at most; a larger file is an error that names this limit.
    var limit: Int { get }
    /// The file says what a project asks for. Where it lies beside what was installed from it, both are found; alone in
    /// an image it proves nothing.
    var isLockFile: Bool { get }
    func packages(in file: InventoryFile) throws(InventoryError) -> [FoundPackage]
}

extension PackageReader {
    package var isLockFile: Bool { false }
}

/// A file of an image or folder with its contents.
package struct InventoryFile: Sendable {
    /// From the root of the file system, without a leading slash: `var/lib/dpkg/status`.
    package let path: String
    package let bytes: [UInt8]
    /// Permissions.
    package let mode: UInt32

    package init(path: String, bytes: [UInt8], mode: UInt32 = 0o644) {
        self.path = path
        self.bytes = bytes
        self.mode = mode
    }

    /// The last component of `path`.
    var fileName: Substring {
        path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    }

    func malformed(_ message: String) -> InventoryError { InventoryError(.malformed, "\(path): \(message)") }
    func tooLarge(_ message: String) -> InventoryError { InventoryError(.tooLarge, "\(path): \(message)") }
    func unsupported(_ message: String) -> InventoryError { InventoryError(.unsupported, "\(path): \(message)") }
}

/// A reader made of a name, a limit and a function.
struct FileReader: PackageReader {
    typealias Function = @Sendable (InventoryFile) throws(InventoryError) -> [FoundPackage]
    let name: String
    let limit: Int
    let isLockFile: Bool
    private let read: Function

    init(_ name: String, limit: Int = 64 << 20, isLockFile: Bool = false, _ read: @escaping Function) {
        self.name = name
        self.limit = limit
        self.isLockFile = isLockFile
        self.read = read
    }

    func packages(in file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        guard file.bytes.count <= limit else {
            throw file.tooLarge("\(file.bytes.count) bytes; as \(name) at most \(limit) are read")
        }
        return try read(file)
    }
}
