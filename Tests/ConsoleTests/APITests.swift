// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

/// A program that sends its token.
struct APIClient: Sendable {
    let browser: Browser
    let secret: String

    func ask(_ method: HTTPRequest.Method, _ path: String, _ body: String? = nil) async throws -> TestResponse {
        var headers: HTTPFields = [.authorization: "Bearer \(secret)"]
        if body != nil { headers[.contentType] = "application/json" }
        return try await browser.send(method, "/api/v1" + path, headers: headers, body: body)
    }

    /// The answer's JSON, of a request that must succeed.
    func get(_ path: String) async throws -> Node {
        let answer = try await ask(.get, path)
        #expect(answer.status == .ok, "\(path): \(answer.text)")
        return try answer.node
    }
}

extension TestResponse {
    var node: Node { get throws { try JSONReader.read(Array(body.readableBytesView), source: "answer").root } }

    /// The code of an answer that refuses.
    var problem: String { (try? node["code"]?.string) ?? "" }
}

extension ConsoleFixture {
    /// As `test`, with an administrator's token.
    func api<Value>(_ body: @Sendable (APIClient) async throws -> Value) async throws -> Value {
        let admin = try #require(try await server.accounts.list().first)
        let made = try await server.parts.tokens.make(
            name: "test", role: .administrator, days: 90, by: admin, now: clock.now)
        return try await test { try await body(APIClient(browser: $0, secret: made.secret)) }
    }
}

struct APITests {
    @Test func findings() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.api { client in
            let all = try await client.get("/findings?limit=3")
            let total = try #require(all["total"]?.int)
            #expect(total > 100)
            #expect(all["items"]?.count == 3)
            #expect(all["items"]?[0]?["severity"]?.string == "critical")
            let next = try await client.get("/findings?limit=3&page=2")
            #expect(next["items"]?[0]?["fingerprint"]?.string != all["items"]?[0]?["fingerprint"]?.string)
            for (query, path, value) in [
                ("severity=high", "severity", "high"), ("check=BW-PRIV-003", "check", "BW-PRIV-003"),
                ("check=privileged", "check", "BW-PRIV-003"), ("state=resolved", "status", "resolved"),
                ("outcome=fail", "outcome", "fail"),
            ] {
                let page = try await client.get("/findings?\(query)")
                let items = try #require(page["items"]).elements.map { $0[dynamic: path]?.string }
                #expect(!items.isEmpty && items.allSatisfy { $0 == value }, "\(query)")
            }
            let inPlace = try await client.get("/findings?namespace=shop&kind=Deployment&text=privileged&sort=oldest")
            for item in try #require(inPlace["items"]).elements {
                #expect(item["subject"]?["namespace"]?.string == "shop")
                #expect(item["subject"]?["kind"]?.string == "Deployment")
            }
            #expect(try await client.get("/findings?namespace=-")["total"]?.int ?? 0 > 0)
            for query in ["severity=worst", "state=gone", "page=0", "page=x", "limit=201", "outcome=pass", "sort=x"] {
                let answer = try await client.ask(.get, "/findings?\(query)")
                #expect(answer.status == .badRequest && answer.problem == "invalid", "\(query)")
            }
        }
    }

    @Test func changesAFinding() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.api { client in
            let fingerprint = try #require(
                try await client.get("/findings?limit=1")["items"]?[0]?["fingerprint"]?.string)
            let path = "/findings/\(fingerprint)"
            #expect(try await client.get(path)["status"]?.string == "new")
            let claimed = try await client.ask(.patch, path, #"{"status":"inProgress"}"#)
            #expect(try claimed.node["status"]?.string == "inProgress")
            #expect(try await client.get("/findings?state=inProgress")["total"]?.int == 1)
            for (body, problem) in [
                (#"{"status":"resolved"}"#, "invalid"), (#"{"status":"x"}"#, "invalid"), ("{}", "invalid"),
                (#"{"state":"new"}"#, "invalid"), (#"{"status":1}"#, "invalid"), ("[]", "invalid"),
                (#"{"status":"new","status":"new"}"#, "invalid"), ("{", "invalid"), ("", "invalid"),
            ] {
                let answer = try await client.ask(.patch, path, body)
                #expect(answer.status == .badRequest && answer.problem == problem, "\(body): \(answer.text)")
            }
            for wrong in ["/findings/0", "/findings/\(String(repeating: "0", count: 32))", "/findings/%00"] {
                #expect(try await client.ask(.get, wrong).status == .notFound)
                #expect(try await client.ask(.patch, wrong, #"{"status":"new"}"#).status == .notFound)
            }
        }
    }

    @Test func workloads() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.api { client in
            let list = try await client.get("/workloads?limit=200")
            let items = try #require(list["items"])
            #expect(list["total"]?.int == items.count)
            let weights = items.elements.compactMap { $0["weight"]?.int }
            #expect(weights == weights.sorted(by: >))
            for item in items.elements {
                let subject = try #require(item["subject"])
                let found = Subject(
                    apiVersion: subject["apiVersion"]?.string ?? "", kind: subject["kind"]?.string ?? "",
                    namespace: subject["namespace"]?.string ?? "", name: subject["name"]?.string ?? "")
                let detail = try await client.get("/workload?\(found.query)")
                let open = try #require(detail["findings"]).elements.filter { $0["status"]?.string == "new" }
                #expect(open.count == item["total"]?.int, "\(found.display)")
            }
            #expect(try await client.ask(.get, "/workload?kind=Pod&name=none").status == .notFound)
            #expect(try await client.ask(.get, "/workload").status == .badRequest)
        }
    }

    @Test func exemptions() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.api { client in
            let good = #"{"owner":"Ada","reason":"r","expiry":"2027-01-01","checks":["privileged"],"namespace":"shop"}"#
            let added = try await client.ask(.post, "/exemptions", good)
            #expect(added.status == .created)
            let id = try #require(try added.node["id"]?.string)
            #expect(try added.node["suppresses"]?.int == 1)
            #expect(try added.node["expiry"]?.string == "2027-01-01T23:59:59Z")
            let changed = try await client.ask(
                .put, "/exemptions/\(id)",
                #"{"owner":"Bob","reason":"s","expiry":"2027-01-01T00:00:00Z","namespace":"shop*"}"#)
            #expect(try changed.node["owner"]?.string == "Bob")
            #expect(try changed.node["suppresses"]?.int ?? 0 > 50)
            #expect(try await client.get("/exemptions")["total"]?.int == 1)
            #expect(try await client.ask(.delete, "/exemptions/\(id)").status == .noContent)
            #expect(try await client.get("/exemptions")["total"]?.int == 0)
            #expect(try await client.get("/findings?state=suppressed")["total"]?.int == 0)
            #expect(try await client.ask(.delete, "/exemptions/\(id)").status == .notFound)
            #expect(try await client.ask(.put, "/exemptions/EX-99", good).status == .notFound)
            for wrong in [
                good.replacing("Ada", with: ""), good.replacing("2027", with: "2020"),
                good.replacing("2027-01-01", with: "soon"), good.replacing("privileged", with: "no-such-check"),
                #"{"owner":"a","reason":"b","expiry":"2027-01-01"}"#,
                #"{"owner":"a","reason":"b","expiry":"2027-01-01","namespace":"*"}"#,
                good.replacing("namespace", with: "namespaces"), good.replacing(#"["privileged"]"#, with: "7"),
            ] {
                let answer = try await client.ask(.post, "/exemptions", wrong)
                #expect(answer.status == .badRequest && answer.problem == "invalid", "\(wrong)")
            }
        }
    }

    @Test func inspectionsAndSchedule() async throws {
        let console = try await ConsoleFixture(pace: .milliseconds(5))
        try await console.api { client in
            #expect(try await client.get("/inspections")["phase"]?.string == "idle")
            let began = try await client.ask(.post, "/inspections")
            #expect(began.status == .accepted)
            #expect(try began.node["running"]?.bool == true)
            let again = try await client.ask(.post, "/inspections")
            #expect(again.status == .conflict && again.problem == "conflict")
            while try await client.get("/inspections")["running"]?.bool == true {
                try await Task.sleep(for: .milliseconds(20))
            }
            let done = try await client.get("/inspections")
            #expect(done["phase"]?.string == "finished")
            let report = try await client.get("/reports/\(try #require(done["report"]?.int))")
            #expect(report["state"]?.string == "complete")
            #expect(try await client.get("/summary")["score"]?.int == report["score"]?.int)

            #expect(try await client.get("/schedule")["schedule"]?.string == "0 * * * *")
            let set = try await client.ask(.put, "/schedule", #"{"schedule":"5 4 * * *"}"#)
            #expect(try set.node["schedule"]?.string == "5 4 * * *")
            #expect(try set.node["next"]?.count == 5)
            for wrong in [#"{"schedule":"nonsense"}"#, "{}", #"{"schedule":7}"#] {
                #expect(try await client.ask(.put, "/schedule", wrong).status == .badRequest)
            }
            #expect(try await client.ask(.put, "/schedule", #"{"schedule":""}"#).status == .ok)
            #expect(try await client.get("/schedule")["next"]?.count == 0)
        }
    }

    @Test func reportsAndComparison() async throws {
        let console = try await ConsoleFixture()
        try await console.fill()
        try await console.api { client in
            #expect(try await client.get("/reports")["total"]?.int == 4)
            let problems = try await client.get("/reports/2/problems?limit=200")
            #expect(problems["total"]?.int == problems["items"]?.count)
            let comparison = try await client.get("/reports/compare?before=1&after=4")
            #expect(comparison["worseCount"]?.int ?? 0 > 0)
            #expect(comparison["betterCount"]?.int ?? 0 > 0)
            let turned = try await client.get("/reports/compare?before=4&after=1")
            #expect(turned["before"]?["id"]?.int == 1)
            for query in ["", "?before=1", "?before=1&after=1", "?before=a&after=b"] {
                #expect(try await client.ask(.get, "/reports/compare\(query)").status == .badRequest)
            }
            #expect(try await client.ask(.get, "/reports/compare?before=1&after=9").status == .notFound)
            #expect(try await client.ask(.get, "/reports/9").status == .notFound)
            #expect(try await client.ask(.get, "/reports/x").status == .notFound)
            _ = try await console.store.ledger.beginReport(cluster: "", trigger: .demand)
            #expect(try await client.ask(.get, "/reports/compare?before=1&after=5").status == .conflict)
            #expect(try await client.ask(.get, "/reports/5/problems").status == .conflict)
            #expect(try await client.get("/reports/5")["score"]?.isNull == true)
        }
    }

    @Test func accountsAndTokens() async throws {
        let console = try await ConsoleFixture()
        try await console.api { client in
            let added = try await client.ask(
                .post, "/accounts", #"{"name":"bob","role":"viewer","password":"bob's password"}"#)
            #expect(added.status == .created)
            let id = try #require(try added.node["id"]?.int)
            #expect(!added.text.contains("bob's password"))
            let changed = try await client.ask(.patch, "/accounts/\(id)", #"{"role":"administrator"}"#)
            #expect(try changed.node["role"]?.string == "administrator")
            #expect(try await client.ask(.patch, "/accounts/\(id)", "{}").status == .badRequest)
            #expect(try await client.ask(.patch, "/accounts/\(id)", #"{"password":"x"}"#).status == .badRequest)
            #expect(try await client.ask(.patch, "/accounts/99", #"{"role":"viewer"}"#).status == .notFound)
            #expect(try await client.ask(.delete, "/accounts/\(id)").status == .noContent)
            #expect(try await client.get("/accounts")["total"]?.int == 1)
            #expect(try await client.ask(.delete, "/accounts/1").status == .conflict)

            let made = try await client.ask(.post, "/tokens", #"{"name":"x","role":"viewer","days":2}"#)
            #expect(made.status == .created)
            let other = APIClient(browser: client.browser, secret: try #require(try made.node["secret"]?.string))
            #expect(try await other.ask(.get, "/summary").status == .ok)
            let more = try await other.ask(.post, "/tokens", #"{"name":"y","role":"administrator","days":2}"#)
            #expect(more.status == .forbidden)
            let token = try #require(try made.node["token"]?["id"]?.int)
            #expect(try await client.ask(.delete, "/tokens/\(token)").status == .noContent)
            #expect(try await other.ask(.get, "/summary").status == .unauthorized)
            for body in [
                #"{"name":"","role":"viewer","days":2}"#, #"{"name":"x","role":"root","days":2}"#,
                #"{"name":"x","role":"viewer","days":0}"#, #"{"name":"x","role":"viewer","days":367}"#,
                #"{"name":"x","role":"viewer","days":"9"}"#,
            ] {
                #expect(try await client.ask(.post, "/tokens", body).status == .badRequest, "\(body)")
            }
        }
    }

    @Test func refusesWhatItCannotTake() async throws {
        let console = try await ConsoleFixture()
        try await console.api { client in
            let form = try await client.browser.send(
                .post, "/api/v1/exemptions",
                headers: [
                    .authorization: "Bearer \(client.secret)", .contentType: "application/x-www-form-urlencoded",
                ],
                body: "owner=a")
            #expect(form.status == .unsupportedMediaType && form.problem == "unsupportedMedia")
            let large = "{\"owner\":\"" + String(repeating: "a", count: Gate.maxBody) + "\"}"
            let tooLarge = try await client.ask(.post, "/exemptions", large)
            #expect(tooLarge.status == .contentTooLarge && tooLarge.problem == "tooLarge")
            let deep = String(repeating: "[", count: 5000)
            #expect(try await client.ask(.post, "/exemptions", deep).status == .badRequest)
            let method = try await client.ask(.delete, "/findings")
            #expect(method.status == .methodNotAllowed && method.problem == "methodNotAllowed")
            #expect(method.headers[.allow] == "GET")
            #expect(try await client.ask(.put, "/exemptions").headers[.allow] == "GET, POST")
            let nothing = try await client.ask(.get, "/nothing")
            #expect(nothing.status == .notFound && nothing.problem == "notFound")
            #expect(try await client.ask(.head, "/summary").status == .ok)
        }
    }
}
