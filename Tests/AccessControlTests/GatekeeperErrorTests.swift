// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Testing

@Suite struct GatekeeperErrorTests {
    @Test func saysWhatIsWrong() {
        #expect(GatekeeperError(.invalid, "spec.match is no object").description == "spec.match is no object")
    }
}
