// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
import TestSupport
import Testing

@testable import OCI

@Suite struct LocalImageTests {
    private static let options: ImageSourceOptions = {
        var options = ImageSourceOptions()
        options.usesLocalStorage = false
        return options
    }()

    /// The text of each layer's only file, after both digests were checked.
    static func texts(_ image: Image) async throws -> [String] {
        var texts: [String] = []
        for layer in image.layers {
            let stream = try LayerStream(layer, try await layer.fetch())
            let archive = try Archive(tar: stream)
            while let entry = try archive.next() {
                if entry.path == "padding" { continue }
                texts.append(entry.path + "=" + String(decoding: try archive.contents(limit: 1000), as: UTF8.self))
            }
            try stream.finish()
        }
        return texts
    }

    private static func dockerArchive(_ image: TestImage, names: [String], legacy: Bool) throws -> [UInt8] {
        var entries: [TestTar.Entry] = []
        var layers: [String] = []
        for (index, layer) in image.layers.enumerated() {
            if legacy, index > 0, layer == image.layers[0] {
                entries.append(.link("layer\(index)/layer.tar", to: "../layer0/layer.tar"))
                layers.append("layer\(index)/layer.tar")
            } else {
                let name = legacy ? "layer\(index)/layer.tar" : "blobs/sha256/\(Digest(of: layer).hex)"
                entries.append(.file(name, layer))
                layers.append(name)
            }
        }
        let id = Digest(of: image.config).hex
        entries.append(.file(legacy ? "\(id).json" : "blobs/sha256/\(id)", image.config))
        func list(_ texts: [String]) -> String { texts.map { "\"\($0)\"" }.joined(separator: ",") }
        let manifest =
            #"[{"Config":"\#(legacy ? "\(id).json" : "blobs/sha256/\(id)")","RepoTags":[\#(list(names))],"Layers":[\#(list(layers))]}]"#
        entries.append(.file("manifest.json", Array(manifest.utf8)))
        return TestTar.bytes(entries)
    }

    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func readsDockerArchives(_ legacy: Bool, _ compressed: Bool) async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one"), ("a", "one"), ("b", "two")], compressed: compressed)
        let path = folder.path + "/image.tar"
        try Data(Self.dockerArchive(image, names: ["app:v1"], legacy: legacy)).write(to: URL(filePath: path))
        try Tool.run("gzip", ["-k", path])
        for name in [
            path, path + ".gz", "docker-archive:" + path, path + ":app:v1", path + ".gz:v1",
            path + ":docker.io/library/app:v1",
        ] {
            let read = try await ImageSources.open(name, Self.options)
            #expect(try await Self.texts(read) == ["a=one", "a=one", "b=two"], "\(name)")
            #expect(read.configDigest == Digest(of: image.config).description)
            #expect(read.reference == "docker.io/library/app:v1" && read.configuration.user == "app")
            #expect(read.layers.map(\.createdBy) == ["COPY a", "COPY a", "COPY b"])
        }
        for (name, code) in [(path + ":v2", OCIError.Code.notFound), ("oci-archive:" + path, .malformed)] {
            await #expect { try await ImageSources.open(name, Self.options) } throws: {
                ($0 as? OCIError)?.code == code && "\($0)".contains(path)
            }
        }
        // Nothing is copied: the layer is a part of the archive itself.
        let range = try await ImageSources.open(path, Self.options).layers[2].fetch()
        #expect(range.path == path && range.offset > 0 && range.size == Int64(image.layers[2].count))
    }

    @Test func readsLayouts() async throws {
        let folder = try ScratchFolder()
        let one = try TestImage([("a", "amd")])
        let two = try TestImage([("a", "arm")], architecture: "arm64")
        let list = TestImage.index([one.entry(platform: "linux/amd64"), two.entry(platform: "linux/arm64")])
        let nested = TestImage.descriptor(
            list, "application/vnd.oci.image.index.v1+json",
            #","annotations":{"org.opencontainers.image.ref.name":"example.org/app:v1"}"#)
        let layout = folder.path + "/layout"
        try TestImage.layout(
            layout, [one, two], index: TestImage.index([nested, one.entry(name: "old")]), more: [list])
        try Tool.run("bash", ["-c", "tar -cf ../l.tar . && tar -czf ../l.tar.gz ."], in: layout)
        for place in [layout, "oci:" + layout, folder.path + "/l.tar", "oci-archive:" + folder.path + "/l.tar.gz"] {
            await #expect { try await ImageSources.open(place, Self.options) } throws: {
                ($0 as? OCIError)?.code == .ambiguous && "\($0)".contains("example.org/app:v1")
                    && "\($0)".contains("old")
            }
            var options = Self.options
            for (platform, text) in [("linux/amd64", "a=amd"), ("linux/arm64", "a=arm")] {
                options.platform = try ImagePlatform(platform)
                let image = try await ImageSources.open(place + ":v1", options)
                #expect(try await Self.texts(image) == [text])
                #expect(image.reference == "example.org/app:v1")
            }
            options.imageName = "example.org/app:v1"
            #expect(try await Self.texts(ImageSources.open(place, options)) == ["a=arm"])
            await #expect { try await ImageSources.open(place + ":old", options) } throws: {
                ($0 as? OCIError)?.code == .notFound && "\($0)".contains("linux/amd64")
            }
        }
    }

    @Test func refusesWhatLies() async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one")])
        let layout = folder.path + "/layout"
        func open() async throws -> [String] { try await Self.texts(ImageSources.open(layout, Self.options)) }
        func put(_ bytes: [UInt8], _ hex: String) throws {
            try Data(bytes).write(to: URL(filePath: "\(layout)/blobs/sha256/\(hex)"))
        }
        try TestImage.layout(layout, [image], index: TestImage.index([image.entry()]))
        #expect(try await open() == ["a=one"])
        for bytes in [image.config, image.manifest, image.layers[0]] {
            let hex = Digest(of: bytes).hex
            var changed = bytes
            // Inside gzip's time stamp, which changes nothing that is unpacked; a space in JSON.
            changed[bytes == image.layers[0] ? 5 : bytes.count - 1] ^= 1
            for wrong in [changed, bytes + [0x20], Array(bytes.dropLast())] {
                try put(wrong, hex)
                await #expect { try await open() } throws: { error in
                    guard let error = error as? OCIError else { return false }
                    return error.code == .wrongDigest && error.message.contains(hex)
                }
            }
            try FileManager.default.removeItem(atPath: "\(layout)/blobs/sha256/\(hex)")
            await #expect { try await open() } throws: { ($0 as? OCIError)?.code == .notFound && "\($0)".contains(hex) }
            try put(bytes, hex)
        }
        // A layer whose stored digest is right and whose contents are another's.
        var other = try TestImage([("a", "two")])
        other.diffIDs = image.diffIDs
        let archive = folder.path + "/lie.tar"
        let lie = try TestImage([("a", "one")])
        try Data(
            TestTar.bytes([
                .file("c.json", lie.config), .file("l.tar", other.layers[0]),
                .file("manifest.json", Array(#"[{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}]"#.utf8)),
            ])
        ).write(to: URL(filePath: archive))
        await #expect { try await Self.texts(ImageSources.open(archive, Self.options)) } throws: { error in
            guard let error = error as? OCIError else { return false }
            return error.code == .wrongDigest && error.message.contains(lie.diffIDs[0])
        }
    }

    @Test func choosesAmongSeveral() async throws {
        let folder = try ScratchFolder()
        let images = [("one", "app:v1"), ("two", "other:v1"), ("three", "example.org/app:v2")]
        var entries: [TestTar.Entry] = []
        var list: [String] = []
        for (text, name) in images {
            let image = try TestImage([("a", text)], compressed: false)
            entries += [.file("\(text).json", image.config), .file("\(text)/layer.tar", image.layers[0])]
            list.append(#"{"Config":"\#(text).json","RepoTags":["\#(name)"],"Layers":["\#(text)/layer.tar"]}"#)
        }
        entries.append(.file("manifest.json", Array("[\(list.joined(separator: ","))]".utf8)))
        let path = folder.path + "/a:b.tar"
        try Data(TestTar.bytes(entries)).write(to: URL(filePath: path))
        for (name, text) in [
            ("app:v1", "one"), ("app", nil), ("other:v1", "two"), ("v2", "three"), ("example.org/app:v2", "three"),
        ] as [(String, String?)] {
            guard let text else {
                await #expect { try await ImageSources.open(path + ":" + name, Self.options) } throws: {
                    ($0 as? OCIError)?.code == .notFound && "\($0)".contains("other:v1")
                }
                continue
            }
            #expect(try await Self.texts(ImageSources.open(path + ":" + name, Self.options)) == ["a=" + text])
        }
        for name in [path, path + ":v1"] {
            await #expect { try await ImageSources.open(name, Self.options) } throws: {
                ($0 as? OCIError)?.code == .ambiguous && "\($0)".contains("other:v1")
            }
        }
    }

    @Test func readsWhatIsThere() async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one"), ("b", "two")], compressed: false)
        let path = folder.path + "/part.tar"
        try Data(
            TestTar.bytes([
                .file("c.json", image.config), .file("1.tar", image.layers[0]),
                .file("manifest.json", Array(#"[{"Config":"c.json","Layers":["1.tar","../2.tar"]}]"#.utf8)),
            ])
        ).write(to: URL(filePath: path))
        let layout = folder.path + "/layout"
        let manifest = String(decoding: image.manifest, as: UTF8.self)
        let place = try #require(manifest.range(of: "layer.v1.tar\"", options: .backwards))
        let encrypted = Array(manifest.replacingCharacters(in: place, with: "layer.v1.tar+encrypted\"").utf8)
        try TestImage.layout(
            layout, [image],
            index: TestImage.index([TestImage.descriptor(encrypted, "application/vnd.oci.image.manifest.v1+json")]),
            more: [encrypted])
        for (name, code) in [(path, OCIError.Code.malformed), (layout, .unsupported)] {
            let read = try await ImageSources.open(name, Self.options)
            try LayerStream(read.layers[0], try await read.layers[0].fetch()).finish()
            await #expect { try await read.layers[1].fetch() } throws: { ($0 as? OCIError)?.code == code }
        }
    }

    @Test func tellsFilesFromImages() async throws {
        let name = "bulwark-test-\(UUID().uuidString.lowercased().prefix(8))"
        try Data("text".utf8).write(to: URL(filePath: name))
        defer { try? FileManager.default.removeItem(atPath: name) }
        await #expect { try await ImageSources.open(name, Self.options) } throws: { error in
            (error as? OCIError)?.code == .malformed && "\(error)".contains("registry:\(name)")
        }
    }

    /// Long names, in both of tar's ways to write them, move what follows.
    @Test(arguments: ["gnu", "pax"]) func findsPlacesInTars(_ format: String) async throws {
        let folder = try ScratchFolder()
        let layout = folder.path + "/layout"
        let image = try TestImage([("a", "one")])
        func descriptor(_ bytes: [UInt8], _ type: String) throws -> String {
            let digest = Digest(of: bytes, .sha512)
            try FileManager.default.createDirectory(atPath: layout + "/blobs/sha512", withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: "\(layout)/blobs/sha512/\(digest.hex)"))
            return #"{"mediaType":"application/vnd.oci.image.\#(type)","digest":"\#(digest)","size":\#(bytes.count)}"#
        }
        let layer = try descriptor(image.layers[0], "layer.v1.tar+gzip")
        let config = try descriptor(image.config, "config.v1+json")
        let manifest = try descriptor(
            Array(#"{"schemaVersion":2,"config":\#(config),"layers":[\#(layer)]}"#.utf8), "manifest.v1+json")
        try Data(TestImage.index([manifest])).write(to: URL(filePath: layout + "/index.json"))
        try Tool.run("tar", ["--format=\(format)", "-cf", "../l.tar", "."], in: layout)
        let read = try await ImageSources.open(folder.path + "/l.tar", Self.options)
        #expect(read.manifestDigest.hasPrefix("sha512:") && read.layers[0].digest.hasPrefix("sha512:"))
        #expect(try await Self.texts(read) == ["a=one"])
        // A sparse file has no one place.
        try Tool.run("bash", ["-c", "truncate -s 10M blobs/sha512/hole && tar -S -cf ../s.tar ."], in: layout)
        #expect(try await Self.texts(ImageSources.open(folder.path + "/s.tar", Self.options)) == ["a=one"])
    }

    /// Layers that consist of several compressed parts, as eStargz and zstd:chunked are made, and broken ones.
    @Test func unpacksLayers() throws {
        let tar = TestTar.bytes([.file("a", Array("one".utf8)), .file("b", [UInt8](repeating: 7, count: 300_000))])
        let half = tar.count / 2
        func packed(_ program: String, _ bytes: [UInt8]) throws -> [UInt8] { try Tool.filter(program, ["-c"], bytes) }
        let (one, two) = (Array(tar[..<half]), Array(tar[half...]))
        // A frame that readers of zstd skip.
        let skipped: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
        let layers = [
            ("plain", tar), ("gzip", try packed("gzip", tar)),
            ("gzip parts", try packed("gzip", one) + packed("gzip", two)),
            ("zstd", try packed("zstd", tar)), ("zstd parts", try packed("zstd", one) + packed("zstd", two) + skipped),
            ("zstd after a skipped frame", try skipped + packed("zstd", tar)), ("xz", try packed("xz", tar)),
        ]
        func read(_ bytes: [UInt8], digest: String, diffID: String) throws -> Int {
            let layer = Image.Layer(
                digest: digest, diffID: diffID, mediaType: "", size: 0, createdBy: "",
                fetch: { () throws(OCIError) in throw OCIError(.notFound, "") })
            let stream = try LayerStream(layer, MemoryRange(bytes))
            let archive = try Archive(tar: stream)
            var count = 0
            while try archive.next() != nil { count += 1 }
            try stream.finish()
            return count
        }
        let diffID = Digest(of: tar).description
        for (name, bytes) in layers {
            #expect(try read(bytes, digest: Digest(of: bytes).description, diffID: diffID) == 2, "\(name)")
            #expect(throws: (any Error).self, "\(name)") {
                try read(bytes + [0], digest: Digest(of: bytes).description, diffID: diffID)
            }
            #expect(throws: (any Error).self, "\(name)") {
                try read(Array(bytes.dropLast(600)), digest: "", diffID: diffID)
            }
            #expect(throws: OCIError.self) { try read(bytes, digest: "", diffID: Digest(of: [1]).description) }
        }
    }

    @Test func boundsNesting() async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one")])
        func layout(_ depth: Int) throws -> String {
            var list = TestImage.index([image.entry()])
            var lists: [[UInt8]] = []
            for _ in 0..<depth {
                lists.append(list)
                list = TestImage.index([TestImage.descriptor(list, "application/vnd.oci.image.index.v1+json")])
            }
            let path = folder.path + "/depth\(depth)"
            try TestImage.layout(path, [image], index: list, more: lists)
            return path
        }
        #expect(try await Self.texts(ImageSources.open(try layout(3), Self.options)) == ["a=one"])
        let deep = try layout(9)
        await #expect { try await ImageSources.open(deep, Self.options) } throws: { "\($0)".contains("nested deeper") }
    }

    @Test(
        arguments: [
            ([TestTar.Entry.file("manifest.json", Array("[]".utf8))], OCIError.Code.notFound, "no image"),
            ([.file("manifest.json", Array("{}".utf8))], .malformed, "array"),
            (
                [.file("manifest.json", Array(#"[{"Config":"../../etc/passwd","Layers":[]}]"#.utf8))], .malformed,
                "outside"
            ),
            ([.file("manifest.json", Array(#"[{"Config":"x.json","Layers":[]}]"#.utf8))], .notFound, "x.json"),
            ([.file("manifest.json", Array(#"[{"Layers":[]}]"#.utf8))], .malformed, "Config"),
            (
                [
                    .file("manifest.json", Array(#"[{"Config":"a","Layers":[]}]"#.utf8)), .link("a", to: "b"),
                    .link("b", to: "a"),
                ],
                .malformed, "circle"
            ),
            ([.link("manifest.json", to: "/etc/passwd")], .malformed, "manifest.json"),
            ([.file("repositories", Array("{}".utf8))], .unsupported, "1.10"),
            ([.file("hello", [1])], .malformed, "manifest.json"),
        ] as [([TestTar.Entry], OCIError.Code, String)])
    func refusesWrongArchives(_ entries: [TestTar.Entry], _ code: OCIError.Code, _ words: String) async throws {
        let folder = try ScratchFolder()
        let path = folder.path + "/wrong.tar"
        try Data(TestTar.bytes(entries)).write(to: URL(filePath: path))
        await #expect { try await ImageSources.open(path, Self.options) } throws: { error in
            guard let error = error as? OCIError else { return false }
            #expect(error.code == code && error.message.contains(words) && error.message.contains(path), "\(error)")
            return true
        }
    }

    @Test func boundsBombs() async throws {
        let folder = try ScratchFolder()
        try Tool.run(
            "bash", ["-c", "head -c 50000000 /dev/zero | gzip > bomb.tar.gz; echo text > text; mkfifo pipe"],
            in: folder.path)
        var options = Self.options
        options.maxUnpackedBytes = 1 << 20
        for (name, code) in [
            ("bomb.tar.gz", OCIError.Code.tooLarge), ("text", .malformed), ("pipe", .notFound), ("none", .notFound),
        ] {
            let path = "\(folder.path)/\(name)"
            await #expect { try await ImageSources.open("docker-archive:" + path, options) } throws: { error in
                guard let error = error as? OCIError else { return false }
                let codes: Set<OCIError.Code> = code == .notFound ? [.notFound, .unreadable] : [code]
                #expect(codes.contains(error.code) && "\(error)".contains(path), "\(error)")
                return true
            }
        }
    }
}
