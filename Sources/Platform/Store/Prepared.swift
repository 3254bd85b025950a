// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB
import GRDBSQLite
import Glibc

/// A prepared statement bound and stepped column by column, for paths that run once a result: no argument arrays, no
/// rows. It lives in the connection's statement cache, so make one only inside a database access, and never use the
/// same SQL twice at once.
struct Prepared {
    private let statement: Statement
    private let handle: OpaquePointer
    private let database: Database

    init(_ database: Database, _ sql: String) throws {
        self.database = database
        statement = try database.cachedStatement(sql: sql)
        handle = statement.sqliteStatement
        sqlite3_reset(handle)
    }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(handle, index, value) } else { sqlite3_bind_null(handle, index) }
    }

    /// Binds a text. A zero byte, which would end the text for half of SQLite, becomes U+FFFD.
    func bind(_ index: Int32, _ value: some StringProtocol) {
        var text = String(value)
        let whole = text.withUTF8 { bytes in
            if let start = bytes.baseAddress, memchr(start, 0, bytes.count) != nil { return false }
            bind(index, UnsafeRawBufferPointer(bytes))
            return true
        }
        if !whole { bind(index, bytes: Array(Code.withoutZero(text).utf8)) }
    }

    func bind(_ index: Int32, bytes: [UInt8]) {
        bytes.withUnsafeBytes { bind(index, $0) }
    }

    private func bind(_ index: Int32, _ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else {
            sqlite3_bind_text(handle, index, "", 0, Self.copied)
            return
        }
        let text = start.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(handle, index, text, Int32(clamping: bytes.count), Self.copied)
    }

    /// SQLite's marker for "copy the text": the pointer -1.
    private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    /// Runs a statement that gives no rows, and makes it ready for the next values.
    func run() throws {
        defer { sqlite3_reset(handle) }
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code) }
    }

    /// Whether there is a(nother) row. After the last one, or after `reset`, it can be bound anew.
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        let error = code == SQLITE_DONE ? nil : failure(code)
        sqlite3_reset(handle)
        if let error { throw error }
        return false
    }

    func reset() { sqlite3_reset(handle) }

    /// How many values it takes.
    var parameters: Int { Int(sqlite3_bind_parameter_count(handle)) }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optional(_ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
    }

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    private func failure(_ code: Int32) -> DatabaseError {
        let message = sqlite3_db_handle(handle).flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }
}
