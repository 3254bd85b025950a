// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// What the system says of a file. The one place that asks: in modules that import NIO too, the compiler cannot tell whose
/// `stat` is meant, and decides differently from build to build.
package struct FileStatus: Sendable {
    private let status: stat

    /// Nil when it cannot be asked; `errno` says why.
    package init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.status = status
    }

    /// Follows links. Nil when there is no such file or it cannot be asked; `errno` says why.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.status = status
    }

    /// In bytes.
    package var size: Int { Int(status.st_size) }
    package var isFolder: Bool { status.st_mode & S_IFMT == S_IFDIR }
    package var isRegular: Bool { status.st_mode & S_IFMT == S_IFREG }
    /// The bits that `chmod` takes.
    package var permissions: UInt32 { status.st_mode & 0o7777 }
    package var owner: UInt32 { status.st_uid }
    package var group: UInt32 { status.st_gid }

    /// Equal for two names of the same file.
    package struct Identity: Sendable, Hashable {
        let device: UInt64
        let node: UInt64
    }

    package var identity: Identity { Identity(device: UInt64(status.st_dev), node: UInt64(status.st_ino)) }
}
