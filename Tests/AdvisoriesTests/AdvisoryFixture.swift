// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Foundation
import Testing

/// A folder of advisories made of records given as JSON.
final class AdvisoryFixture {
    let folder: String
    var database: String { folder + "/database" }

    init() throws {
        folder = NSTemporaryDirectory() + "advisories-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    @discardableResult func load(_ ecosystem: String, _ records: [String]) throws -> AdvisoryImporter.Outcome {
        let source = folder + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
        for (at, record) in records.enumerated() {
            try Data(record.utf8).write(to: URL(filePath: "\(source)/\(at).json"))
        }
        return try #require(AdvisoryImporter(database: database).load(source, ecosystems: [ecosystem]).first)
    }

    /// Of a package of one record with these ranges, as JSON, and versions.
    static func record(
        _ id: String, _ ecosystem: String, _ name: String, ranges: String = "[]", versions: [String] = [],
        more: String = "\"aliases\":[]"
    ) -> String {
        let list = versions.map { "\"\($0)\"" }.joined(separator: ",")
        return """
            {"id":"\(id)","modified":"2026-01-02T03:04:05Z",\(more),"affected":[{"package":{"ecosystem":"\(ecosystem)",\
            "name":"\(name)"},"ranges":\(ranges),"versions":[\(list)]}]}
            """
    }

    /// One range: `introduced 0, fixed 1.2`.
    static func range(_ type: String, _ events: String) -> String {
        let list = events.split(separator: ",").map { event in
            let words = event.split(separator: " ")
            return "{\"\(words[0])\":\"\(words[1])\"}"
        }
        return "{\"type\":\"\(type)\",\"events\":[\(list.joined(separator: ","))]}"
    }

    func matches(_ query: AdvisoryQuery) throws -> [AdvisoryMatch] {
        var matches: [AdvisoryMatch] = []
        try AdvisoryDatabase(path: database).matches(query, into: &matches)
        return matches
    }

    func matches(_ ecosystem: String, _ name: String, _ version: String) throws -> [AdvisoryMatch] {
        try matches(AdvisoryQuery(ecosystem: ecosystem, name: name, version: version))
    }
}
