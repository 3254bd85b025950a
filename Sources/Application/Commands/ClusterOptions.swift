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

    @Option(name: .long, help: "Seconds without a byte after which a request to the API server is given up.")
    var requestTimeout = 30

    func validate() throws {
        guard (1...3600).contains(requestTimeout) else {
            throw ValidationError("--request-timeout should be between 1 and 3600 seconds")
        }
    }

    /// Whether any cluster was asked for.
    var isAsked: Bool { live || kubeconfig != nil || context != nil }

    func client(logger: Logger) throws -> APIClient {
        do {
            let connection = try ClusterConnection.resolve(
                kubeconfig: kubeconfig, context: context, environment: ProcessInfo.processInfo.environment)
            var options = APIClientOptions()
            options.idleTimeout = .seconds(requestTimeout)
            options.connectTimeout = min(options.connectTimeout, options.idleTimeout)
            return try APIClient(connection, options: options, logger: logger)
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
