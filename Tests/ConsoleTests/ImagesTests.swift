// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Store
import Testing

@testable import Console

struct ImagesTests {
    private func viewing(
        _ images: SampleImages = SampleImages(), as name: String = "admin",
        _ body: @Sendable (Browser, SampleImages) async throws -> Void
    ) async throws {
        let console = try await ConsoleFixture(images: images)
        try await console.addViewer()
        try await console.test { browser in
            try await browser.logIn(name, name == "admin" ? console.password : ConsoleFixture.viewerPassword)
            try await body(browser, images)
        }
    }

    private static func path(_ digest: String, _ rest: String = "") -> String {
        "/images/\(Fields.encode(digest))\(rest)"
    }

    /// Whether both are there, in this order.
    private static func comes(_ first: Range<String.Index>?, before second: Range<String.Index>?) -> Bool {
        guard let first, let second else { return false }
        return first.lowerBound < second.lowerBound
    }

    // MARK: Off

    @Test func withoutScansThePagesSayHowToTurnThemOn() async throws {
        let console = try await ConsoleFixture()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for path in ["/images", "/vulnerabilities"] {
                let page = try await browser.get(path)
                #expect(page.status == .ok && page.text.contains("bulwark serve --images"), "\(path)")
            }
            for path in [
                "/images/x", "/images/x/layers", "/vulnerabilities/x", "/api/v1/images", "/api/v1/images/queue",
            ] {
                #expect(try await browser.get(path).status == .serviceUnavailable, "\(path)")
            }
            #expect(!(try await browser.get("/").text.contains("image-tile")))
        }
    }

    // MARK: The list

    @Test func theListShowsWorstFirstWithItsQueue() async throws {
        try await viewing { browser, _ in
            let page = try await browser.get("/images").text
            for text in [
                "9 images in use, 6 of them scanned", "312\u{202f}408 advisories", "5 hours ago", "shop/cart:1.2",
                "1 other name", "nginx:1.25", "docker.io", "nothing found", "could not be scanned", "1 secret",
                "malware: 1 file", "layer 4 of 9", "3 waiting", "4 attempts", "in 21 minutes", "Upgrades mend",
                "answers 401", "max=\"9\" value=\"3\"", "2 critical", "data-live",
            ] {
                #expect(page.contains(text), "\(text)")
            }
            let (cart, proxy) = (page.range(of: "shop/cart:1.2"), page.range(of: "nginx:1.25"))
            #expect(Self.comes(cart, before: proxy))
            // A list that is not scanned yet is not called clean.
            #expect(page.components(separatedBy: "nothing found").count == 2)
            #expect(page.components(separatedBy: "not known yet").count == 3)
            #expect(!page.contains("shop/cart:1.1"))
            #expect(try await browser.get("/images?past=true").text.contains("shop/cart:1.1"))
        }
    }

    @Test(arguments: [
        ("text=nginx", "1 image"), ("namespace=payments", "1 image"), ("severity=critical", "3 images"),
        ("malware=true", "2 images"), ("fixable=true&severity=critical", "3 images"),
        ("text=nothing", "No image matches"),
        ("past=true", "9 images"),
    ])
    func filters(query: String, expected: String) async throws {
        try await viewing { browser, _ in
            let page = try await browser.get("/images?\(query)")
            #expect(page.status == .ok && page.text.contains(expected), "\(query)")
            #expect(page.text.contains("Clear") || expected.hasPrefix("No"))
        }
    }

    @Test(arguments: ["severity=worst", "fixable=yes", "sort=x", "page=0", "limit=9999", "malware=1", "past=x"])
    func wrongFiltersAreRefused(query: String) async throws {
        try await viewing { browser, _ in
            for path in ["/images", "/api/v1/images"] {
                let answer = try await browser.get("\(path)?\(query)")
                #expect(answer.status == .badRequest)
            }
        }
    }

    @Test func everythingElseThatCanBeTheCaseIsSaid() async throws {
        try await viewing(SampleImages(isEmpty: true)) { browser, _ in
            let page = try await browser.get("/images").text
            #expect(page.contains("There are no advisories") && page.contains("No image was seen yet"))
            #expect(page.contains("The chart begins") && !page.contains("data-live"))
            #expect(try await browser.get("/").text.contains("No image has a report yet"))
        }
        let old = SampleImages(change: { $0.advisoriesUpdated = 1_790_000_000 - 12 * 86_400 })
        try await viewing(old) { browser, _ in
            let page = try await browser.get("/images").text
            #expect(page.contains("The oldest advisories are from"))
        }
        let broken = SampleImages(change: {
            ($0.problem, $0.advisoriesUpdated) = ("The database was made by a newer version: update Bulwark.", nil)
            $0.failures = (0..<30).map {
                .init(reference: "r/\($0)", digest: SampleImages.digest(5), message: "no", attempts: 1, next: nil)
            }
            $0.running = [.init(reference: "r/x", digest: "sha256:1", layersDone: 99, layers: 3, started: .max / 2)]
        })
        try await viewing(broken) { browser, _ in
            let page = try await browser.get("/images").text
            #expect(page.contains("made by a newer version") && !page.contains("There are no advisories"))
            #expect(page.contains("30 images could not be scanned") && page.contains("And 10 more"))
            #expect(page.contains("not again by itself") && page.contains("layer 3 of 3"))
        }
    }

    // MARK: One image

    @Test func oneImageShowsWhatMendsMostAndWhoRunsIt() async throws {
        try await viewing { browser, _ in
            let page = try await browser.get(Self.path(SampleImages.cart)).text
            for text in [
                "Debian GNU/Linux 12", "linux/amd64", "241 MB", "What mends most", "libssl3", "3.0.15-1~deb12u1",
                "storefront", "thumbnails", "12 pods", "shop/cart:latest", "Access key of AWS", "app/.env",
                "Credentials",
                "Values are masked", "BW-IMG-101", "One more is excepted", "Scan again", "CycloneDX", SampleImages.cart,
                "/workload?apiVersion=apps%2Fv1&amp;kind=Deployment&amp;namespace=shop&amp;name=storefront",
            ] {
                #expect(page.contains(text), "\(text)")
            }
            // The upgrade that mends something critical comes first.
            let table = try #require(page.components(separatedBy: "id=\"mend\"").last)
            let (first, second) = (table.range(of: "libssl3"), table.range(of: "libc6"))
            #expect(Self.comes(first, before: second))
            let other = try await browser.get(Self.path(SampleImages.payments)).text
            for text in [
                "partly scanned", "<li>app/lib/native.jar", "CVE-2021-44228", "is used by attackers already",
                "Malicious files", "tmp/eicar.com",
            ] {
                #expect(other.contains(text), "\(text)")
            }
            let failed = try await browser.get(Self.path(SampleImages.failing)).text
            #expect(failed.contains("Not scanned yet") && failed.contains("answers 401"))
            #expect(!failed.contains("CycloneDX") && !failed.contains("No known vulnerability"))
            for view in ["vulnerabilities", "packages", "layers"] {
                let page = try await browser.get(Self.path(SampleImages.failing, "/\(view)")).text
                #expect(!page.contains("No known") && !page.contains("No package"), "\(view)")
            }
            #expect(try await browser.get(Self.path("sha256:none")).status == .notFound)
        }
    }

    @Test func itsVulnerabilitiesAreFilteredAndPaged() async throws {
        try await viewing { browser, _ in
            let all = try await browser.get(Self.path(SampleImages.cart, "/vulnerabilities")).text
            #expect(all.contains("99 vulnerabilities") && all.contains("Page 1 of 2"))
            #expect(all.contains("will not be mended") && all.contains("excepted"))
            #expect(all.contains("as rated by NVD") && all.contains("CVSS 9.1") && all.contains("4.2 %"))
            for (query, count) in [
                ("severity=critical", "2 vulnerabilities"), ("severity=critical&fixable=true", "1 vulnerability"),
                ("text=SETUPTOOLS", "1 vulnerability"), ("exploited=true", "0 vulnerabilities"),
            ] {
                let page = try await browser.get(Self.path(SampleImages.cart, "/vulnerabilities?\(query)")).text
                #expect(page.contains("<h2>\(count)</h2>"), "\(query)")
            }
            let packages = try await browser.get(Self.path(SampleImages.cart, "/packages?text=pypi")).text
            #expect(packages.contains("38 packages") && packages.contains("dist-info/METADATA"))
            let layers = try await browser.get(Self.path(SampleImages.cart, "/layers")).text
            #expect(layers.contains("RUN set -eux") && layers.contains("ADD file") && !layers.contains("#(nop)"))
            #expect(layers.contains("148 MB") && layers.contains("not written down"))
        }
    }

    @Test func billsAreDownloads() async throws {
        try await viewing { browser, _ in
            for (format, type, ending, text) in [
                ("cyclonedx", "application/vnd.cyclonedx+json", "cdx.json", "CycloneDX"),
                ("spdx", "application/spdx+json", "spdx.json", "SPDX-2.3"),
            ] {
                let bill = try await browser.get(Self.path(SampleImages.cart, "/bill/\(format)"))
                #expect(bill.status == .ok && bill.headers[.contentType] == type && bill.text.contains(text))
                #expect(
                    bill.headers[SecurityHeaders.name("Content-Disposition")]
                        == "attachment; filename=\"shop-cart-1.2.\(ending)\"")
            }
            #expect(try await browser.get(Self.path(SampleImages.cart, "/bill/pdf")).status == .notFound)
            #expect(try await browser.get(Self.path(SampleImages.waiting, "/bill/spdx")).status == .conflict)
            #expect(try await browser.get("/api/v1\(Self.path(SampleImages.waiting, "/bill"))").status == .conflict)
            #expect(
                try await browser.get("/api/v1\(Self.path(SampleImages.cart, "/bill?format=pdf"))").status
                    == .badRequest)
            let evil = try await browser.get(Self.path(SampleImages.evil, "/bill/spdx"))
            let name = evil.headers[SecurityHeaders.name("Content-Disposition")] ?? ""
            #expect(name.hasPrefix("attachment; filename=\"-script-alert"), "\(name)")
            #expect(name.split(separator: "\"", omittingEmptySubsequences: false).count == 3, "\(name)")
        }
    }

    @Test func administratorsAskForAnotherScan() async throws {
        try await viewing { browser, images in
            let page = Self.path(SampleImages.cart)
            #expect(try await browser.post(page + "/scan", [:], token: "0").status == .forbidden)
            #expect(images.rescans.isEmpty)
            let answer = try await browser.post(page + "/scan", [:], page: page)
            #expect(answer.location == page + "?done=rescan")
            #expect(try await browser.get(answer.location).text.contains("in the queue, in front"))
            #expect(images.rescans == ["\(SampleImages.cart) admin"])
            let waits = try await browser.post(Self.path(SampleImages.waiting, "/scan"), [:], page: page)
            #expect(waits.location.hasSuffix("done=rescanWaits"))
            #expect(try await browser.post(Self.path("sha256:none", "/scan"), [:], page: page).status == .notFound)
        }
        try await viewing(as: "vera") { browser, images in
            let page = Self.path(SampleImages.cart)
            let text = try await browser.get(page).text
            #expect(text.contains("CycloneDX") && !text.contains("Scan again"))
            #expect(try await browser.post(page + "/scan", [:]).status == .forbidden)
            #expect(images.rescans.isEmpty)
        }
    }

    // MARK: Vulnerabilities

    @Test func vulnerabilitiesLeadToWhereTheyAreMended() async throws {
        try await viewing { browser, _ in
            let list = try await browser.get("/vulnerabilities").text
            for text in ["CVE-2021-44228", "exploited", "94 %", "3 images not scanned yet", "Page 1 of"] {
                #expect(list.contains(text), "\(text)")
            }
            #expect(try await browser.get("/vulnerabilities?text=nothing").text.contains("No vulnerability matches"))
            #expect(try await browser.get("/vulnerabilities?exploited=maybe").status == .badRequest)
            let one = try await browser.get("/vulnerabilities/CVE-2024-5535").text
            for text in [
                "Where to mend first", "nginx:1.25", "shop/cart:1.2", "22 pods", "15 pods", "and 3 more workloads",
                "An upgrade mends it everywhere", "GHSA-4fc7-mvrr-wv2c", "AV:N/AC:L", "120 days ago",
                "href=\"https://www.openssl.org/news/secadv/20240627.txt\" rel=\"noopener noreferrer nofollow\"",
            ] {
                #expect(one.contains(text), "\(text)")
            }
            // What most pods run comes first.
            let (first, second) = (one.range(of: "nginx:1.25"), one.range(of: "shop/cart:1.2"))
            #expect(Self.comes(first, before: second))
            #expect(try await browser.get("/vulnerabilities/CVE-1").status == .notFound)
        }
    }

    @Test func hostileTextsStayTexts() async throws {
        try await viewing { browser, _ in
            let vulnerability = "/vulnerabilities/\(Fields.encode(SampleImages.hostileID))"
            for path in [
                "/", "/images", Self.path(SampleImages.evil), Self.path(SampleImages.evil, "/vulnerabilities"),
                Self.path(SampleImages.evil, "/packages"), Self.path(SampleImages.evil, "/layers"), "/vulnerabilities",
                vulnerability,
            ] {
                let page = try await browser.get(path)
                #expect(page.status == .ok, "\(path): \(page.status)")
                for planted in ["<script>alert", "<img src=x", "\" onfocus=alert", "javascript:alert(1)\""] {
                    #expect(!page.text.contains(planted), "\(path) shows \(planted)")
                }
                #expect(page.text.components(separatedBy: "<script").count == 2, "\(path)")
            }
            let page = try await browser.get(vulnerability).text
            let links = page.components(separatedBy: "<ul class=\"links\">")[1].components(separatedBy: "</ul>")[0]
            #expect(links.components(separatedBy: " href=").count == 2, "\(links)")
            #expect(links.contains("href=\"HTTPS://GOOD.example/?a=1&amp;b=2\" rel=\"noopener"))
            let answer = try await browser.get("/api/v1\(Self.path(SampleImages.evil, "/vulnerabilities"))").text
            #expect(answer.contains(#""score":null"#) && answer.contains(#""exploitProbability":null"#))
        }
    }

    /// Follows every link of these pages: each leads somewhere, and stays in its place.
    @Test func everyLinkLeadsSomewhere() async throws {
        try await viewing { browser, _ in
            var (waiting, seen): ([String], Set<String>) = (["/images", "/images?past=true"], [])
            while let path = waiting.popLast(), seen.count < 400 {
                let answer = try await browser.get(path)
                // Workloads of the sample that no inspection has seen have a page too.
                #expect(answer.status == .ok, "\(path): \(answer.status)")
                guard answer.headers[.contentType]?.hasPrefix("text/html") == true else { continue }
                for link in PagesTests.values(of: "href", in: answer.text) {
                    let target = String(link.prefix { $0 != "#" })
                    let isOurs = ["/images", "/vulnerabilities", "/workload?"].contains { target.hasPrefix($0) }
                    guard isOurs, seen.insert(target).inserted else { continue }
                    waiting.append(target)
                }
                for action in PagesTests.values(of: "action", in: answer.text) {
                    #expect(RouteTable.all.contains { $0.matches(path: action) }, "\(path) has a form for \(action)")
                }
            }
            #expect(seen.count > 100)
        }
    }

    // MARK: Elsewhere

    @Test func overviewAndWorkloadsLeadToImages() async throws {
        let console = try await ConsoleFixture(images: SampleImages())
        try await console.fill()
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            let overview = try await browser.get("/").text
            #expect(overview.contains("image-tile") && overview.contains("4 in the queue"))
            #expect(overview.contains("1 image could not be scanned"))
            let busy = try await browser.get("/workload?kind=Deployment&namespace=shop&name=thumbnails").text
            #expect(busy.contains("href=\"\(Self.path(SampleImages.cart))\"") && busy.contains("open finding"))
            // Nothing was ever found in this one, but it runs an image.
            let other = try await browser.get("/workload?kind=Deployment&namespace=payments&name=payments-api")
            #expect(other.status == .ok && other.text.contains("no open findings"))
            #expect(other.text.contains("malware: 1 file"))
            #expect(try await browser.get("/workload?kind=Deployment&namespace=shop&name=none").status == .notFound)
            let answer = try await browser.get("/api/v1/workload?kind=Deployment&namespace=payments&name=payments-api")
            #expect(answer.text.contains(#""images":[{"container":"api""#))
        }
    }

    /// What a workload has by its images stands with all else that it has, whichever of the two is asked for.
    @Test func findingsOfItsImagesStandWithTheWorkload() async throws {
        let console = try await ConsoleFixture(images: SampleImages())
        try await console.fill()
        let runner = Subject(
            apiVersion: "apps.images.bulwark.dev/v1", kind: "Deployment images", namespace: "shop", name: "thumbnails")
        let image = Subject(
            apiVersion: "images.bulwark.dev/v1", kind: "Image", name: "shop/cart@\(SampleImages.cart)")
        let check = Check(
            id: "BW-IMG-901", slug: "sample", area: "image", title: "Runs an image with known vulnerabilities",
            severity: .critical, why: "", remediation: "")
        for (number, subject) in [runner, image].enumerated() {
            let result = CheckResult(
                check: check, outcome: .fail, subject: subject, container: "cart",
                message: "2 critical, an upgrade mends 1", fingerprint: Fingerprint(high: 9, low: UInt64(number)))
            try await console.store.ledger.record([InspectedObject(subject: subject, results: [result])], report: nil)
        }
        let workload = Subject(apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "thumbnails")
        #expect(runner.imageRunner == workload && workload.runningImages == runner)
        try await console.test { browser in
            try await browser.logIn("admin", console.password)
            for subject in [
                workload, runner, Subject(apiVersion: "", kind: "Deployment", namespace: "shop", name: "thumbnails"),
            ] {
                let page = try await browser.get("/workload?\(subject.query)").text
                for text in [
                    "<h1>Deployment thumbnails</h1>", "BW-IMG-901", "an upgrade mends 1", "BW-PRIV-003",
                    "name=\"kind\" value=\"Deployment images\"", "Suggested patch",
                ] {
                    #expect(page.contains(text), "\(subject.query): \(text)")
                }
            }
            let answer = try await browser.get("/api/v1/workload?\(runner.query)").text
            #expect(answer.contains(#""check":"BW-IMG-901""#) && answer.contains(#""check":"BW-PRIV-003""#))
            let own = try await browser.get("/workload?\(image.query)").text
            #expect(own.contains("This is an image: <a href=\"\(Self.path(SampleImages.cart))\""))
        }
    }

    @Test func theAPITellsTheSame() async throws {
        let console = try await ConsoleFixture(images: SampleImages())
        try await console.api { client in
            let list = try await client.get("/images?limit=2")
            #expect(list["total"]?.int == 8 && list["items"]?.count == 2)
            #expect(list["items"]?[0]?["vulnerabilities"]?["critical"]?.int == 2)
            let image = try await client.get(Self.path(SampleImages.cart))
            #expect(image["layers"]?.count == 5 && image["users"]?.count == 3)
            let critical = try await client.get(Self.path(SampleImages.cart, "/vulnerabilities?severity=critical"))
            #expect(critical["total"]?.int == 2 && critical["items"]?[0]?["id"]?.string == "CVE-2023-45853")
            #expect(try await client.get(Self.path(SampleImages.cart, "/packages?limit=1&page=2"))["total"]?.int == 192)
            #expect(try await client.get("/images/queue")["running"]?[0]?["layersDone"]?.int == 3)
            #expect(try await client.get("/images/trend?days=7")["total"]?.int == 7)
            #expect(try await client.ask(.get, "/images/trend?days=0").status == .badRequest)
            #expect(try await client.get("/vulnerabilities/CVE-2024-5535")["places"]?.count == 2)
            let scan = try await client.ask(.post, Self.path(SampleImages.cart, "/scan"))
            #expect(scan.status == .accepted)
            let again = try await client.ask(.post, Self.path(SampleImages.waiting, "/scan"))
            #expect(again.status == .conflict && again.problem == "conflict")
        }
    }
}

struct ImageWordsTests {
    @Test(arguments: [
        ("docker.io/library/nginx:1.27", "nginx:1.27", "docker.io"), ("nginx", "nginx", ""),
        ("docker.io/bitnami/redis:7", "bitnami/redis:7", "docker.io"), ("localhost/x:1", "x:1", "localhost"),
        ("registry:5000/a/b", "a/b", "registry:5000"), ("shop/cart", "shop/cart", ""), ("", "", ""), ("/", "/", ""),
        ("a.b/c@sha256:0123456789abcdef0123", "c@sha256:0123456789ab", "a.b"), ("a.b/", "", "a.b"),
    ])
    func references(text: String, name: String, registry: String) {
        #expect(Words.image(text) == (name, registry))
    }

    @Test(arguments: [
        (0 as Int64, "0 B"), (-5, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (999_499, "999 kB"), (999_500, "1.0 MB"), (386_000_000, "386 MB"), (5_400_000_000, "5.4 GB"),
        (.max, "9223372 TB"),
    ])
    func sizes(bytes: Int64, text: String) { #expect(Words.size(bytes) == text) }

    @Test(arguments: [
        (0.94 as Double?, "94 %"), (0.0421, "4.2 %"), (0.0004, "< 0.1 %"), (0, "< 0.1 %"), (1, "100 %"), (nil, ""),
        (.nan, ""), (-1, ""), (2, ""), (.infinity, ""),
    ])
    func shares(share: Double?, text: String) { #expect(Words.percent(share) == text) }

    @Test(arguments: [
        ("https://a.example/b?c=d#e", true), ("http://a.example", true), ("HTTPS://A.example", true),
        ("javascript:alert(1)", false), ("https:/a", false), ("//a.example", false), ("https://a b", false),
        ("https://a\n", false), ("https://a/\"x", false), ("https://a/<b>", false), ("https://ä.example", false),
        ("ftp://a.example", false), ("", false),
        (" https://a", false), ("https://" + String(repeating: "a", count: 2000), false),
    ])
    func links(text: String, isLink: Bool) {
        if case .text(let address) = Words.address(text) {
            #expect(isLink && address == text)
        } else {
            #expect(!isLink)
        }
    }

    @Test(arguments: [
        ("var/lib/dpkg/status", ""), ("var/lib/dpkg/status.d/base", ""), ("lib/apk/db/installed", ""),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", ""), ("var/lib/rpm/Packages", ""), ("app/x.jar", "app/x.jar"),
        ("app/lib/rpm/x", "app/lib/rpm/x"), ("", ""),
    ])
    func places(path: String, shown: String) { #expect(Words.place(path) == shown) }

    @Test func upgradesAreOrderedByWhatTheyMend() {
        func found(_ id: String, _ severity: Severity, _ package: String, _ fixed: String, _ exception: String = "")
            -> ImageDetail.Vulnerability
        {
            .init(
                id: id, title: "", severity: severity, package: package, version: "1", fixedVersion: fixed,
                status: fixed.isEmpty ? "affected" : "fixed", exception: exception)
        }
        let upgrades = ImageUpgrade.of([
            found("1", .high, "many", "2"), found("2", .high, "many", "3"), found("3", .low, "many", "2"),
            found("4", .critical, "worst", "9"), found("5", .critical, "unmended", ""),
            found("6", .critical, "excepted", "2", "because"), found("4", .critical, "worst", "9"),
            found("7", .low, "b", "2"), found("8", .low, "a", "2"),
        ])
        #expect(upgrades.map(\.package) == ["worst", "many", "a", "b"])
        #expect(upgrades[0].counts == [.critical: 1])
        #expect(upgrades[1].counts == [.high: 2, .low: 1] && upgrades[1].fixed == ["2", "3"])
    }

    @Test func chartsTakeAnything() {
        let points = [
            ImageTrendPoint(time: .min, images: 0, vulnerabilities: [:], fixable: 0),
            ImageTrendPoint(time: .max, images: -1, vulnerabilities: [.critical: -4, .low: 1_000_000], fixable: -9),
        ]
        for count in 0...2 {
            let html = ImageTrendChart.draw(Array(points.prefix(count))).html
            #expect(html.hasPrefix("<svg") && html.hasSuffix("</svg>") && !html.contains("nan"))
        }
    }
}
