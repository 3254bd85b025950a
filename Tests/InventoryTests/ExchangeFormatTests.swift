// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import Inventory

/// Other forms of the same bill: lines of tags and values, XML, older versions; layers and vulnerabilities.
struct ExchangeFormatTests {
    private func lines(_ bill: BillOfMaterials) -> [String] { bill.packages.map { "\($0.name) \($0.version)" } }

    @Test func readsTagsAndValues() throws {
        let text = """
            SPDXVersion: SPDX-2.2
            DataLicense: CC0-1.0
            # a remark
            DocumentName: app:1
            Created: 2026-01-02T03:04:05Z

            PackageName: debian
            SPDXID: SPDXRef-OperatingSystem-1
            PackageVersion: 12
            PrimaryPackagePurpose: OPERATING-SYSTEM

            PackageName: bsdutils
            SPDXID: SPDXRef-Package-1
            PackageVersion: 1:2.38.1-5
            PackageSourceInfo: <text>built package from: util-linux 2.38.1-5</text>
            PackageLicenseDeclared: LicenseRef-1
            PackageChecksum: SHA1: 00ff
            ExternalRef: SECURITY cpe23Type cpe:2.3:a:x:y:1:*:*:*:*:*:*:*
            ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/bsdutils@2.38.1-5?arch=amd64&distro=debian-12.5&epoch=1

            FileName: ./usr/bin/logger
            SPDXID: SPDXRef-File-1
            FileChecksum: SHA1: 1111

            PackageName: log4j
            SPDXID: SPDXRef-Package-2
            PackageVersion: 1.2.17
            ExternalRef: PACKAGE_MANAGER purl pkg:maven/log4j/log4j@1.2.17

            Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Package-1
            Relationship: SPDXRef-Package-1 OTHER SPDXRef-Package-2
            RelationshipComment: <text>ownership-by-file-overlap: the parent has the file</text>
            LicenseID: LicenseRef-1
            ExtractedText: <text>one
            two</text>
            Annotator: Tool: bulwark
            AnnotationDate: 2026-01-02T03:04:05Z
            AnnotationType: OTHER
            SPDXREF: SPDXRef-Package-2
            AnnotationComment: <text>bulwark:innerPath=WEB-INF/lib/a.jar</text>
            Annotator: Tool: bulwark
            SPDXREF: SPDXRef-Package-2
            AnnotationComment: bulwark:path=a.war
            """
        for end in ["\n", "\r\n"] {
            let (bill, cycloneDX) = try BillOfMaterials.read(
                Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: end).utf8),
                source: "x.spdx")
            #expect(cycloneDX == nil && lines(bill) == ["bsdutils 1:2.38.1-5", "log4j:log4j 1.2.17"])
            let first = try #require(bill.packages.first)
            #expect(first.source == "util-linux" && first.sourceVersion == "2.38.1-5" && first.sha1 == "00ff")
            #expect(first.licenses == ["one\ntwo"] && first.architecture == "amd64")
            #expect(bill.packages[1].owner == "deb:bsdutils" && bill.packages[0].owner.isEmpty)
            #expect(bill.packages[1].place == "a.war!/WEB-INF/lib/a.jar")
            #expect(bill.distribution?.ecosystem == "Debian:12" && bill.name == "app:1")
            #expect(bill.created == "2026-01-02T03:04:05Z")
        }
    }

    @Test func countsWhatNobodyCanJudge() throws {
        let cycloneDX = """
            {"bomFormat":"CycloneDX","components":[{"type":"library","name":"a"},{"type":"library","name":"b","purl":"pkg:odd/b@1"},
             {"type":"application","name":"lock"},{"type":"file","name":"f"},{"type":"framework","name":"c","purl":"x"},
             {"type":"library","name":"d","purl":"pkg:npm/d@1"}]}
            """
        let one = try BillOfMaterials.read(Array(cycloneDX.utf8), source: "x").bill
        #expect(one.unknown == ["a", "b", "c"] && one.unknownCount == 3 && one.packages.count == 1)
        let spdx = """
            {"spdxVersion":"SPDX-2.3","packages":[{"name":"a","primaryPackagePurpose":"LIBRARY"},{"name":"b","primaryPackagePurpose":"CONTAINER",
              "externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:oci/b"}]},{"name":"c","primaryPackagePurpose":"APPLICATION"},
              {"name":"d","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:odd/d"}]}]}
            """
        #expect(try BillOfMaterials.read(Array(spdx.utf8), source: "x").bill.unknown == ["a", "d"])
    }

    @Test func readsXML() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <bom xmlns="http://cyclonedx.org/schema/bom/1.5" serialNumber="urn:uuid:1" version="1">
              <metadata><timestamp>2026-01-02T03:04:05Z</timestamp>
                <component type="container" bom-ref="s"><name>app</name><version>sha256:00</version></component></metadata>
              <components>
                <component type="operating-system"><name>debian</name><version>12</version></component>
                <component type="library" bom-ref="a"><group>log4j</group><name>log4j</name><version>1.2.17</version>
                  <hashes><hash alg="SHA-1">00ff</hash><hash alg="MD5">11</hash></hashes>
                  <licenses><license><id>Apache-2.0</id></license><license><name>Odd &amp; own</name></license></licenses>
                  <purl>pkg:maven/log4j/log4j@1.2.17</purl>
                  <components><component type="library"><name>x</name><purl>pkg:cargo/x@1.0.0</purl></component></components>
                  <properties><property name="bulwark:path">a.war</property></properties></component>
                <component type="library"><name>y</name><licenses><expression>MIT OR X</expression></licenses>
                  <purl>pkg:npm/%40a/y@1</purl></component>
              </components>
              <vulnerabilities><vulnerability bom-ref="v"><id>CVE-1</id><analysis><state>not_affected</state></analysis>
                <affects><target><ref>a</ref><versions><version><version>1.2.17</version></version></versions></target></affects>
              </vulnerability></vulnerabilities>
            </bom>
            """
        let (bill, json) = try BillOfMaterials.read(Array(text.utf8), source: "x.xml")
        #expect(lines(bill) == ["log4j:log4j 1.2.17", "x 1.0.0", "@a/y 1"])
        #expect(bill.packages[0].sha1 == "00ff" && bill.packages[0].path == "a.war")
        #expect(bill.packages[0].licenses == ["Apache-2.0", "Odd & own"] && bill.packages[2].licenses == ["MIT OR X"])
        #expect(bill.distribution?.ecosystem == "Debian:12")
        #expect([bill.name, bill.digest, bill.created] == ["app", "sha256:00", "2026-01-02T03:04:05Z"])
        let root = try JSONReader.read(try #require(json), source: "x").root
        #expect(root["vulnerabilities"]?[0]?["affects"]?[0]?["versions"]?[0]?["version"]?.string == "1.2.17")
        #expect(root["vulnerabilities"]?[0]?["affects"]?[0]?["ref"]?.string == "a")
    }

    @Test(arguments: [
        "", " ", "x", "{}", "[]", "<bom", "<html></html>", "<bom><a></bom>", "SPDXVersion", "SPDXVersion: SPDX-3.0",
        "SPDXVersion: SPDX-2.3\nPackageName: <text>never\nends", #"{"bomFormat":"x"}"#, #"{"spdxVersion":"SPDX-3"}"#,
        "\u{FEFF}nothing", "# a remark alone",
    ])
    func namesWhatItCannotRead(text: String) {
        #expect { try BillOfMaterials.read(Array(text.utf8), source: "odd") } throws: {
            "\($0)".contains("odd") && $0 is InventoryError
        }
    }

    @Test func keepsLayersAndVulnerabilities() throws {
        let package = FoundPackage(.pypi, name: "Jinja2", version: "2.10", path: "a/METADATA")
        var other = package
        other.path = "b/METADATA"
        var bill = BillOfMaterials(name: "app:1", distribution: nil, packages: [package, other, package])
        bill.digest = "sha256:00"
        bill.layers = [
            .init(digest: "sha256:01", diffID: "sha256:02", createdBy: "ADD x"),
            .init(digest: "", diffID: "", createdBy: ""), .init(digest: "", diffID: "sha256:03", createdBy: ""),
        ]
        var item = BillVulnerability(id: "CVE-1")
        item.affects = [other]
        item.ratings = [.init(source: "CVSS 3.1", severity: "high", score: 9.8, vector: "CVSS:3.1/AV:N")]
        item.analysis = .init(state: .exploitable, reason: "behind a wall", source: "jo")
        item.advisories = ["https://example.org/1", "javascript:alert(1)"]
        bill.vulnerabilities = [item]
        var bytes: [UInt8] = []
        try CycloneDX.write(bill) { bytes += $0 }
        #expect(try CycloneDX.read(bytes, source: "x").layers == bill.layers)
        let root = try JSONReader.read(bytes, source: "x").root
        // The same package twice is one component.
        #expect(root["components"]?.count == 2)
        let written = root["vulnerabilities"]?[0]
        #expect(written?["affects"]?[0]?["ref"]?.string == root["components"]?[1]?["bom-ref"]?.string)
        #expect(
            written?["ratings"]?[0]?["method"]?.string == "CVSSv31" && written?["ratings"]?[0]?["score"]?.double == 9.8)
        #expect(written?["analysis"]?["state"]?.string == "exploitable" && written?["advisories"]?.count == 1)
        #expect(written?["properties"]?[0]?["value"]?.string == "jo")
        bytes = []
        try SPDX.write(bill) { bytes += $0 }
        #expect(try SPDX.read(bytes, source: "x").layers == bill.layers)
    }
}
