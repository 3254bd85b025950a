// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSQLite

/// rpm's database in SQLite (since Fedora 33, RHEL 9): a table `Packages` of headers.
enum RpmSQLite {
    static func headers(
        _ file: InventoryFile, _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(InventoryError) {
        guard file.bytes.count >= 512 else { throw file.malformed("the database breaks off in its header") }
        var bytes = file.bytes
        // rpm's databases want a write-ahead log beside them, which memory has not. What an image ships has none:
        // these two bytes say whether one is looked for.
        if bytes[18] == 2 { bytes[18] = 1 }
        if bytes[19] == 2 { bytes[19] = 1 }
        let result = bytes.withUnsafeMutableBufferPointer { buffer in
            Result { () throws(InventoryError) in try read(buffer, file, body) }
        }
        try result.get()
    }

    private static func read(
        _ bytes: UnsafeMutableBufferPointer<UInt8>, _ file: InventoryFile,
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(InventoryError) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE
        let status = sqlite3_open_v2(":memory:", &handle, flags, nil)
        defer { sqlite3_close_v2(handle) }
        guard status == SQLITE_OK, let handle else { throw file.malformed("SQLite cannot be opened") }
        let size = sqlite3_int64(bytes.count)
        guard
            sqlite3_deserialize(
                handle, "main", bytes.baseAddress, size, size, UInt32(SQLITE_DESERIALIZE_READONLY)) == SQLITE_OK
        else { throw failure(handle, file) }
        sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 256 << 20)
        sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, 100_000)
        sqlite3_limit(handle, SQLITE_LIMIT_VDBE_OP, 10_000)
        sqlite3_limit(handle, SQLITE_LIMIT_TRIGGER_DEPTH, 0)
        sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0)
        // A database may be made so that a query never ends. A real one needs a few steps a package, and a package
        // some hundred bytes; a step looks at one page or row.
        let budget = Budget(left: 1000 + bytes.count / 1000)
        let context = Unmanaged.passUnretained(budget).toOpaque()
        sqlite3_progress_handler(handle, 1000, { Budget.isSpent($0) }, context)
        defer { withExtendedLifetime(budget) { sqlite3_progress_handler(handle, 0, nil, nil) } }
        // Nothing in the file may call functions, and pages are checked before they are used.
        for pragma in ["PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA mmap_size=0"] {
            guard sqlite3_exec(handle, pragma, nil, nil, nil) == SQLITE_OK else { throw failure(handle, file) }
        }
        guard try isPlainTable(handle, file) else {
            throw file.malformed("the database has no table named Packages")
        }
        // Rows could share their pages, and have us read the same bytes without end.
        try rows(handle, file, "SELECT blob FROM main.Packages NOT INDEXED ORDER BY rowid", most: 2 * bytes.count, body)
    }

    /// A view or a virtual table of that name would run what its maker wants.
    private static func isPlainTable(_ handle: OpaquePointer, _ file: InventoryFile) throws(InventoryError) -> Bool {
        var isThere = false
        try rows(
            handle, file,
            "SELECT 'x' FROM sqlite_schema WHERE type = 'table' AND lower(name) = 'packages' AND rootpage > 0"
        ) { _ in isThere = true }
        return isThere
    }

    private static func rows(
        _ handle: OpaquePointer, _ file: InventoryFile, _ query: String, most: Int = 1 << 20,
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(InventoryError) {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, query, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw failure(handle, file)
        }
        defer { sqlite3_finalize(statement) }
        var total = 0
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW:
                let start = sqlite3_column_blob(statement, 0)
                let count = Int(sqlite3_column_bytes(statement, 0))
                total += count
                guard total <= most else { throw file.malformed("rows of the database share their bytes") }
                body(UnsafeRawBufferPointer(start: start, count: count).bindMemory(to: UInt8.self))
            case SQLITE_DONE: return
            default: throw failure(handle, file)
            }
        }
    }

    private static func failure(_ handle: OpaquePointer, _ file: InventoryFile) -> InventoryError {
        if sqlite3_errcode(handle) == SQLITE_INTERRUPT { return file.tooLarge("reading the database takes no end") }
        return file.malformed("SQLite says: \(String(cString: sqlite3_errmsg(handle)))")
    }
}

/// How often SQLite may still ask whether to go on.
private final class Budget {
    private var left: Int

    init(left: Int) { self.left = left }

    static func isSpent(_ context: UnsafeMutableRawPointer?) -> Int32 {
        guard let context else { return 1 }
        let budget = Unmanaged<Budget>.fromOpaque(context).takeUnretainedValue()
        budget.left -= 1
        return budget.left < 0 ? 1 : 0
    }
}
