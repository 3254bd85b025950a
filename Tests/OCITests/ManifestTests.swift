// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import OCI

@Suite struct ManifestTests {
    private static let digest = "sha256:" + String(repeating: "1b", count: 32)

    private static func entry(_ platform: String?, _ number: Int = 0, extra: String = "") -> String {
        var parts = (platform ?? "").split(separator: "/").map(String.init)
        while parts.count < 3 { parts.append("") }
        let object =
            platform == nil
            ? "" : #","platform":{"os":"\#(parts[0])","architecture":"\#(parts[1])","variant":"\#(parts[2])"}"#
        let last = String(number, radix: 16)
        let hex = String(repeating: "0", count: 64 - last.count) + last
        return
            #"{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:\#(hex)"\#(object)\#(extra)}"#
    }

    @Test func readsBothKinds() throws {
        for type in [MediaType.ociManifest, MediaType.dockerManifest, ""] {
            let text = """
                {"schemaVersion":2,"mediaType":"\(type)",
                 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":7,"digest":"\(Self.digest)"},
                 "layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+zstd","size":9,"digest":"\(Self.digest)"}]}
                """
            guard case .image(let config, let layers) = try Manifest(Array(text.utf8), name: "x") else {
                Issue.record("no image")
                return
            }
            #expect(config.size == 7 && layers.map(\.size) == [9])
        }
    }

    @Test(arguments: [
        (#"{"schemaVersion":1,"fsLayers":[]}"#, OCIError.Code.unsupported, "schema 1"),
        (#"{"schemaVersion":3}"#, .malformed, "schemaVersion"), ("[]", .malformed, "schemaVersion"),
        ("{", .malformed, "JSON"),
        (#"{"schemaVersion":2}"#, .malformed, "config"),
        (#"{"schemaVersion":2,"mediaType":7}"#, .malformed, "mediaType"),
        (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, .malformed, "both"),
        (#"{"schemaVersion":2,"manifests":{}}"#, .malformed, "array"),
        (#"{"schemaVersion":2,"manifests":[{"size":1,"digest":"sha256:1"}]}"#, .malformed, "manifests[0]"),
        (#"{"schemaVersion":2,"manifests":[{"size":-1,"digest":"\#(digest)"}]}"#, .malformed, "size"),
        (#"{"schemaVersion":2,"manifests":[{"size":1e99,"digest":"\#(digest)"}]}"#, .malformed, "size"),
        (
            #"{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","size":1,"digest":"\#(digest)"}}"#,
            .unsupported, "helm"
        ),
        (#"{"schemaVersion":2,"schemaVersion":2}"#, .malformed, "schemaVersion"),
    ]) func refuses(_ text: String, _ code: OCIError.Code, _ why: String) {
        #expect { try Manifest(Array(text.utf8), name: "the-image") } throws: { error in
            guard let error = error as? OCIError else { return false }
            #expect(error.code == code && "\(error)".contains(why) && "\(error)".contains("the-image"), "\(error)")
            return true
        }
    }

    @Test func refusesWhatIsTooLarge() {
        let spaces = Array(repeating: UInt8(ascii: " "), count: Manifest.maxBytes + 1)
        #expect { try Manifest(spaces, name: "x") } throws: { ($0 as? OCIError)?.code == .tooLarge }
        let many = (0...Manifest.maxEntries).map { _ in #"{"size":1,"digest":"\#(Self.digest)"}"# }
        let text = #"{"schemaVersion":2,"manifests":[\#(many.joined(separator: ","))]}"#
        #expect { try Manifest(Array(text.utf8), name: "x") } throws: { ($0 as? OCIError)?.code == .tooLarge }
        // An announcement that disagrees with the text.
        let index = #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociIndex)","manifests":[]}"#
        #expect(throws: OCIError.self) { try Manifest(Array(index.utf8), mediaType: MediaType.ociManifest, name: "x") }
    }

    @Test(
        arguments: [
            ("linux/amd64", "linux/amd64", 1), ("linux/arm64", "linux/arm64/v8", 1),
            ("linux/arm/v7", "linux/arm/v6", 1),
            ("amd64", "linux/amd64", 1), ("linux/aarch64", "linux/arm64", 1), ("linux/arm/v6", "linux/arm/v7", nil),
            ("linux/amd64", "windows/amd64", nil), ("linux/amd64/v3", "linux/amd64/v2", 1),
            ("linux/amd64", "linux/amd64/v3", nil), ("linux/s390x", "linux/s390x", 1),
        ] as [(String, String, Int?)]) func choosesPlatform(_ wanted: String, _ there: String, _ found: Int?) throws
    {
        let text = #"{"schemaVersion":2,"manifests":[\#(Self.entry("linux/mips", 2)),\#(Self.entry(there, 1))]}"#
        guard case .index(let entries) = try Manifest(Array(text.utf8), name: "x") else {
            throw OCIError(.malformed, "")
        }
        let platform = try ImagePlatform(wanted)
        guard found != nil else {
            #expect { try Manifest.choose(entries, platform: platform, name: "x") } throws: {
                ($0 as? OCIError)?.code == .notFound && "\($0)".contains("linux/mips")
            }
            return
        }
        #expect(try Manifest.choose(entries, platform: platform, name: "x").digest.hex.hasSuffix("1"))
    }

    @Test func prefersTheNearestVariant() throws {
        let list = [
            Self.entry("linux/arm/v5", 1), Self.entry("linux/arm/v7", 2), Self.entry("linux/arm/v6", 3),
            Self.entry(
                "unknown/unknown", 4, extra: #","annotations":{"vnd.docker.reference.type":"attestation-manifest"}"#),
        ]
        let text = #"{"schemaVersion":2,"manifests":[\#(list.joined(separator: ","))]}"#
        guard case .index(let entries) = try Manifest(Array(text.utf8), name: "x") else {
            throw OCIError(.malformed, "")
        }
        for (wanted, end) in [("linux/arm", "2"), ("linux/arm/v6", "3"), ("linux/arm/v5", "1"), ("linux/arm/v8", "2")] {
            let chosen = try Manifest.choose(entries, platform: ImagePlatform(wanted), name: "x")
            #expect(chosen.digest.hex.hasSuffix(end), "\(wanted)")
        }
        // Nothing but one image and its attestation: that is it, whatever it runs on.
        let single = [entries[1], entries[3]]
        #expect(try Manifest.choose(single, platform: nil, name: "x").digest == entries[1].digest)
        #expect(throws: OCIError.self) { try ImagePlatform("linux/") }
        #expect(throws: OCIError.self) { try ImagePlatform("a/b/c/d") }
    }

    @Test func readsConfiguration() throws {
        let text = """
            {"architecture":"arm64","os":"linux","variant":"v8","config":{"User":"1000","Env":["A=1",null],"Cmd":["a"],
             "Entrypoint":null,"ExposedPorts":{"80/tcp":{}},"Volumes":null,"Labels":{"a":"b"},
             "Healthcheck":{"Test":["CMD","x"]},"WorkingDir":"/w"},
             "rootfs":{"type":"layers","diff_ids":["\(Self.digest)"]},
             "history":[{"created_by":"ADD x"},{"created_by":"CMD a","empty_layer":true}]}
            """
        let configuration = try ImageConfiguration(Array(text.utf8), name: "x")
        #expect(
            configuration.user == "1000" && configuration.environment == ["A=1", ""] && configuration.command == ["a"])
        #expect(configuration.exposedPorts == ["80/tcp"] && configuration.labels == ["a": "b"])
        #expect(configuration.layerSteps == ["ADD x"] && configuration.healthcheck == ["CMD", "x"])
        for wrong in [
            #"{"config":{}}"#, #"{"rootfs":{"diff_ids":["x"]}}"#, #"{"rootfs":{"diff_ids":[]},"config":{"Env":"A=1"}}"#,
            #"{"rootfs":{"diff_ids":[]},"config":[]}"#, #"{"rootfs":{"diff_ids":[]},"history":{}}"#,
        ] { #expect(throws: OCIError.self, "\(wrong)") { try ImageConfiguration(Array(wrong.utf8), name: "x") } }
    }
}
