// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import Foundation
import Synchronization

/// The text of a review of a pod; `changes` replaces or removes top-level fields of the request by their JSON text.
func reviewText(_ changes: [String: String?] = [:], apiVersion: String = "admission.k8s.io/v1") -> String {
    var fields: [String: String] = [
        "uid": #""705ab4f5-6393-11e8-b7cc-42010a800002""#,
        "kind": #"{"group":"","version":"v1","kind":"Pod"}"#,
        "resource": #"{"group":"","version":"v1","resource":"pods"}"#,
        "namespace": #""shop""#, "name": #""cart""#, "operation": #""CREATE""#,
        "userInfo": #"{"username":"jane","groups":["dev","system:authenticated"]}"#,
        "object": #"{"metadata":{"name":"cart"},"spec":{"containers":[{"name":"c","image":"a.example/b:1"}]}}"#,
        "oldObject": "null", "dryRun": "false",
    ]
    for (name, value) in changes { fields[name] = value }
    let body = fields.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
    return #"{"kind":"AdmissionReview","apiVersion":"\#(apiVersion)","request":{\#(body)}}"#
}

func request(name: String = "cart", dryRun: Bool = false) -> AdmissionRequest {
    AdmissionRequest(
        uid: "u-1", operation: .create, kind: .init(group: "", version: "v1", name: "Pod"),
        resource: .init(group: "", version: "v1", name: "pods"), namespace: "shop", name: name, user: "jane",
        dryRun: dryRun)
}

/// Says what it is told to say.
final class FakeReviewer: Reviewer {
    let name: String
    let failurePolicy: FailurePolicy
    private let wait = Mutex<String?>(nil)
    private let body: @Sendable (AdmissionRequest, ReviewPhase) async throws -> Review
    private let phases: Set<ReviewPhase>

    init(
        _ name: String = "fake", _ failurePolicy: FailurePolicy = .fail,
        phases: Set<ReviewPhase> = Set(ReviewPhase.allCases),
        _ body: @escaping @Sendable (AdmissionRequest, ReviewPhase) async throws -> Review = { _, _ in .allow }
    ) {
        self.name = name
        self.failurePolicy = failurePolicy
        self.phases = phases
        self.body = body
    }

    var waitsFor: String? {
        get { wait.withLock { $0 } }
        set { wait.withLock { $0 = newValue } }
    }

    func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool { phases.contains(phase) }

    func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        try await body(request, phase)
    }
}

final class FakeRecorder: DecisionRecorder {
    private let all = Mutex<[AdmissionDecision]>([])
    var decisions: [AdmissionDecision] { all.withLock { $0 } }
    func record(_ decision: AdmissionDecision) { all.withLock { $0.append(decision) } }
}

struct Failure: Error, CustomStringConvertible { let description = "the disk is full" }

/// A value that tasks share.
final class Box<Value: Sendable>: Sendable {
    private let kept: Mutex<Value>
    init(_ value: Value) { kept = Mutex(value) }
    var value: Value {
        get { kept.withLock { $0 } }
        set { kept.withLock { $0 = newValue } }
    }
    func change(_ body: @Sendable (inout Value) -> Void) { kept.withLock { body(&$0) } }
}
