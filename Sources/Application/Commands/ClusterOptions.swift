// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Kubernetes
import Logging
import PodSecurity

/// Which cluster a user means.
struct ClusterOptions: ParsableArguments {
    @Flag(name: .long, help: "The current context of the kubeconfig, or the cluster that this runs in as a pod.")
    var live = false

    @Option(name: .long, help: "The kubeconfig file.")
    var kubeconfig: String?

    @Option(name: .long, help: "The context of the kubeconfig.")
    var context: String?

    /// Whether any cluster was asked for.
    var isAsked: Bool { live || kubeconfig != nil || context != nil }

    func client(logger: Logger) throws -> APIClient {
        do {
            let connection = try ClusterConnection.resolve(
                kubeconfig: kubeconfig, context: context, environment: ProcessInfo.processInfo.environment)
            return try APIClient(connection, logger: logger)
        } catch let error as KubernetesError {
            throw UserError(error.message)
        }
    }

    func kinds(_ client: APIClient) async throws -> ClusterKinds {
        do { return try await ClusterKinds.discover(client) } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
    }
}
