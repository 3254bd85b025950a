// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import Testing

struct RecordReadingTests {
    private static let texts = ["", "plain", "\"quoted\" \\ back", "line\nend\u{0}\u{1f}\u{7f}", "é 日本 👩‍👩‍👧", "</script>"]

    private static func decision(_ text: String, reasons: Int) -> AdmissionDecision {
        AdmissionDecision(
            uid: text, time: 1_790_000_000_123, reviewer: "pod-policies", action: .deny, allowed: false,
            operation: "UPDATE",
            subject: Subject(cluster: text, apiVersion: "v1", kind: "Pod", namespace: text, name: text),
            workload: text, user: text, serviceAccount: text, policy: text,
            reasons: (0..<reasons).map {
                .init(policy: text, container: "\($0)", path: text, value: text, message: text, remedy: text)
            }, dryRun: reasons == 1, changed: reasons == 2, microseconds: 4711)
    }

    private func read(_ bytes: [UInt8]) -> AdmissionRecord? { bytes.withUnsafeBytes { RecordReading.record($0) } }

    @Test func everythingComesBackAsItWas() {
        for text in Self.texts {
            for reasons in [0, 1, 2, 100] {
                for action in AdmissionDecision.Action.allCases {
                    var decision = Self.decision(text, reasons: reasons)
                    decision.action = action
                    #expect(!decision.json.contains(UInt8(ascii: "\n")))
                    #expect(read(AdmissionRecord.decision(decision).json) == .decision(decision))
                    #expect(RecordReading.decision(json: String(decoding: decision.json, as: UTF8.self)) == decision)
                }
            }
            let tally = AdmissionRecord.tally(
                AdmissionTally(minute: 60, policy: text, action: .audit, count: 3, changed: 1, microseconds: 9))
            #expect(read(tally.json) == tally)
            let clean = AdmissionRecord.clean(workload: Self.decision(text, reasons: 0).admission, time: 5)
            #expect(read(clean.json) == clean)
        }
    }

    @Test func boundsHold() {
        var decision = Self.decision(String(repeating: "é", count: 10_000), reasons: 10_000)
        decision = decision.bounded
        #expect(decision.reasons.count == 100)
        #expect(decision.reasons.last?.message == "and 9901 more reasons, which are not kept")
        #expect(decision.json.count < 1 << 20)
        #expect(decision.bounded == decision)
        #expect(read(AdmissionRecord.decision(decision).json) == .decision(decision))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"decision":{}}"#, #"{"decision":[]}"#,
        #"{"decision":{"action":"maybe","time":1,"allowed":true}}"#,
        #"{"decision":{"action":"deny","time":-1,"allowed":true}}"#,
        #"{"decision":{"action":"deny","time":1,"allowed":"true"}}"#,
        #"{"decision":{"action":"deny","time":1,"allowed":true,"reasons":[1]}}"#,
        #"{"tally":{"minute":61,"action":"deny","count":1,"changed":0,"microseconds":0}}"#,
        #"{"tally":{"minute":60,"action":"deny","count":9999999999,"changed":0,"microseconds":0}}"#,
        #"{"clean":{"time":1,"apiVersion":"apps/v1","kind":"Deployment","name":"x"}}"#,
        #"{"decision":{"action":"deny","time":1"#,
    ])
    func anythingElseIsRefused(_ text: String) { #expect(read(Array(text.utf8)) == nil) }
}
