// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import CEL
import Documents
import Kubernetes
import Synchronization

/// What an API server said about rights before a judgement, and what the judgement turned out to ask besides. Judging is
/// synchronous: what is missing is noted, asked for, and the judgement begun anew.
final class RightsAnswers: Sendable {
    private struct State {
        var known: [CELAuthorizationQuestion: CELAuthorizationAnswer] = [:]
        var missing: Set<CELAuthorizationQuestion> = []
    }

    /// How often a judgement may turn out to need more.
    static let maxRounds = 8
    private static let maxQuestions = 100
    private let state = Mutex(State())

    var authorizer: CELAuthorizer {
        CELAuthorizer { [self] question in
            state.withLock { state in
                if let answer = state.known[question] { return answer }
                guard state.known.count + state.missing.count < Self.maxQuestions else {
                    return CELAuthorizationAnswer(
                        isAllowed: false, error: "more than \(Self.maxQuestions) questions about rights")
                }
                state.missing.insert(question)
                return CELAuthorizationAnswer(isAllowed: false, error: "not asked yet")
            }
        }
    }

    /// What was asked and is not known; nothing is missing afterwards.
    func takeMissing() -> Set<CELAuthorizationQuestion> {
        state.withLock { state in
            defer { state.missing = [] }
            return state.missing
        }
    }

    func set(_ question: CELAuthorizationQuestion, _ answer: CELAuthorizationAnswer) {
        state.withLock { $0.known[question] = answer }
    }
}

/// Asks the API server about rights (SubjectAccessReview, authorization.k8s.io/v1).
package struct RightsReader: Sendable {
    private let client: APIClient

    package init(_ client: APIClient) { self.client = client }

    /// - Parameter request: whose user is meant where the question names none.
    package func answer(
        _ question: CELAuthorizationQuestion, _ request: AdmissionRequest
    ) async -> CELAuthorizationAnswer {
        let user = question.user ?? request.user
        let groups = question.user.map(Self.groups(ofServiceAccount:)) ?? request.groups
        var spec: [(String, EditValue)] = [
            ("user", .string(user)), ("groups", .array(groups.map(EditValue.string))),
        ]
        func attributes(_ pairs: [(String, String)]) -> EditValue {
            .object(pairs.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) })
        }
        if let path = question.path {
            spec.append(("nonResourceAttributes", attributes([("path", path), ("verb", question.verb)])))
        } else {
            guard question.fieldSelector.isEmpty, question.labelSelector.isEmpty else {
                return CELAuthorizationAnswer(isAllowed: false, error: "selectors cannot be asked about here")
            }
            spec.append(
                (
                    "resourceAttributes",
                    attributes([
                        ("group", question.group), ("resource", question.resource),
                        ("subresource", question.subresource), ("namespace", question.namespace),
                        ("name", question.name), ("verb", question.verb),
                    ])
                ))
        }
        let review = EditValue.object([
            ("apiVersion", "authorization.k8s.io/v1"), ("kind", "SubjectAccessReview"), ("spec", .object(spec)),
        ])
        do {
            // It stores nothing, so asking twice is asking once.
            let status = try await client.send(
                APIRequest(
                    .post, path: "/apis/authorization.k8s.io/v1/subjectaccessreviews", body: .json(review.json),
                    isIdempotent: true, attempts: 2)
            ).root["status"]
            return CELAuthorizationAnswer(
                isAllowed: status?["allowed"]?.bool == true && status?["denied"]?.bool != true,
                reason: status?["reason"]?.string ?? "", error: status?["evaluationError"]?.string ?? "")
        } catch {
            return CELAuthorizationAnswer(isAllowed: false, error: "\(error)")
        }
    }

    /// The groups that every service account is in.
    private static func groups(ofServiceAccount user: String) -> [String] {
        let parts = user.split(separator: ":")
        guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount" else { return [] }
        return ["system:serviceaccounts", "system:serviceaccounts:\(parts[2])", "system:authenticated"]
    }
}
