// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

@Suite struct CoverageTests {
    private static let policy = """
        package a

        allow if {
            input.x > 1
            every y in input.ys {
                y != 2
            }
        }

        xs := [x | some x in input.ys; x > 1]

        never if {
            input.z
            input.w
        }

        limit := 3
        """

    @Test func showsWhichLinesWereComeTo() throws {
        let instruments = RegoInstruments()
        let policy = try RegoPolicy(
            [ModuleSource(name: "a.rego", text: CoverageTests.policy)], version: .v1, instruments: instruments)
        let input = Value.object(
            ObjectValue([(.string("x"), .int(2)), (.string("ys"), .array([.int(1), .int(3), .int(4)]))]))
        let value = try policy.prepare("data.a").evaluate(input: input, context: BuiltinContext(now: 0))
        #expect(value?.json == #"{"allow":true,"limit":3,"xs":[3,4]}"#)
        let report = RegoCoverage(instruments.settled())
        #expect(
            report.json.json
                == #"{"coverage":77.78,"covered_lines":7,"files":{"a.rego":{"coverage":77.78,"covered":["#
                + #"{"end":{"row":6},"start":{"row":3}},{"end":{"row":10},"start":{"row":10}},"#
                + #"{"end":{"row":13},"start":{"row":13}},{"end":{"row":17},"start":{"row":17}}],"covered_lines":7,"#
                + #""not_covered":[{"end":{"row":12},"start":{"row":12}},{"end":{"row":14},"start":{"row":14}}],"#
                + #""not_covered_lines":2}},"not_covered_lines":2}"#)
        let profile = report.profile(limit: 100).elements ?? []
        let inner = profile.first { $0.members?["location"]?.members?["row"]?.json == "6" }
        #expect(inner?.members?["num_eval"]?.json == "3")
        #expect(report.profile(limit: 1).elements?.count == 1)
    }

    @Test func changesNothingOfAnswersAndErrors() throws {
        #expect(throws: RegoErrors.self) {
            try RegoPolicy(
                [ModuleSource(name: "a.rego", text: "package a\np if x")], version: .v1, instruments: RegoInstruments())
        }
    }
}
