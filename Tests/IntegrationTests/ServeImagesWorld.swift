// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents
import Foundation
import Glibc
import Kubernetes
import Synchronization
import TestSupport
import Testing

/// Debian's docker-registry without TLS, advisories, and a cluster of its own: what scans of running images need.
final class ImagesWorld: Sendable {
    static let isThere: Bool = {
        let missing = ["/usr/bin/docker-registry", "/usr/bin/skopeo"].filter {
            !FileManager.default.isExecutableFile(atPath: $0)
        }
        if !missing.isEmpty { print("SKIPPED: scans of running images; \(missing.joined(separator: ", ")) is missing") }
        return missing.isEmpty && TestCluster.isAvailable
    }()

    let folder: ScratchFolder
    let cluster: TestCluster
    let client: APIClient
    let port: Int
    private let registry = Mutex<pid_t?>(nil)
    /// `name:password` that the registry asks for.
    private let login: String?

    /// - Parameters:
    ///   - cluster: one that is somebody else's to end.
    ///   - login: `name:password` that the registry asks for; nil for none.
    init(_ cluster: TestCluster? = nil, login: String? = nil) async throws {
        self.login = login
        folder = try ScratchFolder()
        if let cluster { self.cluster = cluster } else { self.cluster = try await TestCluster.start() }
        client = try self.cluster.client()
        port = try Self.freePort()
        try folder.write(
            """
            version: 0.1
            log: {level: error, accesslog: {disabled: false}}
            storage: {filesystem: {rootdirectory: \(folder.path)/data}}
            http: {addr: "127.0.0.1:\(port)"}
            \(login == nil ? "" : "auth: {htpasswd: {realm: test, path: \(folder.path)/htpasswd}}")
            """, to: "config.yml")
        if let login {
            let parts = login.split(separator: ":").map(String.init)
            try Self.shell("htpasswd -Bbn '\(parts[0])' '\(parts[1])' > htpasswd", in: folder.path)
        }
        try folder.write("", to: "access")
        try await startRegistry()
    }

    deinit { _ = stopRegistry() }

    /// Ends what was started; the cluster goes with this process otherwise.
    func end() async throws {
        stopRegistry()
        try await cluster.down()
    }

    // MARK: Registry

    func startRegistry() async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/docker-registry")
        process.arguments = ["serve", folder.path + "/config.yml"]
        let log = try #require(FileHandle(forWritingAtPath: folder.path + "/access"))
        try log.seekToEnd()
        process.standardOutput = log
        process.standardError = log
        try process.run()
        registry.withLock { $0 = process.processIdentifier }
        for _ in 0..<200 {
            if (try? Self.shell("exec 3<>/dev/tcp/127.0.0.1/\(port)", in: folder.path)) != nil { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw TestClusterTrouble(text: "docker-registry did not start")
    }

    @discardableResult func stopRegistry() -> Bool {
        registry.withLock { pid in
            guard let running = pid else { return false }
            kill(running, SIGKILL)
            pid = nil
            return true
        }
    }

    struct TestClusterTrouble: Error { var text: String }

    /// Lines of the registry's log with this text: a request each.
    func requests(_ text: String) throws -> Int {
        try String(contentsOfFile: folder.path + "/access", encoding: .utf8).split(separator: "\n")
            .count { $0.contains("GET ") && $0.contains(text) }
    }

    /// Makes an image with a package of Python and brings it to the registry. Returns the manifest's digest.
    func push(_ name: String, jinja: String) throws -> String {
        let root = folder.path + "/" + name.replacing("/", with: "-").replacing(":", with: "-")
        try Self.shell(
            """
            mkdir -p l/app/Jinja2-\(jinja).dist-info out
            printf 'Metadata-Version: 2.1\\nName: Jinja2\\nVersion: \(jinja)\\n' > l/app/Jinja2-\(jinja).dist-info/METADATA
            head -c 20000 /dev/urandom > l/app/noise
            tar -C l -cf out/0.tar .
            """, in: root)
        let bytes = try Data(contentsOf: URL(filePath: root + "/out/0.tar"))
        let layer = "sha256:" + SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined()
        try
            #"{"architecture":"amd64","os":"linux","config":{"User":"1000"},"rootfs":{"type":"layers","diff_ids":["\#(layer)"]},"history":[{"created_by":"pip install"}]}"#
            .write(toFile: root + "/out/config.json", atomically: true, encoding: .utf8)
        try #"[{"Config":"config.json","RepoTags":["shop/web:1"],"Layers":["0.tar"]}]"#
            .write(toFile: root + "/out/manifest.json", atomically: true, encoding: .utf8)
        try Self.shell(
            """
            tar -C out -cf image.tar manifest.json config.json 0.tar
            skopeo --insecure-policy copy -q --dest-tls-verify=false \(login.map { "--dest-creds '\($0)'" } ?? "") --digestfile digest \
                docker-archive:image.tar docker://localhost:\(port)/\(name)
            """, in: root)
        return try String(contentsOfFile: root + "/digest", encoding: .utf8).trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    private static func shell(_ script: String, in folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-euc", script]
        process.currentDirectoryURL = URL(filePath: folder)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestClusterTrouble(text: script) }
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                bind(descriptor, place, length) == 0 && getsockname(descriptor, place, &length) == 0
            }
        }
        guard result else { throw TestClusterTrouble(text: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    // MARK: Advisories

    /// Brings advisories for Jinja2, each mended by the version after it.
    func importAdvisories(_ fixes: [(id: String, fixed: String)]) async throws {
        for fix in fixes {
            try folder.write(
                #"{"id":"\#(fix.id)","modified":"2026-01-01T00:00:00Z","summary":"Templates run code","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"PyPI","name":"jinja2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"\#(fix.fixed)"}]}]}]}"#,
                to: "pypi/\(fix.id).json")
        }
        let run = try await CommandRun.bulwark([
            "advisories", "import", folder.path + "/pypi", "--ecosystem", "PyPI", "--database", folder.path + "/db",
        ])
        try #require(run.status == 0, "\(run.errors)")
    }

    // MARK: Cluster

    /// A deployment with one pod, as the controllers make them. There is no kubelet: the pod's status is written here.
    func deploy(
        _ name: String, _ namespace: String, image: String, imageID: String?, pullSecrets: [String] = []
    ) async throws {
        let secrets = pullSecrets.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
        let template =
            #"{"metadata":{"labels":{"app":"\#(name)"}},"spec":{"containers":[{"name":"web","image":"\#(image)"}]}}"#
        let spec = #"{"selector":{"matchLabels":{"app":"\#(name)"}},"template":\#(template)}"#
        let deployment = try await client.create(
            Self.deployments, namespace: namespace, .json(#"{"metadata":{"name":"\#(name)"},"spec":\#(spec)}"#))
        func owner(_ object: APIObject) -> String {
            #"[{"apiVersion":"apps/v1","kind":"\#(object.identity.kind)","name":"\#(object.identity.name)","uid":"\#(object.identity.uid)","controller":true}]"#
        }
        let set = try await client.create(
            Self.replicaSets, namespace: namespace,
            .json(
                #"{"metadata":{"name":"\#(name)-1","ownerReferences":\#(owner(deployment))},"spec":\#(spec)}"#))
        _ = try await client.create(
            .pods, namespace: namespace,
            .json(
                #"{"metadata":{"name":"\#(name)-1-a","labels":{"app":"\#(name)"},"ownerReferences":\#(owner(set))},"spec":{"imagePullSecrets":[\#(secrets)],"containers":[{"name":"web","image":"\#(image)"}]}}"#
            ))
        guard let imageID else { return }
        _ = try await client.patch(
            .pods, namespace: namespace, name: "\(name)-1-a",
            #"{"status":{"phase":"Running","containerStatuses":[{"name":"web","image":"\#(image)","imageID":"\#(imageID)","ready":true,"restartCount":0}]}}"#,
            subresource: "status")
    }

    func remove(_ name: String, _ namespace: String) async throws {
        try await client.delete(.pods, namespace: namespace, name: "\(name)-1-a", graceSeconds: 0)
        try await client.delete(Self.replicaSets, namespace: namespace, name: "\(name)-1")
        try await client.delete(Self.deployments, namespace: namespace, name: name)
    }

    static let deployments = APIResource(
        group: "apps", version: "v1", plural: "deployments", kind: "Deployment", namespaced: true)
    static let replicaSets = APIResource(
        group: "apps", version: "v1", plural: "replicasets", kind: "ReplicaSet", namespaced: true)

    // MARK: Server

    func serve(_ more: [String] = []) async throws -> ServeProcess {
        try await ServeProcess(
            [
                "--kubeconfig", cluster.kubeconfig, "--schedule", "", "--images", "--images-registry",
                "localhost:\(port)", "--advisories-database", folder.path + "/db", "--images-look", "1",
            ] + more, state: folder.path + "/state")
    }
}

extension ServeProcess {
    /// Messages of open findings of a check on a workload.
    func messages(_ check: String, of name: String, _ token: String) async throws -> [String] {
        var messages: [String] = []
        guard let items = try await get("findings?check=\(check)&limit=100", token)["items"] else { return [] }
        for item in items.elements where item["subject"]?["name"]?.string == name { messages.append(item.json()) }
        return messages
    }
}
