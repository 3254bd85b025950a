// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Kubernetes

@Suite struct SnapshotTests {
    private func identity(
        _ name: String, uid: String = "0a1b2c3d-4e5f-6789-abcd-ef0123456789", version: String = "1",
        namespace: String = "shop"
    ) -> ObjectIdentity {
        ObjectIdentity(
            apiVersion: "v1", kind: "Pod", namespace: namespace, name: name, uid: uid, resourceVersion: version)
    }

    @Test(arguments: [
        ("0a1b2c3d-4e5f-6789-abcd-ef0123456789", "18446744073709551615"), ("u", "0"), ("", ""),
        ("0A1B2C3D-4E5F-6789-ABCD-EF0123456789", "007"), ("0a1b2c3d-4e5f-6789-abcd-ef012345678", "+7"),
        ("0a1b2c3d-4e5f-6789-abcd-ef01234567890", "18446744073709551616"),
        ("0a1b2c3d4e5f-6789-abcd-ef0123456789a", "v1"),
    ]) func identitiesComeBackAsTheyWere(uid: String, version: String) {
        var snapshot = Snapshot(.pods)
        let original = identity("a", uid: uid, version: version)
        _ = snapshot.observe(original)
        #expect(snapshot.identities == [original])
        #expect(snapshot[namespace: "shop", name: "a"] == original)
    }

    @Test func changesAreToldApart() {
        var snapshot = Snapshot(.pods)
        func kind(_ change: Snapshot.Change) -> String {
            switch change {
            case .same: "same"
            case .new: "new"
            case .changed(let old): "changed from \(old.resourceVersion)"
            case .recreated(let old): "recreated from \(old.uid)"
            }
        }
        #expect(kind(snapshot.observe(identity("a", uid: "x"))) == "new")
        #expect(kind(snapshot.observe(identity("a", uid: "x", namespace: "other"))) == "new")
        #expect(kind(snapshot.observe(identity("a", uid: "x"))) == "same")
        #expect(kind(snapshot.observe(identity("a", uid: "x", version: "2"))) == "changed from 1")
        #expect(kind(snapshot.observe(identity("a", uid: "y", version: "3"))) == "recreated from x")
        #expect(snapshot.remove(identity("a", uid: "x")) == false)
        #expect(snapshot.remove(identity("a", uid: "y")) == true)
        #expect(snapshot.count == 1)
    }

    @Test func aPassFindsWhatIsGone() {
        var snapshot = Snapshot(.pods)
        snapshot.beginPass()
        for name in ["a", "b", "c"] { _ = snapshot.observe(identity(name)) }
        #expect(snapshot.endPass().isEmpty)
        snapshot.beginPass()
        _ = snapshot.observe(identity("b"))
        #expect(Set(snapshot.endPass().map(\.name)) == ["a", "c"])
        #expect(snapshot.identities.map(\.name) == ["b"])
    }

    /// The memory promised in Kubernetes.md.
    @Test func anObjectCostsAtMostThreeHundredBytes() {
        var snapshot = Snapshot(.pods)
        for number in 0..<50_000 {
            let name = "checkout-service-7d4b9c6f5d-" + String(100_000 + number, radix: 36) + "-abcdefgh"
            _ = snapshot.observe(identity(name, uid: UUID().uuidString.lowercased(), version: String(number)))
        }
        let each = Double(snapshot.bytes) / 50_000
        #expect((100...300).contains(each), "\(each) bytes an object")
    }
}
