// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// Why the store could not answer.
package struct StoreError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another process holds the file.
        case locked
        /// The file is not a database, or it belongs to another program.
        case notAStore
        /// The database is damaged.
        case corrupt
        /// A newer Bulwark wrote the file.
        case newerSchema
        /// The file or its folder cannot be read, made or written.
        case unreadable
        /// The disk is full.
        case full
        /// A report of the cluster is running already.
        case busy
        /// The report is not running (it was finished, failed, interrupted, or never began).
        case notRunning
        /// The report is not complete, so that it cannot be shown or compared as a whole.
        case incomplete
        case notFound
        /// The caller's value is not acceptable; the message says which and why.
        case invalid
        case closed
        case failed
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }

    /// What SQLite said, in the store's words. A cancelled task keeps its `CancellationError`.
    static func wrap(_ error: any Error, path: String) -> any Error {
        if error is StoreError || error is CancellationError { return error }
        guard let database = error as? DatabaseError else {
            return StoreError(.failed, "\(path): \(error)", cause: error)
        }
        let detail = database.message ?? "SQLite error \(database.resultCode.rawValue)"
        switch database.resultCode {
        case .SQLITE_INTERRUPT where Task.isCancelled, .SQLITE_ABORT where Task.isCancelled:
            return CancellationError()
        case .SQLITE_NOTADB:
            return StoreError(.notAStore, "\(path) is not a Bulwark store: \(detail)", cause: error)
        case .SQLITE_CORRUPT:
            return StoreError(
                .corrupt, "\(path) is damaged (\(detail)): move it away or restore a copy", cause: error)
        case .SQLITE_FULL:
            return StoreError(.full, "\(path): the disk is full", cause: error)
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR:
            return StoreError(.unreadable, "\(path) cannot be opened or written: \(detail)", cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return StoreError(.locked, "\(path) is in use by another program: \(detail)", cause: error)
        case .SQLITE_MISUSE:
            return StoreError(.closed, "\(path): \(detail)", cause: error)
        default:
            return StoreError(.failed, "\(path): \(detail)", cause: error)
        }
    }
}
