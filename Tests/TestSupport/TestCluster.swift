// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Kubernetes

/// A real API server for live tests, made by `scripts/test-cluster`; it ends with this process.
package final class TestCluster: Sendable {
    package let kubeconfig: String
    /// The script's folder for it; nil for a cluster that was given.
    package let directory: String?

    private init(kubeconfig: String, directory: String?) {
        self.kubeconfig = kubeconfig
        self.directory = directory
    }

    /// The repository's root.
    package static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Whether live tests can run: a cluster is given, or one can be started without building a server first.
    /// Says so when they cannot.
    package static let isAvailable: Bool = {
        if given != nil { return true }
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.cache"
        let isBuilt =
            environment["BULWARK_TEST_APISERVER"] != nil
            || FileManager.default.isExecutableFile(atPath: cache + "/bulwark/kube-apiserver-1.20.2-2/kube-apiserver")
        if !isBuilt {
            print(
                "LIVE TESTS SKIPPED: no API server. Run `scripts/test-cluster build`, or set BULWARK_TEST_KUBECONFIG.")
        }
        return isBuilt
    }()

    private static let given = ProcessInfo.processInfo.environment["BULWARK_TEST_KUBECONFIG"].flatMap {
        $0.isEmpty ? nil : $0
    }

    private static let common = Task {
        if let given { return TestCluster(kubeconfig: given, directory: nil) }
        return try await start()
    }

    /// The one cluster that this process's tests share: theirs to fill with namespaces of their own, not to disturb.
    package static func shared() async throws -> TestCluster { try await common.value }

    /// A cluster of one's own, to restart and break.
    /// - Parameter flags: more flags for its API server, without blanks.
    package static func start(flags: [String] = []) async throws -> TestCluster {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "bulwark-live-\(UUID().uuidString.prefix(8))"
        ).path
        let owner = String(ProcessInfo.processInfo.processIdentifier)
        try await run(["up", folder, "--owner", owner], flags: flags)
        return TestCluster(kubeconfig: folder + "/kubeconfig", directory: folder)
    }

    /// `stop-apiserver`, `start-apiserver`, `restart-apiserver` or `compact`, on a cluster of one's own.
    package func control(_ command: String) async throws {
        guard let directory else { throw TestClusterError(message: "\(command): not on a cluster that was given") }
        try await Self.run([command, directory])
    }

    package func down() async throws {
        guard let directory else { return }
        try await Self.run(["down", directory])
        try FileManager.default.removeItem(atPath: directory)
    }

    package func connection() throws -> ClusterConnection {
        try ClusterConnection.resolve(kubeconfig: kubeconfig, environment: [:])
    }

    package func client(_ options: APIClientOptions = .init()) throws -> APIClient {
        try APIClient(connection(), options: options)
    }

    private static func run(_ arguments: [String], flags: [String] = []) async throws {
        let process = Process()
        process.executableURL = URL(filePath: root + "/scripts/test-cluster")
        process.arguments = arguments
        if !flags.isEmpty {
            let given = ProcessInfo.processInfo.environment["BULWARK_TEST_APISERVER_ARGS"].map { [$0] } ?? []
            process.environment = ProcessInfo.processInfo.environment.merging(
                ["BULWARK_TEST_APISERVER_ARGS": (given + flags).joined(separator: " ")]) { $1 }
        }
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else {
            throw TestClusterError(
                message: "scripts/test-cluster \(arguments.joined(separator: " ")) failed: \(status)")
        }
    }
}

package struct TestClusterError: Error, CustomStringConvertible {
    package var message: String
    package var description: String { message }
}
