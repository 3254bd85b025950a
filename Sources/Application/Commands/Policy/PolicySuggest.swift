// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Kubernetes
import PodPolicies

/// `bulwark policy suggest`: the tightest policy for what runs.
struct PolicySuggest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest",
        abstract: "Write the tightest PodPolicy that everything running under an account passes.",
        discussion: """
            Looks at the account's running pods and at the templates of its controllers. The policy goes to standard \
            output as YAML; what was seen, and what made a rule wider than the tightest, to standard error.

            Exit status: 0 done, 2 wrong usage, 3 nothing runs under the account or something could not be read.
            """)

    @OptionGroup var cluster: ClusterOptions

    @Option(name: .long, help: "The account, as NAMESPACE/NAME.")
    var serviceAccount: String

    @Option(name: .long, help: "The policy's name; NAMESPACE-NAME when not given.")
    var name: String?

    func validate() throws { _ = try account() }

    private func account() throws -> (namespace: String, name: String) {
        let parts = serviceAccount.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts.contains("") else {
            throw ValidationError("--service-account: expected NAMESPACE/NAME, not \(serviceAccount)")
        }
        return (parts[0], parts[1])
    }

    func run() async throws {
        let account = try account()
        let (client, _) = try AdmissionSession.open(cluster)
        try await AdmissionSession.reporting {
            var suggestion = PolicySuggestion()
            var status = ExitStatus.done
            try await RunningWorkloads(client).each(namespace: account.namespace) { object in
                let identity = object.identity
                do throws(PodFieldError) {
                    try suggestion.add(
                        object.node, apiVersion: identity.apiVersion, kind: identity.kind, account: account.name)
                } catch {
                    status = .unfinished
                    Terminal.error("\(identity.kind) \(account.namespace)/\(identity.name): \(error)")
                }
            }
            guard !suggestion.isEmpty else {
                throw UserError("nothing runs under the service account \(serviceAccount)", .unfinished)
            }
            if suggestion.leftOut > 0 {
                status = .unfinished
                Terminal.error("\(suggestion.leftOut) pods were too many to be looked at: the policy may refuse them")
            }
            guard let (rules, remarks) = suggestion.rules() else {
                throw UserError("no policy accepts all that runs under \(serviceAccount)", .unfinished)
            }
            let policy = PodPolicy(name: name ?? "\(account.namespace)-\(account.name)", rules: .fields(rules))
            if let object = policy.importedObject { Array(object.yaml.utf8).withUnsafeBytes { Terminal.write($0) } }
            Terminal.note(
                "seen under \(serviceAccount): \(suggestion.seen - suggestion.templates) pods and \(suggestion.templates) templates"
            )
            for remark in remarks { Terminal.note("\(remark.field): \(remark.reason)") }
            if status != .done { throw status }
        }
    }
}
