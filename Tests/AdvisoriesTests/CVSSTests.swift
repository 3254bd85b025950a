// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Findings
import Testing

@Suite struct CVSSTests {
    /// Vectors with the scores that FIRST's example documents and the National Vulnerability Database publish.
    @Test(arguments: [
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8, Severity.high), ("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", 10.0, .high),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2, .medium), ("CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:N/A:N", 5.0, .medium),
        ("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3, .medium), ("AV:L/AC:L/Au:N/C:N/I:N/A:N", 0.0, .informational),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1, .medium),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4, .medium),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1, .low),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", 9.9, .critical),
        ("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2, .medium),
        ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 6.8, .medium),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5, .high),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9, .medium),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0, .critical),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, .informational),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O", 9.8, .critical),
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.3, .high),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 7.7, .high),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", 8.3, .high),
        ("CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", 4.6, .medium),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0, .critical),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:N/VA:N/SC:N/SI:N/SA:N", 8.7, .high),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0, .informational),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:U", 9.1, .critical),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N/MSI:S/CR:L", 8.9, .high),
    ]) func scores(_ vector: String, _ score: Double, _ rating: Severity) throws {
        let read = try #require(CVSSVector(vector))
        #expect(read.score == score)
        #expect(read.rating == rating)
    }

    @Test(arguments: [
        "", "CVSS:3.1", "CVSS:3.1/AV:N", "CVSS:9.9/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:S/SA:H", "AV:N/AC:L/Au:N/C:C/I:C", "7.5", "AV/AC",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:Q",
    ]) func refuses(_ vector: String) { #expect(CVSSVector(vector) == nil) }

    @Test func prefersThePublishersWord() {
        let cvss3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
        let own = AdvisorySeverity(cvss2: "", cvss3: cvss3, cvss4: "", rating: "Moderate", record: "ALSA-2024:1")
        #expect(own.severity == .medium && own.source == "AlmaLinux" && own.score == 9.8)
        let none = AdvisorySeverity(
            cvss2: "", cvss3: cvss3, cvss4: "nonsense", rating: "not yet assigned", record: "DSA-1")
        #expect(none.severity == .critical && none.source == "CVSS 3.1")
        let unknown = AdvisorySeverity(cvss2: "", cvss3: "", cvss4: "", rating: "", record: "GO-1")
        #expect(unknown.severity == .unknown && unknown.source.isEmpty && unknown.score == nil)
    }
}
