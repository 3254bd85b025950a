// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why an archive could not be read, or not to its end.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The bytes are no archive, or break off.
        case malformed
        /// It holds more than `ArchiveLimits` allow.
        case tooLarge
        /// A file could not be opened or read.
        case unreadable
        /// It is encrypted, or packed in a way that this build does not know.
        case unsupported
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// What an archive may ask of us. Exceeding one is an error that names it.
package struct ArchiveLimits: Sendable {
    /// Files, folders and links.
    package var entries = 4_000_000
    /// Bytes after decompression, those that were skipped included.
    package var bytes: Int64 = 64 << 30
    /// Bytes of one path.
    package var path = 16_384

    package init(entries: Int = 4_000_000, bytes: Int64 = 64 << 30) {
        self.entries = entries
        self.bytes = bytes
    }
}
