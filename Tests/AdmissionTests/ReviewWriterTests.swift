// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import NIOCore
import Testing

@testable import Admission

@Suite struct ReviewWriterTests {
    private func written(_ answer: ReviewAnswer) throws -> Node {
        var buffer = ByteBuffer()
        ReviewWriter.write(answer, to: &buffer)
        let root = try JSONReader.read(Array(buffer.readableBytesView), source: "answer").root
        #expect(root["kind"]?.string == "AdmissionReview" && root["apiVersion"]?.string == "admission.k8s.io/v1")
        return try #require(root["response"])
    }

    @Test func anAllowedRequest() throws {
        let response = try written(ReviewAnswer(uid: "u-1"))
        #expect(response["uid"]?.string == "u-1" && response["allowed"]?.bool == true)
        #expect(response["status"] == nil && response["patch"] == nil && response["warnings"] == nil)
    }

    @Test func aRefusal() throws {
        let message = "line \"one\"\nline\ttwo \u{1} \\ é 🚢"
        let response = try written(
            ReviewAnswer(
                uid: "u-1", allowed: false, code: 403, message: message, auditAnnotations: ["b": "2", "a": "1"],
                patch: [.init(.remove, "/spec")]))
        #expect(response["allowed"]?.bool == false && response["patch"] == nil)
        #expect(response["status"]?["code"]?.int == 403 && response["status"]?["reason"]?.string == "Forbidden")
        #expect(response["status"]?["message"]?.string == message)
        #expect(response["auditAnnotations"]?.json() == #"{"a":"1","b":"2"}"#)
    }

    @Test func codesBelow400AreNone() throws {
        #expect(try written(ReviewAnswer(uid: "u", allowed: false, code: 200))["status"]?["code"]?.int == 400)
    }

    @Test(arguments: 0..<5) func patches(_ extra: Int) throws {
        // Every length modulo three, for base64's padding.
        let text = String(repeating: "x", count: extra)
        let response = try written(
            ReviewAnswer(
                uid: "u",
                patch: [
                    .init(.add, JSONPatchOperation.pointer("metadata", "annotations", "a/b~c"), "\"\(text)é\""),
                    .init(.replace, "/spec/x", "[1,2]"), .init(.remove, "/spec/y"),
                ]))
        #expect(response["patchType"]?.string == "JSONPatch")
        let patch = try #require(response["patch"]?.string.flatMap { Data(base64Encoded: $0) })
        let operations = try JSONReader.read(Array(patch), source: "patch").root
        #expect(
            operations.json()
                == #"[{"op":"add","path":"/metadata/annotations/a~1b~0c","value":"\#(text)é"},{"op":"replace","path":"/spec/x","value":[1,2]},{"op":"remove","path":"/spec/y"}]"#
        )
    }

    @Test func warningsFitIntoHeaders() throws {
        let long = String(repeating: "é", count: 200)
        let kept = ReviewWriter.bounded(["a\nb\u{85}c", "", "same", "same", long])
        #expect(kept.count == 3 && kept[0] == "a b c" && kept[1] == "same")
        #expect(kept[2].utf8.count <= 256 && kept[2].hasSuffix("é…"))
        let many = ReviewWriter.bounded((0..<1000).map { "warning \($0) " + String(repeating: "x", count: 100) })
        #expect(many.map(\.utf8.count).reduce(0, +) <= 4096)
        #expect(many.last == "and \(1000 - many.count + 1) more warnings")
    }

    @Test func longMessagesAreCut() throws {
        let response = try written(
            ReviewAnswer(uid: "u", allowed: false, code: 403, message: String(repeating: "🚢", count: 100_000)))
        let message = try #require(response["status"]?["message"]?.string)
        #expect(message.utf8.count <= 32 << 10 && message.hasSuffix("🚢…"))
    }
}
