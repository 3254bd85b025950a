// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Inventory
import Testing

@testable import ImageScanning

/// Statements of OpenVEX, CycloneDX and CSAF about the same image.
struct VEXTests {
    private static let digest = "sha256:" + String(repeating: "ab", count: 32)

    /// An image with four packages that share two vulnerabilities.
    private static var report: ImageReport {
        var distribution = Distribution()
        (distribution.id, distribution.versionID, distribution.cpe) = ("debian", "12", "cpe:/o:debian:debian_linux:12")
        var inventory = ImageInventory()
        inventory.distribution = distribution
        var expat = FoundPackage(.deb, name: "libexpat1", version: "2.5.0-1", path: "var/lib/dpkg/status")
        expat.architecture = "amd64"
        inventory.packages = [
            expat, FoundPackage(.pypi, name: "Jinja2", version: "2.10", path: "a/METADATA"),
            FoundPackage(.npm, name: "@babel/core", version: "7.1.0", path: "x/package.json"),
            FoundPackage(.rpm, name: "curl", version: "1:7.76.1-2.el9", path: "var/lib/rpm/rpmdb.sqlite"),
        ]
        var report = ImageReport(name: "web.tar", inventory: inventory)
        (report.reference, report.digest) = ("registry.example.org/shop/web:1", digest)
        for package in inventory.packages {
            for id in ["CVE-2099-0001", "CVE-2099-0002"] {
                var item = ImageVulnerability(id: id, advisory: "ADV-\(id.suffix(1))", package: package, ecosystem: "x")
                item.aliases = ["GHSA-\(id.suffix(1))"]
                report.vulnerabilities.append(item)
            }
        }
        return report
    }

    /// `libexpat1 1` for each vulnerability that does not count.
    private static func excepted(_ documents: [String]) throws -> [String] {
        var exceptions = Exceptions()
        for (index, text) in documents.enumerated() {
            exceptions.statements.append(try VEXDocument(Array(text.utf8), source: "vex\(index).json"))
        }
        var report = report
        exceptions.apply(to: &report, now: 1_800_000_000)
        return report.vulnerabilities.filter { $0.exception != nil }.map { "\($0.package.name) \($0.id.suffix(1))" }
    }

    private static func openVEX(_ status: String, _ product: String, time: String = "2026-01-01T00:00:00Z") -> String {
        #"{"@context":"https://openvex.dev/ns/v0.2.0","timestamp":"\#(time)","statements":[{"vulnerability":{"name":"CVE-2099-0001"},"products":[\#(product)],"status":"\#(status)"}]}"#
    }

    private static let all = ["libexpat1 1", "Jinja2 1", "@babel/core 1", "curl 1"]

    @Test(
        arguments: [
            (#"{"@id":"pkg:deb/debian/libexpat1@2.5.0-1?arch=amd64"}"#, ["libexpat1 1"]),
            (#"{"@id":"pkg:deb/debian/libexpat1@2.5.0-1?arch=arm64"}"#, []),
            (#"{"@id":"pkg:deb/debian/libexpat1@2.5.0-1?distro=debian-11"}"#, []),
            (#"{"@id":"pkg:deb/debian/libexpat1"}"#, ["libexpat1 1"]),
            (#"{"@id":"pkg:deb/ubuntu/libexpat1"}"#, []),
            (#"{"@id":"pkg:deb/debian/libexpat1@2.5.0"}"#, []),
            (#"{"@id":"pkg:pypi/jinja2@2.10"}"#, ["Jinja2 1"]), (#"{"@id":"pkg:pypi/JINJA2"}"#, ["Jinja2 1"]),
            (#"{"@id":"pkg:npm/@babel/core@7.1.0"}"#, ["@babel/core 1"]),
            (#"{"@id":"pkg:npm/%40babel/core@7.1.0"}"#, ["@babel/core 1"]),
            (#"{"identifiers":{"purl":"pkg:rpm/debian/curl@7.76.1-2.el9?epoch=1"}}"#, ["curl 1"]),
            (#"{"@id":"pkg:rpm/debian/curl@1:7.76.1-2.el9"}"#, ["curl 1"]),
            (#"{"@id":"registry.example.org/shop/web:1"}"#, all), (#"{"@id":"pkg:oci/web"}"#, all),
            (#"{"@id":"pkg:oci/web@sha256%3A\#(String(repeating: "ab", count: 32))"}"#, all),
            (#"{"@id":"pkg:oci/web@sha256%3A\#(String(repeating: "cd", count: 32))"}"#, []),
            (#"{"@id":"pkg:oci/web?repository_url=registry.example.org/shop/web"}"#, all),
            (#"{"@id":"pkg:oci/web?repository_url=registry.example.org/other/web"}"#, []),
            (#"{"@id":"pkg:oci/web","subcomponents":[{"@id":"pkg:pypi/jinja2"}]}"#, ["Jinja2 1"]),
            (#"{"@id":"pkg:oci/other","subcomponents":[{"@id":"pkg:pypi/jinja2"}]}"#, []), (#"{}"#, []),
        ] as [(String, [String])])
    func namesProducts(product: String, expected: [String]) throws {
        #expect(try Self.excepted([Self.openVEX("not_affected", product)]) == expected)
    }

    private static func cycloneDX(_ analysis: String, _ affects: String, id: String = "CVE-2099-0001") -> String {
        """
        {"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"timestamp":"2026-02-01T00:00:00Z",
          "component":{"bom-ref":"it","type":"container","name":"registry.example.org/shop/web","version":"\(digest)"}},
         "components":[{"bom-ref":"c1","type":"library","name":"jinja2","version":"2.10","purl":"pkg:pypi/jinja2@2.10"}],
         "vulnerabilities":[{"id":"\(id)","analysis":\(analysis),"affects":\(affects)}]}
        """
    }

    @Test(
        arguments: [
            (#"{"state":"not_affected","justification":"code_not_reachable"}"#, #"[{"ref":"c1"}]"#, ["Jinja2 1"]),
            (#"{"state":"resolved"}"#, #"[{"ref":"c1"}]"#, ["Jinja2 1"]),
            (#"{"state":"resolved_with_pedigree"}"#, #"[{"ref":"c1"}]"#, ["Jinja2 1"]),
            (#"{"state":"false_positive"}"#, #"[{"ref":"c1"}]"#, ["Jinja2 1"]),
            (#"{"state":"exploitable"}"#, #"[{"ref":"c1"}]"#, []), (#"{"state":"in_triage"}"#, #"[{"ref":"c1"}]"#, []),
            (#"{"state":"exploitable","response":["will_not_fix"]}"#, #"[{"ref":"c1"}]"#, []),
            (#"{}"#, #"[{"ref":"c1"}]"#, []), (#"{"state":"not_affected"}"#, #"[{"ref":"c2"}]"#, []),
            (#"{"state":"not_affected"}"#, #"[{"ref":"it"}]"#, all),
            (#"{"state":"not_affected"}"#, "[]", all),
            (#"{"state":"not_affected"}"#, #"[{"ref":"pkg:deb/debian/libexpat1"}]"#, ["libexpat1 1"]),
            (
                #"{"state":"not_affected"}"#,
                #"[{"ref":"urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#pkg:npm/%40babel/core@7.1.0"}]"#,
                ["@babel/core 1"]
            ),
            (
                #"{"state":"not_affected"}"#,
                #"[{"ref":"urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#pkg%3Anpm%2F%2540babel%2Fcore%407.1.0"}]"#,
                ["@babel/core 1"]
            ),
            (#"{"state":"not_affected"}"#, #"[{"ref":"c1","versions":[{"version":"2.10"}]}]"#, ["Jinja2 1"]),
            (#"{"state":"not_affected"}"#, #"[{"ref":"c1","versions":[{"version":"2.11"}]}]"#, []),
            (
                #"{"state":"not_affected"}"#, #"[{"ref":"c1","versions":[{"range":"vers:pypi/>=2.9|<2.11"}]}]"#,
                ["Jinja2 1"]
            ),
            (#"{"state":"not_affected"}"#, #"[{"ref":"c1","versions":[{"range":"vers:pypi/<2.9|>2.10"}]}]"#, []),
            (
                #"{"state":"exploitable"}"#, #"[{"ref":"c1","versions":[{"version":"2.10","status":"unaffected"}]}]"#,
                ["Jinja2 1"]
            ),
            (
                #"{"state":"not_affected"}"#,
                #"[{"ref":"pkg:rpm/debian/curl","versions":[{"range":"vers:rpm/<1:7.77"}]}]"#,
                ["curl 1"]
            ),
        ] as [(String, String, [String])])
    func readsCycloneDX(analysis: String, affects: String, expected: [String]) throws {
        #expect(try Self.excepted([Self.cycloneDX(analysis, affects)]) == expected)
    }

    private static func csaf(_ status: String, _ more: String = "", time: String = "2026-03-01T00:00:00Z") -> String {
        """
        {"document":{"category":"csaf_vex","csaf_version":"2.0","tracking":{"current_release_date":"\(time)"}},
         "product_tree":{
          "full_product_names":[{"product_id":"web","name":"web","product_identification_helper":{"purl":"pkg:oci/web"}},
            {"product_id":"words","name":"Some product"}],
          "branches":[{"category":"vendor","name":"Debian","branches":[
            {"category":"product_name","name":"Debian 12","product":{"product_id":"D12","name":"Debian 12","product_identification_helper":{"cpe":"cpe:/o:debian:debian_linux:12"}}},
            {"category":"product_name","name":"Debian 11","product":{"product_id":"D11","name":"Debian 11","product_identification_helper":{"cpe":"cpe:/o:debian:debian_linux:11"}}},
            {"category":"product_name","name":"expat","branches":[
              {"category":"product_version_range","name":"vers:deb/>=2.5.0-0|<2.5.0-9","product":{"product_id":"range","name":"expat","product_identification_helper":{"purl":"pkg:deb/debian/libexpat1"}}},
              {"category":"product_version_range","name":"vers:deb/<2.5.0-1","product":{"product_id":"below","name":"expat","product_identification_helper":{"purl":"pkg:deb/debian/libexpat1"}}},
              {"category":"product_version_range","name":"before 3","product":{"product_id":"odd","name":"expat","product_identification_helper":{"purl":"pkg:deb/debian/libexpat1"}}},
              {"category":"product_version","name":"2.5.0-1","product":{"product_id":"one","name":"expat","product_identification_helper":{"purl":"pkg:deb/debian/libexpat1@2.5.0-1"}}}]},
            {"category":"product_version","name":"2.10","product":{"product_id":"jinja","name":"jinja","product_identification_helper":{"purl":"pkg:pypi/jinja2@2.10"}}}]}],
          "relationships":[
            {"category":"default_component_of","product_reference":"one","relates_to_product_reference":"D12","full_product_name":{"product_id":"D12:one","name":"x"}},
            {"category":"default_component_of","product_reference":"one","relates_to_product_reference":"D11","full_product_name":{"product_id":"D11:one","name":"x"}},
            {"category":"default_component_of","product_reference":"jinja","relates_to_product_reference":"web","full_product_name":{"product_id":"web:jinja","name":"x"}},
            {"category":"default_component_of","product_reference":"jinja","relates_to_product_reference":"words","full_product_name":{"product_id":"words:jinja","name":"x"}}],
          "product_groups":[{"group_id":"g","product_ids":["one","D12:one"]}]},
         "vulnerabilities":[{"cve":"CVE-2099-0001","product_status":\(status)\(more)}]}
        """
    }

    @Test(
        arguments: [
            (#"{"known_not_affected":["one"]}"#, ["libexpat1 1"]), (#"{"fixed":["one"]}"#, ["libexpat1 1"]),
            (#"{"known_affected":["one"]}"#, []), (#"{"under_investigation":["one"]}"#, []),
            (#"{"known_not_affected":["range"]}"#, ["libexpat1 1"]), (#"{"known_not_affected":["below"]}"#, []),
            (#"{"known_not_affected":["odd"]}"#, []), (#"{"known_not_affected":["words"]}"#, []),
            (#"{"known_not_affected":["D12:one"]}"#, ["libexpat1 1"]), (#"{"known_not_affected":["D11:one"]}"#, []),
            (#"{"known_not_affected":["web"]}"#, all), (#"{"known_not_affected":["web:jinja"]}"#, ["Jinja2 1"]),
            (#"{"known_not_affected":["words:jinja"]}"#, []),
            (#"{"known_not_affected":["one"],"known_affected":["web:jinja"]}"#, ["libexpat1 1"]),
        ] as [(String, [String])])
    func readsCSAF(status: String, expected: [String]) throws {
        #expect(try Self.excepted([Self.csaf(status)]) == expected)
    }

    @Test func givesReasons() throws {
        let text = Self.csaf(
            #"{"known_not_affected":["D12:one"]}"#,
            #","flags":[{"label":"vulnerable_code_not_present","group_ids":["g"]}],"threats":[{"category":"impact","details":"Not built in.","product_ids":["D12:one"]}]"#
        )
        var exceptions = Exceptions()
        exceptions.statements = [try VEXDocument(Array(text.utf8), source: "csaf.json")]
        var report = Self.report
        exceptions.apply(to: &report, now: 0)
        let exception = report.vulnerabilities.compactMap(\.exception).first
        #expect(exception?.reason == "not_affected: vulnerable_code_not_present: Not built in.")
        #expect(exception?.source == "csaf.json" && exception?.kind == .notAffected)
    }

    /// The latest counts, whichever file it stands in and in whatever order the files are given.
    @Test func latestWins() throws {
        let yes = Self.openVEX(
            "not_affected", #"{"@id":"pkg:pypi/jinja2"}"#, time: "2026-02-15T12:00:00+02:00")
        let later = Self.openVEX("affected", #"{"@id":"pkg:pypi/jinja2"}"#, time: "2026-02-15T11:00:00Z")
        #expect(try Self.excepted([yes, later]) == [] && Self.excepted([later, yes]) == [])
        let cycloneDX = Self.cycloneDX(#"{"state":"not_affected"}"#, #"[{"ref":"c1"}]"#)
        #expect(try Self.excepted([later, cycloneDX]) == [])
        let newer = Self.cycloneDX(
            #"{"state":"not_affected","lastUpdated":"2026-02-16T00:00:00Z"}"#, #"[{"ref":"c1"}]"#)
        #expect(try Self.excepted([newer, later]) == ["Jinja2 1"])
        #expect(try Self.excepted([Self.csaf(#"{"known_affected":["jinja"]}"#), newer]) == [])
        // Of the same time the last that was read.
        let same = Self.openVEX("not_affected", #"{"@id":"pkg:pypi/jinja2"}"#, time: "2026-02-15T11:00:00Z")
        #expect(try Self.excepted([later, same]) == ["Jinja2 1"] && Self.excepted([same, later]) == [])
        // What is said of another package contradicts nothing.
        #expect(
            try Self.excepted([yes, Self.openVEX("affected", #"{"@id":"pkg:npm/x"}"#, time: "2027-01-01")]) == [
                "Jinja2 1"
            ])
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"document":{}}"#, #"{"statements":1}"#,
        #"{"statements":[{"status":"x","vulnerability":"a"}]}"#,
        #"{"bomFormat":"CycloneDX","vulnerabilities":{}}"#,
        #"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"a","analysis":{"state":"fine"}}]}"#,
        #"{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"a","analysis":{"state":"resolved"},"affects":[{"ref":"pkg:deb/a/b","versions":[{"range":"vers:deb/>>1"}]}]}]}"#,
        #"{"document":{"csaf_version":"2.0"},"vulnerabilities":[{}]}"#,
        #"{"document":{"csaf_version":"2.0"},"vulnerabilities":[{"cve":"a","product_status":{"fixed":["nobody"]}}]}"#,
        #"{"document":{"csaf_version":"2.0"},"product_tree":{"full_product_names":[{"name":"x"}]}}"#,
        #"{"document":{"csaf_version":"2.0"},"product_tree":{"relationships":[{}]}}"#,
    ])
    func namesWhatItCannotRead(text: String) {
        #expect { try VEXDocument(Array(text.utf8), source: "odd.json") } throws: {
            ($0 as? ScanError)?.code == .malformed && "\($0)".contains("odd.json")
        }
    }

    @Test func endsAtBounds() throws {
        let depth = 5_000
        let nested =
            #"{"document":{"csaf_version":"2.0"},"product_tree":{"branches":["#
            + String(repeating: #"{"branches":["#, count: 100) + String(repeating: "]}", count: 100) + "]}}"
        #expect(throws: ScanError.self) { try VEXDocument(Array(nested.utf8), source: "x") }
        // Products that are parts of each other.
        let loop = """
            {"document":{"csaf_version":"2.0"},"product_tree":{"relationships":[
              {"product_reference":"a","relates_to_product_reference":"b","full_product_name":{"product_id":"a","name":"a"}},
              {"product_reference":"b","relates_to_product_reference":"a","full_product_name":{"product_id":"b","name":"b"}}]},
             "vulnerabilities":[{"cve":"CVE-2099-0001","product_status":{"fixed":["a","b"]}}]}
            """
        #expect(try Self.excepted([loop]) == [])
        let many = (0..<depth).map { #"{"vulnerability":"CVE-\#($0)","status":"fixed"}"# }.joined(separator: ",")
        #expect(try VEXDocument(Array("{\"statements\":[\(many)]}".utf8), source: "x").statements.count == depth)
        // Each vulnerability meets the statements about itself alone.
        let crowd = (0..<50_000).map { #"{"vulnerability":"CVE-\#($0)","status":"fixed"}"# }.joined(separator: ",")
        var exceptions = Exceptions()
        exceptions.statements = [try VEXDocument(Array("{\"statements\":[\(crowd)]}".utf8), source: "x")]
        var report = Self.report
        for number in 0..<5_000 {
            report.vulnerabilities.append(
                ImageVulnerability(
                    id: "CVE-\(number)", advisory: "A", package: report.inventory.packages[0], ecosystem: "x"))
        }
        let start = ContinuousClock.now
        exceptions.apply(to: &report, now: 0)
        #expect(report.vulnerabilities.count { $0.exception != nil } == 5_000)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    private static func xml(_ analysis: String, _ target: String = "<ref>a</ref>") -> String {
        """
        \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
        <!-- from a vendor -->
        <bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:1" version="1">
          <metadata><timestamp>2026-01-01T00:00:00Z</timestamp></metadata>
          <components><component type="library" bom-ref="a"><name>jinja2</name><version>2.10</version>
            <purl>pkg:pypi/jinja2@2.10</purl></component></components>
          <vulnerabilities><vulnerability bom-ref="v1"><id>CVE-2099-0001</id>
            <references><reference><id>GHSA-1</id><source><name>GitHub</name></source></reference></references>
            \(analysis)
            <affects><target>\(target)</target></affects></vulnerability></vulnerabilities>
        </bom>
        """
    }

    /// The same statements in XML as in JSON.
    @Test(
        arguments: [
            (
                "<analysis><state>not_affected</state><justification>code_not_reachable</justification></analysis>",
                ["Jinja2 1"]
            ),
            ("<analysis><state>false_positive</state></analysis>", ["Jinja2 1"]),
            (
                "<analysis><state>resolved</state><responses><response>update</response></responses></analysis>",
                ["Jinja2 1"]
            ),
            ("<analysis><state>exploitable</state></analysis>", []),
            ("<analysis><state>in_triage</state></analysis>", []),
            ("", []),
        ] as [(String, [String])]) func readsXML(analysis: String, expected: [String]) throws
    {
        #expect(try Self.excepted([Self.xml(analysis)]) == expected)
    }

    @Test func readsRangesAndPlacesInXML() throws {
        let state = "<analysis><state>not_affected</state><detail>a &lt; b</detail></analysis>"
        let range = "<ref>a</ref><versions><version><range>vers:pypi/&gt;=2|&lt;3</range></version></versions>"
        #expect(try Self.excepted([Self.xml(state, range)]) == ["Jinja2 1"])
        let other =
            "<ref>a</ref><versions><version><version>2.9</version><status>affected</status></version></versions>"
        #expect(try Self.excepted([Self.xml(state, other)]) == [])
        let none =
            "<ref>a</ref><versions><version><version>2.10</version><status>unaffected</status></version></versions>"
        #expect(try Self.excepted([Self.xml("", none)]) == ["Jinja2 1"])
        #expect(
            try Self.excepted([Self.xml(state, "<ref>urn:cdx:1/1#pkg:npm/%40babel/core@7.1.0</ref>")]) == [
                "@babel/core 1"
            ])
        // A later statement of another form counts.
        let later = Self.openVEX("affected", #"{"@id":"pkg:pypi/jinja2"}"#, time: "2026-06-01T00:00:00Z")
        #expect(try Self.excepted([Self.xml(state), later]) == [])
        var report = Self.report
        var exceptions = Exceptions()
        exceptions.statements.append(try VEXDocument(Array(Self.xml(state).utf8), source: "v.xml"))
        exceptions.apply(to: &report, now: 1_800_000_000)
        let found = try #require(report.vulnerabilities.compactMap(\.exception).first)
        #expect(found.source == "v.xml" && found.reason == "not_affected: a < b" && found.kind == .notAffected)
    }

    @Test(arguments: [
        "<", "<html/>", "<bom", "<bom><vulnerabilities></bom>", "<a><b></a></b>",
        "<bom><vulnerabilities><vulnerability><id>x</id><analysis><state>fine</state></analysis></vulnerability></vulnerabilities></bom>",
        String(repeating: "<bom>", count: 1_000),
    ]) func refusesOtherXML(text: String) {
        #expect { try VEXDocument(Array(text.utf8), source: "v.xml") } throws: {
            ($0 as? ScanError)?.code == .malformed && "\($0)".contains("v.xml")
        }
    }
}
