// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// What a user sets in the running product, as opposed to the configuration file.
package struct Settings: Sendable, Equatable {
    /// When full inspections run, as a cron line; empty means never by itself.
    package var schedule = "0 * * * *"
    /// The log stream that changes of findings are appended to.
    package var logStream = Settings.standardStream
    /// Write results back as `wgpolicyk8s.io/v1alpha2` PolicyReport objects.
    package var writePolicyReports = false
    /// Write results back as `openreports.io/v1alpha1` objects.
    package var writeOpenReports = false
    /// Write Kubernetes Events: inspection started, finished, high risk found.
    package var writeEvents = false

    package static let standardStream = "inspection"

    package init() {}
}

extension Store {
    /// What is set, with defaults for the rest.
    package func settings() async throws -> Settings {
        try await read { db in
            var settings = Settings()
            settings.schedule = try Self.value(db, "schedule") ?? settings.schedule
            settings.logStream = try Self.value(db, "log.stream") ?? settings.logStream
            settings.writePolicyReports = try Self.value(db, "write.policyreports") == "true"
            settings.writeOpenReports = try Self.value(db, "write.openreports") == "true"
            settings.writeEvents = try Self.value(db, "write.events") == "true"
            return settings
        }
    }

    /// Sets everything. The schedule's syntax is its reader's business; the stream's name is checked.
    package func update(_ settings: Settings) async throws {
        try LogStore.check(stream: settings.logStream)
        guard settings.schedule.utf8.count <= 200 else {
            throw StoreError(.invalid, "a schedule has at most 200 characters")
        }
        _ = try await connection.change { write in
            try Self.set(write.db, "schedule", settings.schedule)
            try Self.set(write.db, "log.stream", settings.logStream)
            try Self.set(write.db, "write.policyreports", String(settings.writePolicyReports))
            try Self.set(write.db, "write.openreports", String(settings.writeOpenReports))
            try Self.set(write.db, "write.events", String(settings.writeEvents))
            write.memo.stream = nil
            write.changed = true
        }
    }

    /// One setting of another module, nil when it was never set.
    package func setting(_ name: String) async throws -> String? { try await read { try Self.value($0, name) } }

    package func setSetting(_ name: String, _ value: String) async throws {
        _ = try await connection.change { try Self.set($0.db, name, value) }
    }

    static func value(_ db: Database, _ name: String) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
    }

    static func set(_ db: Database, _ name: String, _ value: String) throws {
        try db.execute(
            sql: "INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            arguments: [name, value])
    }
}
