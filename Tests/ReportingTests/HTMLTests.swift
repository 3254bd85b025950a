// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import FoundationXML
import Testing

@testable import Reporting

@Suite struct HTMLTests {
    @Test func everythingHostileIsEscaped() {
        let text = Samples.encode(.html, EncodingOptions(showAll: true))
        #expect(Samples.controls(text).isEmpty)
        #expect(!text.contains("<script") && !text.contains("<img") && !text.contains("</td>"))
        #expect(text.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\\u{202e}"))
        #expect(!text.contains("http://"))
        #expect(!text.contains("src=\"") && !text.contains("url("), "the page loads nothing")
    }

    @Test func tagsAreBalanced() throws {
        // The page without the tags that HTML leaves open is XML.
        var text = Samples.encode(.html, EncodingOptions(showAll: true))
        text.removeFirst("<!doctype html>".count)
        let start = try #require(text.firstRange(of: "<meta")).lowerBound
        let end = try #require(text.firstRange(of: "<style>")).lowerBound
        text.removeSubrange(start..<end)
        text = text.replacingOccurrences(of: " checked>", with: " checked=\"\"/>")
        let document = try XMLDocument(data: Data(text.utf8))
        let items = try document.nodes(forXPath: "//li")
        #expect(items.count == Samples.results.count)
        let targets = try Set(document.nodes(forXPath: "//section[@id]/@id").compactMap(\.stringValue))
        let links = try document.nodes(forXPath: "//li/a/@href").compactMap(\.stringValue)
        #expect(links.count == 6 && links.allSatisfy { targets.contains(String($0.dropFirst())) })
    }

    @Test func namesEverythingOfAFailure() {
        let text = Samples.encode(.html)
        for part in [
            "Deployment shop/cart", "cart.yaml:9", "line 17", "Container app runs privileged", "privileged = true",
            "A privileged container owns the node.", "Set securityContext.privileged to false.", "exempted by payments",
            "CIS 5.2.5", "2026-03-01 09:30:00 UTC",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("All labels are there"), "passes only with --all")
    }

    @Test func tooLargeABodyIsCounted() {
        var page = ""
        let output = OutputBuffer { page += String(decoding: $0, as: UTF8.self) }
        var encoder = HTMLEncoder(output: output, options: EncodingOptions(), bodyLimit: 10_000)
        encoder.begin(Samples.context())
        for number in 0..<2000 {
            var result = Samples.results[1]
            result.subject.name = "cart-\(number)"
            encoder.add(result)
        }
        encoder.finish(Samples.summary)
        #expect(page.utf8.count < 30_000 && page.contains("more results are left out of this page"))
        #expect(page.contains("2000 results"))
    }

    @Test func onlyWebPagesBecomeLinks() {
        let check = Check(
            id: "BW-X-001", slug: "x", area: "x", title: "t", severity: .low, why: "", remediation: "",
            references: ["javascript:alert(1)", "https://example.org/\"onclick=x"])
        let text = Samples.encode(.html, results: [Samples.result(check, .fail, number: 1)])
        #expect(!text.contains("href=\"javascript") && !text.contains("\"onclick"))
        #expect(text.contains("href=\"https://example.org/&quot;onclick=x\""))
    }
}
