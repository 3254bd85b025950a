// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CoreFoundation
import Documents
import Foundation

/// Finds and reads the files that a user names.
enum InputFile {
    /// A file is read whole; larger ones are refused before a byte is read.
    static let maxBytes = 768 << 20
    private static let maxFiles = 1_000_000
    private static let maxDepth = 64
    private static let suffixes: Set<String> = ["yaml", "yml", "json"]

    /// The files under `paths` in order: a file as named, a folder with all its .yaml, .yml and .json files, `-` as itself.
    static func all(in paths: [String], problem: (String) -> Void) -> [String] {
        var files: [String] = []
        var folders: Set<FolderID> = []
        for path in paths {
            if path == "-" {
                files.append(path)
                continue
            }
            var info = stat()
            guard stat(path, &info) == 0 else {
                problem("\(path): \(reason(errno))")
                continue
            }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(path, info, &folders, &files, 0, problem)
            } else {
                files.append(path)
            }
        }
        return files
    }

    private struct FolderID: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    private static func walk(
        _ folder: String, _ info: stat, _ folders: inout Set<FolderID>, _ files: inout [String], _ depth: Int,
        _ problem: (String) -> Void
    ) {
        // A folder is entered once, so links that lead back up end here.
        guard folders.insert(FolderID(device: UInt64(info.st_dev), inode: UInt64(info.st_ino))).inserted else { return }
        guard depth < maxDepth else { return problem("\(folder): folders are nested deeper than \(maxDepth)") }
        guard let directory = opendir(folder) else { return problem("\(folder): \(reason(errno))") }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", name != ".git" { names.append(name) }
        }
        closedir(directory)
        for name in names.sorted() {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            var info = stat()
            let isManifest =
                suffixes.contains((name.split(separator: ".").last ?? "").lowercased()) && name.contains(".")
            guard stat(path, &info) == 0 else {
                // A dangling link that is no manifest concerns nobody.
                if isManifest { problem("\(path): \(reason(errno))") }
                continue
            }
            if info.st_mode & S_IFMT == S_IFDIR {
                walk(path, info, &folders, &files, depth + 1, problem)
            } else if isManifest {
                guard files.count < maxFiles else { return problem("\(folder): more than \(maxFiles) files") }
                files.append(path)
            }
        }
    }

    /// The bytes of a file, or of standard input for `-`.
    static func read(_ path: String) throws(UserError) -> [UInt8] {
        let isInput = path == "-"
        // Without O_NONBLOCK a named pipe would hold the whole run.
        let file = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw UserError("\(path): \(reason(errno))") }
        defer { if !isInput { close(file) } }
        var info = stat()
        guard fstat(file, &info) == 0 else { throw UserError("\(path): \(reason(errno))") }
        let isRegular = info.st_mode & S_IFMT == S_IFREG
        guard isInput || isRegular else { throw UserError("\(path): not a regular file") }
        if isRegular, info.st_size > maxBytes { throw tooLarge(path) }
        var bytes: [UInt8] = []
        let expected = isRegular ? Int(info.st_size) : 0
        while true {
            let chunk = max(expected - bytes.count + 1, 65_536)
            var failure: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: chunk) { buffer, count in
                while true {
                    let got = Foundation.read(file, buffer.baseAddress, chunk)
                    if got < 0, errno == EINTR { continue }
                    if got < 0 { failure = errno }
                    count = max(got, 0)
                    return
                }
            }
            if failure != 0 { throw UserError("\(path): \(reason(failure))") }
            if part.isEmpty { return bytes }
            if bytes.isEmpty { bytes = part } else { bytes += part }
            if bytes.count > maxBytes { throw tooLarge(path) }
            if isRegular, bytes.count >= expected { return bytes }
        }
    }

    private static func tooLarge(_ path: String) -> UserError {
        UserError(
            "\(path): larger than the limit of \(maxBytes >> 20) MB; split it, or inspect the cluster with --live")
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
