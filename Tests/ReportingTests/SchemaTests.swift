// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Reporting

/// The documented schema against real output, by the part of JSON Schema that it uses.
@Suite struct SchemaTests {
    private let schema: [String: Any] = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/schemas/inspection-v1.schema.json")
        let data = (try? Data(contentsOf: file)) ?? Data()
        return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
    }()

    @Test func realOutputIsValid() throws {
        try #require(!schema.isEmpty)
        let report = try JSON.object(Samples.encode(.json))
        #expect(validate(report, schema, "") == [])
    }

    @Test func undocumentedAndWrongValuesAreSeen() throws {
        var report = try JSON.object(Samples.encode(.json))
        report["extra"] = 1
        var summary = try #require(report["summary"] as? [String: Any])
        summary["score"] = 101
        summary["objects"] = "many"
        report["summary"] = summary
        var results = try #require(report["results"] as? [[String: Any]])
        results[0]["fingerprint"] = "XYZ"
        results[1]["subject"] = nil
        results[2]["outcome"] = "perhaps"
        report["results"] = results
        let problems = Set(validate(report, schema, "").map { $0.prefix { $0 != ":" } })
        #expect(
            problems == [
                "/extra", "/summary/score", "/summary/objects", "/results/0/fingerprint", "/results/1/subject",
                "/results/2/outcome",
            ])
    }

    /// Problems as `/path: reason`. Stricter than JSON Schema in one thing: keys that the schema does not name are wrong.
    private func validate(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        var problems: [String] = []
        if let reference = schema["$ref"] as? String {
            guard let target = resolve(reference) else { return ["\(path): no \(reference)"] }
            problems += validate(value, target, path)
        }
        if let options = schema["anyOf"] as? [[String: Any]],
            !options.contains(where: { validate(value, $0, path).isEmpty })
        {
            problems.append("\(path): no alternative fits")
        }
        if let constant = schema["const"] as? String, value as? String != constant { problems.append("\(path): const") }
        if let choices = schema["enum"] as? [String], !choices.contains(value as? String ?? "\0") {
            problems.append("\(path): enum")
        }
        if let pattern = schema["pattern"] as? String, let regex = try? Regex(pattern),
            (value as? String)?.firstMatch(of: regex) == nil
        {
            problems.append("\(path): pattern")
        }
        if let type = schema["type"] as? String, !isOf(value, type) { problems.append("\(path): not \(type)") }
        if let number = value as? Int {
            if let minimum = schema["minimum"] as? Int, number < minimum { problems.append("\(path): minimum") }
            if let maximum = schema["maximum"] as? Int, number > maximum { problems.append("\(path): maximum") }
        }
        if let items = schema["items"] as? [String: Any], let array = value as? [Any] {
            for (index, item) in array.enumerated() { problems += validate(item, items, "\(path)/\(index)") }
        }
        if let object = value as? [String: Any], schema["type"] as? String == "object" {
            for key in schema["required"] as? [String] ?? [] where object[key] == nil {
                problems.append("\(path)/\(key): missing")
            }
            let properties = schema["properties"] as? [String: [String: Any]] ?? [:]
            for (key, member) in object {
                if let names = schema["propertyNames"] as? [String: Any] {
                    problems += validate(key, names, "\(path)/\(key)")
                }
                if let known = properties[key] ?? schema["additionalProperties"] as? [String: Any] {
                    problems += validate(member, known, "\(path)/\(key)")
                } else {
                    problems.append("\(path)/\(key): undocumented")
                }
            }
        }
        return problems
    }

    private func resolve(_ reference: String) -> [String: Any]? {
        guard reference.hasPrefix("#/") else { return nil }
        var node: Any? = schema
        for part in reference.dropFirst(2).split(separator: "/") { node = (node as? [String: Any])?[String(part)] }
        return node as? [String: Any]
    }

    private func isOf(_ value: Any, _ type: String) -> Bool {
        switch type {
        case "object": value is [String: Any]
        case "array": value is [Any]
        case "string": value is String
        case "null": value is NSNull
        case "boolean": value is Bool
        case "integer": value is Int
        default: false
        }
    }
}
