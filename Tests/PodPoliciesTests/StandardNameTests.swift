// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PodPolicies

@Suite struct StandardNameTests {
    @Test(arguments: ["restricted", "baseline@v1.30", "privileged@latest"])
    func readsNames(_ text: String) {
        #expect(PodSecurityStandard(text) != nil)
    }

    @Test(arguments: ["", "strict", "baseline@", "baseline@v1.", "baseline@v1.03", "baseline@v2.1", "baseline@1.2"])
    func refusesOthers(_ text: String) {
        #expect(PodSecurityStandard(text) == nil)
    }
}
