// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Foundation
import TestSupport
import Testing

@testable import OCI

@Suite struct StorageTests {
    private static func isThere(_ programs: String...) -> Bool {
        let missing = programs.filter { Tool.path($0) == nil }
        if missing.isEmpty, getuid() == 0 { return true }
        print("SKIPPED: tests of storages; they need root, and \(missing.joined(separator: ", ")) is not installed")
        return false
    }

    /// A layout of an image with what unpacking makes hard: links, names that are no text, a whiteout, an empty layer.
    private static func layout(_ folder: ScratchFolder) throws -> String {
        let path = folder.path + "/layout"
        try Tool.run(
            "bash",
            [
                "-euc",
                """
                mkdir -p t/etc t/usr/lib && echo hello > t/etc/a && ln t/etc/a t/etc/hard && ln -s usr/lib t/lib && echo x > t/usr/lib/x
                touch "t/$(printf 'x\\377y')" && echo weird > "t/$(printf 'odd\\377name')" && head -c 3000000 /dev/urandom > t/big
                ln -s /etc/passwd t/etc/link && chmod 4755 t/etc/a
                tar --format=pax -C t -cf one.tar . && mkdir -p u/etc && touch u/etc/.wh.a && echo new > u/etc/b && tar -C u -cf two.tar etc
                """,
            ], in: folder.path)
        let layers = try ["one.tar", "two.tar"].map {
            Array(try Data(contentsOf: URL(filePath: folder.path + "/" + $0)))
        }
        let image = try TestImage(tars: layers)
        try TestImage.layout(path, [image], index: TestImage.index([image.entry(name: "v1")]))
        return path
    }

    @Test(.enabled(if: StorageTests.isThere("skopeo")), arguments: ["vfs", "overlay"])
    func readsPodmanStorage(_ driver: String) async throws {
        let folder = try ScratchFolder()
        let layout = try Self.layout(folder)
        let root = folder.path + "/storage"
        do {
            // What the storage mounts goes with the namespace.
            try Tool.run(
                "unshare",
                [
                    "-m", "skopeo",
                    "--insecure-policy", "copy", "-q", "oci:" + layout,
                    "containers-storage:[\(driver)@\(root)+\(folder.path)/run]localhost/app:v1",
                ])
        } catch {
            guard driver == "overlay" else { throw error }
            print("SKIPPED: podman's overlay storage cannot be made here")
            return
        }
        var options = ImageSourceOptions()
        options.containersStorage = [folder.path + "/none", root]
        options.containerd = [folder.path + "/none"]
        options.dockerSocket = folder.path + "/none"
        for name in ["containers-storage:localhost/app:v1", "containers-storage:app:v1", "localhost/app:v1", "app:v1"] {
            let image = try await ImageSources.open(name, options)
            #expect(image.reference == "localhost/app:v1" && image.layers.count == 2)
            for (layer, file) in zip(image.layers, ["one.tar", "two.tar"]) {
                let range = try await layer.fetch()
                let stream = try LayerStream(layer, range)
                try stream.finish()
                let original = try FileRange(path: "\(folder.path)/\(file)")
                #expect(range.size == layer.size && layer.size == original.size)
            }
        }
        await #expect { try await ImageSources.open("containers-storage:other", options) } throws: {
            ($0 as? OCIError)?.code == .notFound && "\($0)".contains(root)
        }
        // Somebody changed a file of a layer.
        let image = try await ImageSources.open("app:v1", options)
        let place = try Tool.run("find", [root, "-name", "big", "-size", "+1M"]).split(separator: "\n")
        for file in place { try Tool.run("bash", ["-c", "printf X | dd of=\(file) bs=1 seek=9 conv=notrunc"]) }
        func finish() async throws {
            for layer in image.layers { try LayerStream(layer, try await layer.fetch()).finish() }
        }
        await #expect { try await finish() } throws: { ($0 as? OCIError)?.code == .wrongDigest }
        for file in place { try FileManager.default.removeItem(atPath: String(file)) }
        await #expect { try await finish() } throws: { "\($0)".contains("big") }
    }

    /// Docker's interface, played by a server of ours: no engine runs where the tests do.
    @Test func readsDocker() async throws {
        let folder = try ScratchFolder()
        let image = try TestImage([("a", "one")], compressed: false)
        let tar = TestTar.bytes([
            .file("c.json", image.config), .file("x/layer.tar", image.layers[0]),
            .file(
                "manifest.json", Array(#"[{"Config":"c.json","RepoTags":["app:v1"],"Layers":["x/layer.tar"]}]"#.utf8)),
        ])
        let docker = try await OddRegistry(socket: folder.path + "/docker.sock") { request in
            switch request.uri {
            case "/images/docker.io%2Flibrary%2Fapp%3Av1/get", "/images/app%3Av1/get": OddRegistry.Answer(body: tar)
            case "/images/endless/get": OddRegistry.Answer(isEndless: true)
            case "/images/broken/get": .text(500)
            default: .text(404)
            }
        }
        var options = ImageSourceOptions()
        (options.containersStorage, options.containerd) = ([], [])
        options.registry.environment = ["DOCKER_HOST": "unix://\(folder.path)/docker.sock"]
        options.maxUnpackedBytes = 1 << 20
        for name in ["docker-daemon:app:v1", "app:v1"] {
            let read = try await ImageSources.open(name, options)
            #expect(try await LocalImageTests.texts(read) == ["a=one"] && read.reference == "docker.io/library/app:v1")
        }
        for (name, code) in [("other", OCIError.Code.notFound), ("endless", .tooLarge), ("broken", .server)] {
            await #expect { try await ImageSources.open("docker-daemon:" + name, options) } throws: {
                ($0 as? OCIError)?.code == code
            }
        }
        try await docker.stop()
        options.dockerSocket = folder.path + "/none"
        await #expect { try await ImageSources.open("docker-daemon:app:v1", options) } throws: {
            ($0 as? OCIError)?.code == .notFound
        }
    }

    @Test func staysBelowTheLayer() throws {
        let folder = try ScratchFolder()
        try folder.write("secret", to: "outside/secret")
        try folder.write("inside", to: "diff/etc/passwd")
        try Tool.run(
            "bash",
            [
                "-euc",
                "ln -s /etc abs; ln -s ../outside up; ln -s ../../../../etc/passwd many; ln -s loop loop; ln -s etc/passwd good; mkfifo pipe",
            ], in: folder.path + "/diff")
        let files = try FilesBelow(folder.path + "/diff")
        func read(_ name: String) throws -> String {
            String(decoding: try files.file(Array(name.utf8)).contents(limit: 100, name: name), as: UTF8.self)
        }
        for name in [
            "etc/passwd", "./etc/passwd", "/etc/passwd", "abs/passwd", "many", "good", "etc/../etc/passwd",
            "../../etc/passwd",
        ] {
            #expect(try read(name) == "inside", "\(name)")
        }
        for name in ["up/secret", "../outside/secret", "loop", "pipe", "etc", "", "nothing", "etc/passwd/x"] {
            #expect(throws: (any Error).self, "\(name)") { try read(name) }
        }
        // Lines of tar-split that are none.
        for line in [
            "{", "7", #"{"type":3}"#, #"{"type":2,"payload":"?"}"#, #"{"type":1,"name":"etc/passwd","size":7}"#,
            #"{"type":1,"name":"none","size":1}"#, #"{"type":1,"name":"../../outside/secret","size":6}"#,
        ] {
            let path = try folder.write(line, to: "split")
            #expect(throws: OCIError.self, "\(line)") {
                try TarSplit.assemble(path, files: folder.path + "/diff", name: "layer", limit: 1000, in: folder.path)
            }
        }
        let path = try folder.write(#"{"type":1,"name":"etc/passwd","size":6}"#, to: "split")
        for (limit, isGood) in [(6, true), (5, false)] {
            let range = try? TarSplit.assemble(
                path, files: folder.path + "/diff", name: "layer", limit: Int64(limit), in: folder.path)
            #expect((range?.size == 6) == isGood)
        }
    }

    @Test(.enabled(if: StorageTests.isThere("containerd", "ctr"))) func readsContainerd() async throws {
        let folder = try ScratchFolder()
        let layout = try Self.layout(folder)
        let root = folder.path + "/root"
        try folder.write(
            """
            version = 2
            root = "\(root)"
            state = "\(folder.path)/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
            address = "\(folder.path)/sock"
            [ttrpc]
            address = "\(folder.path)/tsock"
            """, to: "config.toml")
        try Tool.run(
            "bash",
            [
                "-euc",
                """
                tar -C \(layout) -cf image.tar .
                containerd -c config.toml >log 2>&1 & pid=$!
                trap 'kill $pid; wait $pid || true' EXIT
                for n in $(seq 100); do [ -S sock ] && break; sleep 0.1; done
                ctr -a sock -n k8s.io images import --no-unpack --base-name example.org/app image.tar
                for n in $(seq 60); do ctr -a sock -n k8s.io images tag example.org/app:v1 example.org/a/long/name/of/an/image:v$n >/dev/null; done
                ctr -a sock images import --no-unpack --base-name docker.io/library/other image.tar
                """,
            ], in: folder.path)
        var options = ImageSourceOptions()
        options.containersStorage = []
        options.containerd = [folder.path + "/none", root]
        options.dockerSocket = folder.path + "/none"
        for name in [
            "containerd:example.org/app:v1", "example.org/app:v1", "containerd:other:v1",
            "containerd:example.org/a/long/name/of/an/image:v1",
            "containerd:example.org/a/long/name/of/an/image:v60",
        ] {
            let image = try await ImageSources.open(name, options)
            #expect(image.layers.count == 2, "\(name)")
            for layer in image.layers { try LayerStream(layer, try await layer.fetch()).finish() }
        }
        await #expect { try await ImageSources.open("containerd:example.org/app:v2", options) } throws: {
            ($0 as? OCIError)?.code == .notFound
        }
        // A damaged database is an error or an answer, and never a trap.
        let file = root + "/io.containerd.metadata.v1.bolt/meta.db"
        let bytes = Array(try Data(contentsOf: URL(filePath: file)))
        var generator = SystemRandomNumberGenerator()
        var failures = 0
        for round in 0..<400 {
            var damaged = bytes
            for _ in 0..<(round % 40 + 1) {
                damaged[Int.random(in: 8192..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if round % 7 == 0 { damaged.removeLast(Int.random(in: 1..<bytes.count, using: &generator)) }
            try Data(damaged).write(to: URL(filePath: file))
            do throws(OCIError) { _ = try Containerd(options).image("example.org/app:v1", shown: "x") } catch {
                failures += 1
                #expect(error.code != .cancelled)
            }
        }
        #expect(failures > 0 && failures < 400)
    }
}
