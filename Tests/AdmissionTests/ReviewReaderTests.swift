// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import Admission

@Suite struct ReviewReaderTests {
    private func read(_ text: String) throws -> AdmissionRequest {
        try Array(text.utf8).withUnsafeBytes { try ReviewReader.read($0) }
    }

    @Test func everyField() throws {
        let request = try read(
            reviewText([
                "operation": #""UPDATE""#, "subResource": #""ephemeralcontainers""#, "dryRun": "true",
                "oldObject": #"{"metadata":{"name":"old"}}"#,
                "kind": #"{"group":"apps","version":"v1","kind":"Deployment"}"#,
                "resource": #"{"group":"apps","version":"v1","resource":"deployments"}"#,
            ]))
        #expect(request.uid == "705ab4f5-6393-11e8-b7cc-42010a800002")
        #expect(request.operation == .update && request.dryRun && request.subresource == "ephemeralcontainers")
        #expect(request.kind == GroupVersionName(group: "apps", version: "v1", name: "Deployment"))
        #expect(request.resource == GroupVersionName(group: "apps", version: "v1", name: "deployments"))
        #expect(request.namespace == "shop" && request.name == "cart")
        #expect(request.user == "jane" && request.groups == ["dev", "system:authenticated"])
        #expect(request.object?["metadata"]?["name"]?.string == "cart")
        #expect(request.oldObject?["metadata"]?["name"]?.string == "old")
    }

    @Test func whatMayBeMissing() throws {
        let request = try read(
            reviewText([
                "operation": #""DELETE""#, "object": "null", "name": nil, "namespace": nil, "dryRun": nil,
                "userInfo": "{}",
            ]))
        #expect(request.object == nil && request.oldObject == nil && !request.dryRun)
        #expect(request.name.isEmpty && request.user.isEmpty && request.groups.isEmpty)
        _ = try read(reviewText(["operation": #""CONNECT""#, "object": nil]))
    }

    @Test(arguments: [
        ("", "empty"), ("[]", "expected an AdmissionReview"), ("{}", "kind is missing"),
        (#"{"kind":"Pod","apiVersion":"v1"}"#, #"kind is "Pod""#),
        (reviewText(apiVersion: "admission.k8s.io/v1beta1"), "expected admission.k8s.io/v1"),
        (reviewText(apiVersion: "admission.k8s.io/v2"), "expected admission.k8s.io/v1"),
        (#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, "request is missing"),
        (reviewText(["uid": nil]), "uid is missing"), (reviewText(["uid": #""""#]), "uid is missing"),
        (reviewText(["uid": "7"]), "uid is no string"),
        (reviewText(["uid": "\"\(String(repeating: "u", count: 129))\""]), "longer than 128"),
        (reviewText(["uid": "\"\(String(repeating: "u", count: 1 << 20))\""]), "longer than 128"),
        (reviewText(["uid": #""a\u0000b""#]), "not printable"), (reviewText(["uid": #""é""#]), "not printable"),
        (reviewText(["operation": #""PATCH""#]), "expected CREATE"),
        (reviewText(["operation": nil]), "expected CREATE"),
        (reviewText(["kind": nil]), "request.kind"), (reviewText(["kind": #"{"group":""}"#]), "no version"),
        (reviewText(["resource": "[]"]), "request.resource"), (reviewText(["userInfo": "[]"]), "userInfo"),
        (reviewText(["userInfo": #"{"username":1}"#]), "username"),
        (reviewText(["userInfo": #"{"groups":{}}"#]), "groups"),
        (reviewText(["userInfo": #"{"groups":[1]}"#]), "groups"),
        (reviewText(["dryRun": #""yes""#]), "dryRun is no boolean"), (reviewText(["object": #""pod""#]), "no object"),
        (reviewText(["object": nil]), "object is missing"), (reviewText(["namespace": "{}"]), "namespace"),
        (reviewText(["object": #"{"a":1,"a":2}"#]), "already set"),
        (String(reviewText().dropLast(3)), "ends before"), (reviewText() + "x", "nothing after"),
        (
            reviewText([
                "object": "{\"a\":" + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
            ]),
            "nested deeper"
        ),
        (reviewText(["object": "{\"a\":[" + String(repeating: "1,", count: 1_000_001) + "1]}"]), "more values"),
    ]) func badReviews(_ text: String, _ message: String) {
        let error = #expect(throws: AdmissionError.self) { _ = try read(text) }
        #expect(error?.code == .malformed)
        #expect(error?.message.contains(message) == true, "\(error?.message.prefix(300) ?? "")")
        #expect((error?.message.utf8.count ?? 0) < 400)
    }

    @Test func tooLarge() {
        let error = #expect(throws: AdmissionError.self) {
            _ = try read(reviewText(["object": "{\"a\":\"\(String(repeating: "x", count: 3 << 20))\"}"]))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func tenThousandContainers() throws {
        let containers = (0..<10_000).map {
            #"{"name":"c\#($0)","image":"a.example/b:1","securityContext":{"privileged":true}}"#
        }
        let request = try read(
            reviewText(["object": #"{"spec":{"containers":[\#(containers.joined(separator: ","))]}}"#]))
        #expect(request.object?["spec"]?["containers"]?.count == 10_000)
    }
}
