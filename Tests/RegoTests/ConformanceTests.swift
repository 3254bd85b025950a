// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Rego
import Testing

/// OPA's cases. `scripts/conformance rego` runs the same from any folder, with a list of what is left out.
@Suite struct ConformanceTests {
    private static let data = (ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? "../shared/data") + "/policy"
    /// Functions that are off, and so the cases that call them. GraphQL's trees have a member more than in the old suite.
    private static func absent(_ version: RegoVersion) -> [String] {
        ["http.send", "net.lookup_ip_addr"] + (version == .v0 ? ["graphql."] : [])
    }

    @Test(
        .enabled(if: FileManager.default.fileExists(atPath: data), "no conformance data; set BULWARK_DATA"),
        arguments: [(RegoVersion.v1, 1450), (.v0, 1080)])
    func opa(version: RegoVersion, least: Int) throws {
        let folder = "\(Self.data)/opa-rego-\(version.rawValue)"
        var passed = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() where name.hasSuffix(".json") {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)")))
            for example in try JSONReader.read(bytes, source: name).root["cases"]?.elements.map({ $0 }) ?? [] {
                let modules = example["modules"]?.elements.compactMap(\.string) ?? []
                let query = example["query"]?.string ?? ""
                if Self.absent(version).contains(where: { word in (modules + [query]).contains { $0.contains(word) } })
                {
                    continue
                }
                if let problem = Self.problem(example, modules, query, version) {
                    Issue.record("\(name): \(example["note"]?.string ?? ""): \(problem)")
                } else {
                    passed += 1
                }
            }
        }
        #expect(passed >= least)
    }

    /// Nil when the case comes out as it should.
    private static func problem(_ example: Node, _ modules: [String], _ query: String, _ version: RegoVersion)
        -> String?
    {
        let wanted = example["want_error_code"]?.string
        let isError = wanted != nil || example["want_error"] != nil
        do {
            let sources = modules.enumerated().map { ModuleSource(name: "m\($0.offset).rego", text: $0.element) }
            let policy = try RegoPolicy(sources, version: version)
            var input = example["input"].map { Value.node($0) }
            if let term = example["input_term"]?.string {
                input = try policy.prepare("x = \(term)", version: version)
                    .results(input: nil, context: BuiltinContext(now: 0)).first?.bindings.first?.value
            }
            let results = try policy.prepare(query, version: version).results(
                input: input, data: example["data"].map { $0.isNull ? .emptyObject : .node($0) } ?? .emptyObject,
                context: .current(), strict: example["strict_error"]?.bool ?? false)
            if isError { return "expected \(wanted ?? "an error"), got \(results.count) results" }
            let got = results.map { result in
                Value.object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) }))
            }
            let expected = example["want_result"].map { Value.node($0).elements ?? [] } ?? []
            let sorts = example["sort_bindings"]?.bool ?? false
            func plain(_ values: [Value], _ sorts: Bool) -> SetValue { SetValue(values.map { Self.plain($0, sorts) }) }
            if equal(.set(plain(got, false)), .set(plain(expected, false))) { return nil }
            if sorts, equal(.set(plain(got, true)), .set(plain(expected, true))) { return nil }
            return "expected \(Value.array(expected).json), got \(Value.array(got).json)"
        } catch let error as RegoError {
            return isError && (wanted.map { $0 == error.code.rawValue } ?? true) ? nil : "\(error)"
        } catch let errors as RegoErrors {
            let codes = errors.errors.map(\.code.rawValue)
            return isError && (wanted.map { codes.contains($0) } ?? true) ? nil : "\(errors)"
        } catch {
            return "\(error)"
        }
    }

    /// Sets as arrays and keys as text, as JSON shows them; `sorts` puts all arrays in one order.
    private static func plain(_ value: Value, _ sorts: Bool) -> Value {
        if let elements = value.elements ?? value.setMembers?.members {
            let parts = elements.map { plain($0, sorts) }
            return .array(sorts ? parts.sorted { compare($0, $1) < 0 } : parts)
        }
        guard let object = value.members else { return value }
        return .object(
            ObjectValue(zip(object.keys, object.values).map { (.string($0.text ?? $0.json), plain($1, sorts)) }))
    }
}
