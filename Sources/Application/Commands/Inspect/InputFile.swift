// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// Finds and reads the files that a user names.
enum InputFile {
    private static let maxFiles = 1_000_000
    private static let maxDepth = 64
    static let manifests: Set<String> = ["yaml", "yml", "json"]

    /// The files under `paths` in order: a file as named, a folder with all its files of these suffixes, `-` as itself.
    static func all(
        in paths: [String], suffixes: Set<String> = manifests, problem: (String) -> Void
    ) -> [String] {
        var files: [String] = []
        var folders: Set<FileStatus.Identity> = []
        let suffixes = suffixes.map { Array($0.utf8) }
        for path in paths {
            if path == "-" {
                files.append(path)
                continue
            }
            guard let status = FileStatus(path: path) else {
                problem("\(path): \(reason(errno))")
                continue
            }
            if status.isFolder {
                walk(path, (AT_FDCWD, path), suffixes, &folders, &files, 0, problem)
            } else {
                files.append(path)
            }
        }
        return files
    }

    /// `place` is where the folder is opened: a name in an open folder, so that the system need not look up the whole path.
    private static func walk(
        _ folder: String, _ place: (parent: Int32, name: String), _ suffixes: [[UInt8]],
        _ folders: inout Set<FileStatus.Identity>, _ files: inout [String], _ depth: Int,
        _ problem: (String) -> Void
    ) {
        guard depth < maxDepth else { return problem("\(folder): folders are nested deeper than \(maxDepth)") }
        let opened = openat(place.parent, place.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { return problem("\(folder): \(reason(errno))") }
        guard let status = FileStatus(descriptor: opened), let directory = fdopendir(opened) else {
            problem("\(folder): \(reason(errno))")
            close(opened)
            return
        }
        defer { closedir(directory) }
        // A folder is entered once, so links that lead back up end here.
        guard folders.insert(status.identity).inserted else { return }
        var names: [(name: String, type: UInt8)] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", name != ".git" { names.append((name, entry.pointee.d_type)) }
        }
        names.sort { $0.name < $1.name }
        let prefix = folder.utf8.last == UInt8(ascii: "/") ? folder : folder + "/"
        for (name, type) in names {
            let path = prefix + name
            let isManifest = isNamed(name, suffixes)
            // What the folder itself says of plain files and folders saves asking for each.
            var isFolder = type == UInt8(DT_DIR)
            if !isFolder, type != UInt8(DT_REG) {
                guard let status = FileStatus(path: path) else {
                    // A dangling link that is no manifest concerns nobody.
                    if isManifest { problem("\(path): \(reason(errno))") }
                    continue
                }
                isFolder = status.isFolder
            }
            if isFolder {
                walk(path, (opened, name), suffixes, &folders, &files, depth + 1, problem)
            } else if isManifest {
                guard files.count < maxFiles else { return problem("\(folder): more than \(maxFiles) files") }
                files.append(path)
            }
        }
    }

    /// Whether one of the suffixes stands behind the last dot of a name, in letters of either size. Dots at its end do not count.
    private static func isNamed(_ name: String, _ suffixes: [[UInt8]]) -> Bool {
        var name = name
        return name.withUTF8 { bytes in
            let dot = UInt8(ascii: ".")
            var end = bytes.count
            while end > 0, bytes[end - 1] == dot { end -= 1 }
            guard let last = bytes[..<end].lastIndex(of: dot) else { return false }
            return suffixes.contains { suffix in
                suffix.count == end - last - 1
                    && suffix.indices.allSatisfy { index in
                        let byte = bytes[last + 1 + index]
                        return suffix[index] == (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte)
                    }
            }
        }
    }

    /// Opens a file for reading; `body` gets the descriptor. Only regular files are read: a pipe would hold up the run.
    static func open<Value>(_ path: String, _ body: (Int32) throws -> Value) throws -> Value {
        try openSized(path) { descriptor, _ in try body(descriptor) }
    }

    /// The same; `body` gets the file's size too.
    static func openSized<Value>(_ path: String, _ body: (Int32, Int) throws -> Value) throws -> Value {
        // Without O_NONBLOCK opening a named pipe would wait for its other end.
        let file = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw UserError("\(path): \(reason(errno))") }
        defer { close(file) }
        guard let status = FileStatus(descriptor: file) else { throw UserError("\(path): \(reason(errno))") }
        guard status.isRegular else { throw UserError("\(path): not a regular file") }
        return try body(file, status.size)
    }

    /// Everything of a small file, e.g. of settings.
    static func text(_ path: String, limit: Int = 1 << 20) throws -> [UInt8] {
        try open(path) { try all(of: $0, path, limit: limit) }
    }

    /// Everything of an open file from its beginning.
    static func all(of file: Int32, _ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
        lseek(file, 0, SEEK_SET)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Foundation.read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw UserError("\(path): \(reason(errno))") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= limit else { throw UserError("\(path): larger than \(limit >> 10) KB") }
        }
    }

    /// Puts a new text in the place of a file: written beside it first, so that a crash leaves the old or the new one whole.
    static func replace(_ path: String, with bytes: [UInt8]) throws {
        guard let real = realpath(path, nil) else { throw UserError("\(path): \(reason(errno))") }
        defer { free(real) }
        let target = String(cString: real)
        guard let status = FileStatus(path: target) else { throw UserError("\(path): \(reason(errno))") }
        var template = Array("\(target).XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw UserError("\(path): \(reason(errno))") }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.write(file, $0.baseAddress.map { $0 + done }, bytes.count - done)
            }
            if count <= 0 { break }
            done += count
        }
        _ = fchown(file, status.owner, status.group)
        let isWhole = done == bytes.count && fchmod(file, status.permissions) == 0 && fsync(file) == 0
        let code = errno
        close(file)
        guard isWhole, rename(template, target) == 0 else {
            unlink(template)
            throw UserError("\(path): cannot be written: \(reason(isWhole ? errno : code))")
        }
    }

    /// Copies standard input to a file without a name, so that it can be read twice; returns its descriptor.
    static func spoolStandardInput() throws -> Int32 {
        var template = Array("\(NSTemporaryDirectory())/bulwark-input-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        guard file >= 0 else { throw UserError("-: no room for standard input: \(reason(errno))", .unfinished) }
        unlink(&template)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = Foundation.read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw UserError("-: \(reason(errno))") }
            if count == 0 { return file }
            var done = 0
            while done < count {
                let written = buffer.withUnsafeBytes {
                    Foundation.write(file, $0.baseAddress.map { $0 + done }, count - done)
                }
                guard written > 0 else {
                    throw UserError("-: no room for standard input: \(reason(errno))", .unfinished)
                }
                done += written
            }
        }
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "no such file or folder"
        case EACCES: "permission denied"
        case ELOOP: "too many links"
        case EISDIR: "is a folder"
        default: String(cString: strerror(code))
        }
    }
}
