// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import OCI

/// Bytes changed at random: an error or an answer, and never a trap.
@Suite struct DamageTests {
    private static func damaged(_ bytes: [UInt8], _ round: Int) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<(round % 12 + 1) {
            let at = Int.random(in: 0..<bytes.count)
            switch Int.random(in: 0..<4) {
            case 0: bytes[at] = UInt8.random(in: 0...255)
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7)
            case 2:
                bytes.replaceSubrange(
                    at..<min(at + 8, bytes.count), with: Array("99999999".utf8.prefix(min(8, bytes.count - at))))
            default:
                bytes.insert(contentsOf: bytes[at..<min(at + 40, bytes.count)], at: Int.random(in: 0..<bytes.count))
            }
        }
        if round % 5 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count)) }
        return bytes
    }

    @Test func endsWell() async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one"), ("b", "two")])
        let layout = folder.path + "/layout"
        try TestImage.layout(
            layout, [image], index: TestImage.index([image.entry(name: "v1", platform: "linux/amd64")]))
        try Tool.run("tar", ["-cf", "../l.tar", "."], in: layout)
        let layout2 = Array(try Data(contentsOf: URL(filePath: folder.path + "/l.tar")))
        let docker = TestTar.bytes([
            .file("c.json", image.config), .file("l.tar", image.layers[0]), .link("x/layer.tar", to: "../l.tar"),
            .file(
                "manifest.json",
                Array(#"[{"Config":"c.json","RepoTags":["a:b"],"Layers":["l.tar","x/layer.tar"]}]"#.utf8)),
        ])
        var options = ImageSourceOptions()
        options.maxUnpackedBytes = 10 << 20
        var (good, bad) = (0, 0)
        for round in 0..<300 {
            let path = folder.path + "/damaged"
            try Data(Self.damaged(round % 2 == 0 ? layout2 : docker, round)).write(to: URL(filePath: path))
            do {
                _ = try await LocalImageTests.texts(ImageSources.open(path, options))
                good += 1
            } catch { bad += 1 }
        }
        #expect(bad > 100 && good + bad == 300)
        for round in 0..<3000 {
            _ = try? Manifest(Self.damaged(image.manifest, round), name: "x")
            _ = try? ImageConfiguration(Self.damaged(image.config, round), name: "x")
            let name = Self.damaged(Array("registry.example.org:5000/a/b_c:v1@sha256:0123456789abcdef".utf8), round)
            _ = try? ImageReference(String(decoding: name, as: UTF8.self))
            _ = Challenge.list(
                String(
                    decoding: Self.damaged(Array("Bearer realm=\"x\\\"\",a=b, Basic c=\"d\"".utf8), round),
                    as: UTF8.self))
        }
    }
}
