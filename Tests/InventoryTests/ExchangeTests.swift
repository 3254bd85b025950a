// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import Inventory

struct ExchangeTests {
    @Test(arguments: [
        "pkg:deb/debian/base-files@12.4%2Bdeb12u15?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libcap2@1:2.66-4%2Bdeb12u3%2Bb1?arch=amd64&distro=debian-12&upstream=libcap2%401:2.66-4%2Bdeb12u3",
        "pkg:npm/%40babel/core@7.1.0", "pkg:maven/org.apache.commons/io@1.3.4",
        "pkg:golang/github.com/Masterminds/semver/v3@v3.3.0",
        "pkg:pypi/ruamel.yaml@0.1", "pkg:gem/rails", "pkg:generic/a%20b%23@1%3F2#x/y",
        "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&epoch=1",
    ])
    func writesWhatItReads(text: String) throws {
        #expect(try #require(PackageURL(text)).description == text)
    }

    @Test func readsLooseURLs() throws {
        #expect(PackageURL("pkg://NPM//foo/bar@1.0#./a/../b/")?.description == "pkg:npm/foo/bar@1.0#a/b")
        #expect(PackageURL("pkg:npm/@babel/core@7")?.namespace == "@babel")
        #expect(PackageURL("pkg:golang/google.golang.org/genproto@abc?x=&Y=1")?.qualifiers == ["y": "1"])
        #expect(PackageURL("pkg:PyPI/Django_X@1")?.description == "pkg:pypi/django-x@1")
        for text in ["", "pkg:", "pkg:npm", "pkg:npm/", "http://x", "pkg:1x/a", "pkg:n%70m/a", "npm/a@1"] {
            #expect(PackageURL(text) == nil, "\(text)")
        }
    }

    private static var bill: BillOfMaterials {
        var distribution = Distribution()
        (distribution.id, distribution.versionID) = ("sles", "15.5")
        distribution.prettyName = "SUSE Linux Enterprise Server 15 SP5"
        distribution.idLike = ["suse"]
        (distribution.path, distribution.cpe) = ("etc/os-release", "cpe:/o:suse:sles:15:sp5")
        var deb = FoundPackage(.deb, name: "libcap2", version: "1:2.66-4+deb12u3+b1", path: "var/lib/dpkg/status")
        (deb.source, deb.sourceVersion, deb.architecture) = ("libcap2", "1:2.66-4+deb12u3", "amd64")
        deb.licenses = ["GPL-2", "a \"quoted\"\nand odd © one"]
        var same = FoundPackage(.deb, name: "libc6", version: "2.36-9", path: "var/lib/dpkg/status.d/libc6")
        (same.source, same.sourceVersion) = ("glibc", "2.36-9")
        var rpm = FoundPackage(.rpm, name: "nodejs", version: "1:18.18.2-2.el9", path: "var/lib/rpm/rpmdb.sqlite")
        (rpm.source, rpm.sourceVersion, rpm.module) = ("nodejs-src", "1:18.18.2-2.el9", "nodejs:18")
        var plain = FoundPackage(.rpm, name: "bash", version: "5.1-1", path: "var/lib/rpm/rpmdb.sqlite")
        (plain.source, plain.sourceVersion, plain.architecture) = ("bash", "5.1-1", "x86_64")
        var apk = FoundPackage(.apk, name: "busybox-binsh", version: "1.36.0-r9", path: "lib/apk/db/installed")
        (apk.source, apk.sourceVersion) = ("busybox", "1.36.0-r9")
        var python = FoundPackage(.pypi, name: "Zope.Interface", version: "5.0", path: "a/b.dist-info/METADATA")
        (python.owner, python.layer) = ("deb:python3-zope", 3)
        var jar = FoundPackage(.maven, name: "log4j:log4j", version: "1.2.17", path: "a.war")
        (jar.innerPath, jar.sha1) = ("WEB-INF/lib/log4j.jar", "00ff")
        var npm = FoundPackage(.npm, name: "@babel/core", version: "7.1.0", path: "x/package.json")
        npm.isDevelopment = true
        let others = [
            FoundPackage(.npm, name: "a", version: "1.0.0", path: "x/a/package.json"),
            FoundPackage(.npm, name: "a", version: "1.0.0", path: "y/a/package.json"),
            FoundPackage(.golang, name: "github.com/Masterminds/semver/v3", version: "v3.3.0", path: "bin/x"),
            FoundPackage(.golang, name: "stdlib", version: "1.22.0", path: "bin/x"),
            FoundPackage(.swift, name: "github.com/apple/swift-nio", version: "2.1.0", path: "Package.resolved"),
            FoundPackage(.composer, name: "asm89/stack-cors", version: "1.3.0", path: "installed.json"),
            FoundPackage(.julia, name: "JSON", version: "0.21.0", path: "Manifest.toml"),
            FoundPackage(.nuget, name: "Newtonsoft.Json", version: "13.0.1", path: "a.deps.json"),
            FoundPackage(.conan, name: "zlib", version: "1.2.13", path: "conan.lock"),
        ]
        var bill = BillOfMaterials(
            name: "example.org/app:1", distribution: distribution,
            packages: [deb, same, rpm, plain, apk, python, jar, npm] + others)
        (bill.digest, bill.created, bill.toolVersion) = ("sha256:00", "2026-01-02T03:04:05Z", "1.0")
        return bill
    }

    private func cycloneDX(_ bill: BillOfMaterials) throws -> [UInt8] {
        var out: [UInt8] = []
        try CycloneDX.write(bill) { out += $0 }
        return out
    }

    private func spdx(_ bill: BillOfMaterials) throws -> [UInt8] {
        var out: [UInt8] = []
        try SPDX.write(bill) { out += $0 }
        return out
    }

    @Test func comesBackFromCycloneDX() throws {
        let bytes = try cycloneDX(Self.bill)
        let back = try CycloneDX.read(bytes, source: "x.json")
        #expect(back.sorted == Self.bill.sorted)
        #expect(back.distribution == Self.bill.distribution)
        #expect([back.name, back.digest, back.created] == ["example.org/app:1", "sha256:00", "2026-01-02T03:04:05Z"])
        var other = Self.bill
        other.packages.reverse()
        #expect(try cycloneDX(other) == bytes)
        let root = try JSONReader.read(bytes, source: "x").root
        let references = root["components"]?.elements.map { $0["bom-ref"]?.string ?? "" } ?? []
        #expect(Set(references).count == references.count)
        #expect(root["serialNumber"]?.string?.count == 45)
    }

    @Test func comesBackFromSPDX() throws {
        let bytes = try spdx(Self.bill)
        let back = try SPDX.read(bytes, source: "x.json")
        #expect(back.sorted == Self.bill.sorted)
        #expect(back.distribution == Self.bill.distribution)
        #expect([back.name, back.digest] == ["example.org/app:1", "sha256:00"])
        #expect(try spdx(Self.bill) == bytes)
    }

    @Test func readsSyftAndTrivy() throws {
        let syft = """
            {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
              {"type": "library", "name": "e2fsprogs", "version": "1.47.0-2+b2", "licenses": [{"license": {"id": "GPL-2.0-only"}}, {"expression": "MIT OR X"}],
               "purl": "pkg:deb/debian/e2fsprogs@1.47.0-2%2Bb2?arch=amd64&distro=debian-12&upstream=e2fsprogs%401.47.0-2",
               "properties": [{"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"}]},
              {"type": "library", "name": "semver", "purl": "pkg:golang/github.com/Masterminds/semver@v3.3.0#v3",
               "components": [{"name": "x", "purl": "pkg:cargo/x@1.0.0"}]},
              {"type": "library", "name": "stdlib", "version": "go1.22.0", "purl": "pkg:golang/stdlib@1.22.0"},
              {"type": "file", "name": "no purl"}, {"purl": "pkg:generic/y@1"},
              {"type": "operating-system", "name": "debian", "version": "12",
               "properties": [{"name": "syft:distro:prettyName", "value": "Debian GNU/Linux 12 (bookworm)"}]}]}
            """
        let bill = try CycloneDX.read(Array(syft.utf8), source: "syft.json")
        #expect(
            lines(bill.packages) == [
                "e2fsprogs 1.47.0-2+b2", "github.com/Masterminds/semver/v3 v3.3.0", "x 1.0.0", "stdlib 1.22.0",
            ])
        #expect(bill.packages[0].sourceVersion == "1.47.0-2")
        #expect(bill.packages[0].licenses == ["GPL-2.0-only", "MIT OR X"])
        #expect(bill.packages[0].path == "var/lib/dpkg/status")
        #expect(bill.distribution?.ecosystem == "Debian:12")
        let trivy = """
            {"bomFormat": "CycloneDX", "components": [{"type": "library", "name": "bsdutils", "version": "1:2.38.1-5+deb12u3",
              "purl": "pkg:deb/debian/bsdutils@2.38.1-5%2Bdeb12u3?arch=amd64&distro=debian-12.5&epoch=1",
              "properties": [{"name": "aquasecurity:trivy:SrcName", "value": "util-linux"}, {"name": "aquasecurity:trivy:SrcVersion", "value": "2.38.1"},
                {"name": "aquasecurity:trivy:SrcRelease", "value": "5+deb12u3"}]}]}
            """
        let other = try CycloneDX.read(Array(trivy.utf8), source: "trivy.json")
        #expect(lines(other.packages) == ["bsdutils 1:2.38.1-5+deb12u3"])
        #expect(other.packages[0].source == "util-linux")
        #expect(other.packages[0].sourceVersion == "2.38.1-5+deb12u3")
        #expect(other.distribution?.ecosystem == "Debian:12")
        let spdx = """
            {"spdxVersion": "SPDX-2.3", "name": "x", "packages": [{"name": "bsdutils", "versionInfo": "1:2.38.1-5", "licenseDeclared": "MIT AND BSD-2-Clause",
              "sourceInfo": "built package from: util-linux 2.38.1-5", "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
              "referenceLocator": "pkg:deb/debian/bsdutils@2.38.1-5?distro=debian-12.5&epoch=1"}]}]}
            """
        let third = try SPDX.read(Array(spdx.utf8), source: "t.json")
        #expect(lines(third.packages) == ["bsdutils 1:2.38.1-5"])
        #expect(third.packages[0].source == "util-linux")
        #expect(third.packages[0].licenses == ["MIT AND BSD-2-Clause"])
    }

    @Test(arguments: [
        ("almalinux-9.0", "AlmaLinux:9"), ("alma-9.0", "AlmaLinux:9"), ("cbl-mariner-2.0", "Azure Linux:2"),
        ("opensuse-leap-15.6", "openSUSE:Leap 15.6"), ("sles-15.5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("wolfi", "Wolfi"),
        ("redhat-9.2", "Red Hat:enterprise_linux:9"), ("debian-sid", nil),
    ])
    func knowsDistributionsByQualifier(text: String, ecosystem: String?) {
        #expect(Distribution(qualifier: text)?.ecosystem == ecosystem)
    }

    @Test func refusesOthers() {
        for text in ["{}", "[]", "", "{\"bomFormat\": \"x\"}"] {
            #expect(throws: InventoryError.self) { try CycloneDX.read(Array(text.utf8), source: "x") }
            #expect(throws: InventoryError.self) { try SPDX.read(Array(text.utf8), source: "x") }
        }
    }
}
