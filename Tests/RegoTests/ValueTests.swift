// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import Testing

@Suite struct ValueTests {
    @Test func kindsComeInOrder() throws {
        let values: [Value] = [
            .null, .bool(false), .bool(true), .int(-1), .int(2), .string("a"), .string("b"), .array([]),
            .array([.int(1)]), .emptyObject, .object(ObjectValue([(.string("a"), .int(1))])), .emptySet,
        ]
        for (one, two) in zip(values, values.dropFirst()) {
            #expect(compare(one, two) < 0)
            #expect(compare(two, one) > 0)
        }
    }

    @Test func textIsComparedByBytes() {
        #expect(compare(.string("\u{E9}"), .string("e\u{301}")) != 0)
        #expect(compare(.string("a"), .string("aa")) < 0)
    }

    @Test func setsHoldEachMemberOnce() {
        let set = SetValue([.int(2), .int(1), .int(2)])
        #expect(set.count == 2)
        #expect(set.contains(.int(1)))
        #expect(!set.contains(.int(3)))
    }
}
