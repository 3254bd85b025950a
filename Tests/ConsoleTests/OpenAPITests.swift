// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

/// The document says what is there, and nothing else.
struct OpenAPITests {
    /// How each operation is asked so that it succeeds, in this order.
    private struct Sample {
        var operation: String
        var path: String
        var body: String?
    }

    private static func samples(fingerprint: String, workload: String) -> [Sample] {
        let exemption = #"{"owner":"Ada","reason":"r","expiry":"2027-01-01","checks":["privileged"]}"#
        let binding =
            #"{"name":"b","policy":"restricted","subjects":["serviceaccount:shop/cart"],"namespaces":["shop"]}"#
        return [
            Sample(operation: "getAdmission", path: "/admission"),
            Sample(operation: "switchAdmission", path: "/admission", body: #"{"enabled":true}"#),
            Sample(operation: "switchNamespace", path: "/admission/namespaces/shop", body: #"{"enabled":false}"#),
            Sample(operation: "listPolicies", path: "/policies"),
            Sample(operation: "getPolicy", path: "/policies/restricted"),
            Sample(operation: "switchPolicy", path: "/policies/restricted", body: #"{"enabled":false}"#),
            Sample(operation: "previewBinding", path: "/bindings/preview?policy=restricted&subject=shop/cart"),
            Sample(operation: "bindPolicy", path: "/bindings", body: binding),
            Sample(operation: "listBindings", path: "/bindings"),
            Sample(operation: "listConstraints", path: "/constraints"),
            Sample(operation: "getConstraint", path: "/constraints/K8sAllowedRepos/shop-repos"),
            Sample(operation: "listConstraintTemplates", path: "/constrainttemplates"),
            Sample(operation: "getConstraintAudit", path: "/constraintaudit"),
            Sample(operation: "unbindPolicy", path: "/bindings/b"),
            Sample(operation: "listImages", path: "/images?past=true"),
            Sample(operation: "getImageScans", path: "/images/queue"),
            Sample(operation: "getImageTrend", path: "/images/trend"),
            Sample(operation: "getImage", path: "/images/\(SampleImages.payments)"),
            Sample(operation: "listImageVulnerabilities", path: "/images/\(SampleImages.payments)/vulnerabilities"),
            Sample(operation: "listImagePackages", path: "/images/\(SampleImages.cart)/packages?limit=200"),
            Sample(operation: "getImageBill", path: "/images/\(SampleImages.cart)/bill?format=spdx"),
            Sample(operation: "scanImage", path: "/images/\(SampleImages.cart)/scan"),
            Sample(operation: "listVulnerabilities", path: "/vulnerabilities?limit=200"),
            Sample(operation: "getVulnerability", path: "/vulnerabilities/CVE-2021-44228"),
            Sample(operation: "listDecisions", path: "/decisions?limit=5"),
            Sample(operation: "getDecisionRates", path: "/decisions/rates?since=24h"),
            Sample(operation: "getSummary", path: "/summary"),
            Sample(operation: "listFindings", path: "/findings?state=all&limit=200"),
            Sample(operation: "getFinding", path: "/findings/\(fingerprint)"),
            Sample(operation: "changeFinding", path: "/findings/\(fingerprint)", body: #"{"status":"inProgress"}"#),
            Sample(operation: "listWorkloads", path: "/workloads"),
            Sample(operation: "getWorkload", path: "/workload?\(workload)"),
            Sample(operation: "listChecks", path: "/checks"),
            Sample(operation: "getCheck", path: "/checks/privileged"),
            Sample(operation: "listReports", path: "/reports"),
            Sample(operation: "compareReports", path: "/reports/compare?before=1&after=4"),
            Sample(operation: "getReport", path: "/reports/1"),
            Sample(operation: "listReportProblems", path: "/reports/1/problems"),
            Sample(operation: "addExemption", path: "/exemptions", body: exemption),
            Sample(operation: "listExemptions", path: "/exemptions"),
            Sample(operation: "getExemption", path: "/exemptions/EX-1"),
            Sample(operation: "changeExemption", path: "/exemptions/EX-1", body: exemption),
            Sample(operation: "removeExemption", path: "/exemptions/EX-1"),
            Sample(operation: "getInspection", path: "/inspections"),
            Sample(operation: "startInspection", path: "/inspections"),
            Sample(operation: "getSchedule", path: "/schedule"),
            Sample(operation: "setSchedule", path: "/schedule", body: #"{"schedule":"1 2 * * *"}"#),
            Sample(
                operation: "addAccount", path: "/accounts",
                body: #"{"name":"bob","role":"viewer","password":"bob's password"}"#),
            Sample(operation: "listAccounts", path: "/accounts"),
            Sample(operation: "changeAccount", path: "/accounts/2", body: #"{"role":"administrator"}"#),
            Sample(operation: "removeAccount", path: "/accounts/2"),
            Sample(operation: "makeToken", path: "/tokens", body: #"{"name":"x","role":"viewer","days":2}"#),
            Sample(operation: "listTokens", path: "/tokens"),
            Sample(operation: "revokeToken", path: "/tokens/2"),
            Sample(operation: "getDocument", path: "/openapi.json"),
        ]
    }

    @Test func everyPathAnswersAsDocumented() async throws {
        let console = try await ConsoleFixture(
            policies: SamplePolicies(), constraints: SampleConstraints(), images: SampleImages())
        try await console.fill()
        try await console.fillDecisions()
        try await console.api { client in
            let document = try await client.get("/openapi.json")
            #expect(document["openapi"]?.string == "3.1.0")
            #expect(document["info"]?["version"]?.string == "1.2.3")
            let first = try #require(try await console.store.ledger.findings(limit: 1).findings.first)
            let samples = Self.samples(fingerprint: "\(first.fingerprint)", workload: first.subject.query)
            var documented: [String: (method: String, path: String, operation: Node)] = [:]
            for path in try #require(document["paths"]).members {
                for method in path.value.members {
                    let id = try #require(method.value["operationId"]?.string)
                    #expect(documented[id] == nil, "\(id) is there twice")
                    documented[id] = (method.key.string.uppercased(), path.key.string, method.value)
                }
            }
            #expect(Set(documented.keys) == Set(samples.map(\.operation)))
            let schemas = try #require(document["components"]?["schemas"])
            for sample in samples {
                let (method, path, operation) = try #require(documented[sample.operation])
                let asked = String(("/api/v1" + sample.path).prefix { $0 != "?" })
                let request = try #require(HTTPRequest.Method(rawValue: method))
                let route = try #require(RouteTable.api.first { $0.path == path && $0.method == request })
                #expect(route.matches(path: asked), "\(sample.operation)")
                let answer = try await client.ask(request, sample.path, sample.body)
                let success = try #require(operation["responses"]?.members.first { $0.key.string != "default" })
                #expect(String(answer.status.code) == success.key.string, "\(sample.operation): \(answer.text)")
                let content = success.value["content"]?["application/json"]?["schema"]
                #expect((content != nil) == (answer.status != .noContent), "\(sample.operation)")
                if let content {
                    let problems = Self.check(try answer.node, content, schemas, at: sample.operation)
                    #expect(problems.isEmpty, "\(problems.prefix(5))")
                }
                if let body = sample.body {
                    let schema = try #require(operation["requestBody"]?["content"]?["application/json"]?["schema"])
                    let sent = try JSONReader.read(Array(body.utf8), source: "body").root
                    #expect(Self.check(sent, schema, schemas, at: "body of \(sample.operation)").isEmpty)
                }
                let parameters = operation["parameters"].map { Array($0.elements) } ?? []
                let inPath = parameters.filter { $0["in"]?.string == "path" }.compactMap { $0["name"]?.string }
                #expect(inPath == route.parameters)
            }
            let refused = try await client.ask(.get, "/reports/compare")
            let problem = try #require(schemas["Problem"])
            #expect(Self.check(try refused.node, problem, schemas, at: "problem").isEmpty)
        }
    }

    @Test func everyRouteIsDocumented() {
        for route in RouteTable.all where route.path.hasPrefix("/api/") {
            #expect(route.operation != nil && route.isAPI, "\(route.path)")
        }
        for route in RouteTable.all where !route.isAPI { #expect(route.operation == nil, "\(route.path)") }
        let addresses = RouteTable.all.map { "\($0.method) \($0.path)" }
        #expect(Set(addresses).count == addresses.count)
    }

    /// The query parameters that the handlers read are those that the document names.
    @Test func schemasHoldTogether() throws {
        let names = Set(Schemas.everything.map(\.key))
        var used: Set<String> = []
        func visit(_ value: JSONValue) {
            switch value {
            case .array(let values): for value in values { visit(value) }
            case .object(let members):
                for member in members {
                    if member.name == "$ref", case .string(let text) = member.value {
                        used.insert(String(text.dropFirst("#/components/schemas/".count)))
                    }
                    visit(member.value)
                }
            default: break
            }
        }
        visit(OpenAPI.document(RouteTable.api, version: "0"))
        #expect(used == names, "\(used.symmetricDifference(names))")
    }

    /// The parts of JSON Schema that the document uses.
    private static func check(_ node: Node, _ schema: Node, _ schemas: Node, at place: String) -> [String] {
        if let name = schema["$ref"]?.string?.split(separator: "/").last {
            guard let target = schemas[dynamic: String(name)] else { return ["\(place): no schema \(name)"] }
            return check(node, target, schemas, at: place)
        }
        if let choices = schema["anyOf"] {
            let fits = choices.elements.contains { check(node, $0, schemas, at: place).isEmpty }
            return fits ? [] : ["\(place): none of anyOf"]
        }
        if let type = schema["type"] {
            let allowed = type.string.map { [$0] } ?? type.elements.compactMap(\.string)
            let name =
                switch node.kind {
                case .null: "null"
                case .bool: "boolean"
                case .number: node.int == nil ? "number" : "integer"
                case .string: "string"
                case .array: "array"
                case .object: "object"
                }
            guard allowed.contains(name) else { return ["\(place): \(name) instead of \(allowed)"] }
            if name == "null" { return [] }
        }
        var problems: [String] = []
        if let choices = schema["enum"], !choices.elements.contains(where: { $0.string == node.string }) {
            problems.append("\(place): \(node.string ?? "?") is no choice")
        }
        if schema["format"]?.string == "date-time", JSONBody.time(node.string ?? "") == nil {
            problems.append("\(place): no time")
        }
        if let item = schema["items"] {
            for (index, element) in node.elements.enumerated() {
                problems += check(element, item, schemas, at: "\(place)[\(index)]")
            }
        }
        for name in schema["required"].map({ Array($0.elements) }) ?? [] {
            if let name = name.string, node[dynamic: name] == nil { problems.append("\(place): no \(name)") }
        }
        for member in node.members {
            let name = member.key.string
            if let known = schema["properties"]?[dynamic: name] {
                problems += check(member.value, known, schemas, at: "\(place).\(name)")
            } else if let more = schema["additionalProperties"] {
                if more.isObject {
                    problems += check(member.value, more, schemas, at: "\(place).\(name)")
                } else {
                    problems.append("\(place): \(name) is not documented")
                }
            }
        }
        return problems
    }
}
