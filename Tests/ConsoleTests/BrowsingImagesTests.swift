// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Console

extension BrowserTests {
    @Test func followsScansAndAsksForMore() async throws {
        try await browse { chromium, base, console in
            try await logIn(chromium, base, console)
            let images = try #require(console.images)
            try await chromium.open(base + "/images")
            #expect(try await chromium.text(".jobs span") == "layer 4 of 9, 14 s")
            // The queue moves on without a reload, and what is being read is not lost.
            _ = try await chromium.script("window.same = true; return true")
            images.set { $0.running[0].layersDone = 7 }
            try await chromium.wait(until: "document.querySelector('.jobs progress').value === 7")
            images.set { ($0.running, $0.waiting) = ([], 0) }
            try await chromium.wait(until: "document.querySelector('#queue').textContent.includes('Nothing to do')")
            #expect(try await chromium.holds("window.same && !document.querySelector('[data-live]')"))
            // A box is applied at once.
            try await chromium.click("input[name='malware']")
            try await chromium.wait(until: "location.search.includes('malware=true')")
            #expect(try await chromium.holds("document.querySelector('input[name=malware]').checked"))
            try await chromium.wait(until: "document.querySelectorAll('.images tbody tr').length === 2")
            try await chromium.open(base + "/images/\(SampleImages.cart)")
            try await chromium.click("form[action$='/scan'] button")
            try await chromium.wait(until: "document.querySelector('.notice')")
            #expect(try await chromium.text(".notice") == "The image is in the queue, in front of the others.")
            #expect(images.rescans == ["\(SampleImages.cart) admin"])
            // From the image to the vulnerability, to the workload, and back to the image.
            try await chromium.click(".tabs a:nth-child(2)")
            try await chromium.wait(until: "location.pathname.endsWith('/vulnerabilities')")
            try await chromium.click("tbody td:nth-child(2) a")
            try await chromium.wait(until: "location.pathname.startsWith('/vulnerabilities/CVE-')")
            try await chromium.click(".places td:nth-child(4) a")
            try await chromium.wait(until: "location.pathname === '/workload'")
            try await chromium.click("#images a")
            try await chromium.wait(until: "location.pathname.startsWith('/images/')")
        }
    }
}
