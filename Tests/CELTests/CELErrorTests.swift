// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Testing

@Suite struct CELErrorTests {
    @Test func namesItsPlace() {
        #expect(CELError(.syntax, "unexpected )", line: 2, column: 7).description == "2:7: unexpected )")
    }
}
