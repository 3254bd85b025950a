// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import OCI

/// The logins that pods bring for their images: the Secrets that they name as `imagePullSecrets`.
///
/// As the kubelet has it, a Secret counts for the images of pods of its own namespace that name it, and for the registries
/// that it names. Those of service accounts stand in the pods, where the API server has put them. Secrets are read when an
/// image is asked for, by their names, and forgotten with the answer.
package struct PullSecrets: Sendable {
    /// Tried for one image. Whoever may make a pod may name Secrets without number.
    static let limit = 8
    private static let secrets = APIResource(
        group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)

    private let running: RunningImages
    private let read: @Sendable (_ namespace: String, _ name: String) async throws -> Node

    package init(_ running: RunningImages, _ client: APIClient) {
        self.init(running) { namespace, name in
            try await client.get(Self.secrets, namespace: namespace, name: name).node
        }
    }

    init(
        _ running: RunningImages, read: @escaping @Sendable (_ namespace: String, _ name: String) async throws -> Node
    ) {
        (self.running, self.read) = (running, read)
    }

    struct Login: Sendable {
        /// `shop/regcred`
        var name: String
        var logins: RegistryLogins
    }

    /// Those that name the image's registry, and which Secrets could not be used and why; no text tells what is in them.
    func logins(for reference: ImageReference) async -> (logins: [Login], problems: [String]) {
        var found: [Login] = []
        var problems: [String] = []
        for (namespace, secret) in running.pullSecrets(of: reference, limit: Self.limit) {
            let name = "\(namespace)/\(secret)"
            do {
                let logins = try Self.logins(of: try await read(namespace, secret), named: name)
                if logins.names(reference) { found.append(Login(name: name, logins: logins)) }
            } catch let error as OCIError {
                problems.append(error.message)
            } catch let error as KubernetesError {
                switch error.code {
                // Pods may name what is not there.
                case .notFound: problems.append("the pull secret \(name) does not exist")
                case .forbidden: problems.append("this server may not read the pull secret \(name)")
                default: problems.append("the pull secret \(name) could not be read (\(error.code.rawValue))")
                }
            } catch { problems.append("the pull secret \(name) could not be read") }
        }
        return (found, problems)
    }

    static func logins(of secret: Node, named name: String) throws(OCIError) -> RegistryLogins {
        let isOld: Bool
        let field: Node?
        switch secret["type"]?.string {
        case "kubernetes.io/dockerconfigjson": (isOld, field) = (false, secret["data"]?[".dockerconfigjson"])
        case "kubernetes.io/dockercfg": (isOld, field) = (true, secret["data"]?[".dockercfg"])
        default: throw OCIError(.malformed, "the pull secret \(name) is of another type than those with logins")
        }
        guard let text = field?.string, text.utf8.count <= 2 << 20, let bytes = Data(base64Encoded: text) else {
            throw OCIError(.malformed, "the pull secret \(name) holds no logins in Docker's form")
        }
        return try RegistryLogins(Array(bytes), isOldForm: isOld, source: "the pull secret \(name)")
    }
}
