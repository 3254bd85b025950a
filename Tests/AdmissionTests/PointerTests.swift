// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Admission

@Suite struct PointerTests {
    @Test func namesAreEscaped() {
        #expect(JSONPatchOperation.pointer("metadata", "annotations", "a/b~c") == "/metadata/annotations/a~1b~0c")
    }
}
