// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Findings
import Kubernetes
import PodPolicies
import Reporting

/// `bulwark policy suggest`: the tightest policy that an account's pods pass.
struct PolicySuggest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suggest", abstract: "Write the tightest policy that everything running under an account passes.",
        discussion: """
            Looks at the account's running pods and at the templates that make more, and writes a PodPolicy that accepts \
            all of them without changing any. The same pods always give the same policy. What made a rule wider is told \
            on standard error, or in the JSON. It knows only what runs now: a job that starts once a month was not seen.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, json }

    @Option(name: .long, help: "NAMESPACE/NAME of the service account.")
    var serviceAccount: String

    @OptionGroup var cluster: ClusterOptions

    @Option(name: .shortAndLong, help: "yaml (the object) or json (the object with what was seen).")
    var output = Format.yaml

    private var account: (namespace: String, name: String)? {
        let parts = serviceAccount.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        return (parts[0], parts[1])
    }

    func validate() throws {
        if account == nil { throw ValidationError("--service-account should be NAMESPACE/NAME, such as shop/cart") }
    }

    func run() async throws {
        guard let account else { return }
        var suggestion = PolicySuggestion()
        var status = ExitStatus.done
        do {
            try await RunningWorkloads(try cluster.client(logger: .quiet)).each(namespace: account.namespace) {
                object in
                guard !Self.isOver(object.node) else { return }
                let identity = object.identity
                do throws(PodFieldError) {
                    guard
                        let (pod, _, isTemplate) = try PodSource.find(
                            in: object.node, apiVersion: identity.apiVersion, kind: identity.kind),
                        (pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName) == account.name
                    else { return }
                    suggestion.add(
                        pod, subject: "\(identity.kind) \(identity.namespace)/\(identity.name)", isTemplate: isTemplate)
                } catch {
                    status = .unfinished
                    Terminal.error(
                        "\(identity.kind) \(identity.namespace)/\(identity.name) could not be read: \(error)")
                }
            }
        } catch let error as KubernetesError {
            throw UserError(error.message, .unfinished)
        }
        guard !suggestion.isEmpty else {
            throw UserError(
                "nothing runs under the service account \(serviceAccount), so there is nothing to go by", .unfinished)
        }
        guard let (rules, remarks) = suggestion.rules() else {
            throw UserError("what runs under \(serviceAccount) is accepted by no policy with fields", .unfinished)
        }
        if suggestion.leftOut > 0 {
            status = .unfinished
            Terminal.error("\(suggestion.leftOut) pods were left out: there are too many different ones")
        }
        write(rules, remarks, suggestion, account)
        if status != .done { throw status }
    }

    private func write(
        _ rules: SecurityRules, _ remarks: [PolicySuggestion.Remark], _ suggestion: PolicySuggestion,
        _ account: (namespace: String, name: String)
    ) {
        let policy = PodPolicy(name: "\(account.namespace)-\(account.name)", rules: .fields(rules))
        guard let object = policy.importedObject else { return }
        let text: String
        switch output {
        case .yaml:
            Terminal.note(
                "seen: \(suggestion.seen - suggestion.templates) running pods and \(suggestion.templates) templates of \(serviceAccount)"
            )
            for remark in remarks { Terminal.note("\(remark.field) is wider because of \(remark.reason)") }
            text = object.yaml
        case .json:
            let told: EditValue = [
                "schemaVersion": "1", "policy": object,
                "seen": [
                    "pods": .number(String(suggestion.seen - suggestion.templates)),
                    "templates": .number(String(suggestion.templates)),
                ],
                "remarks": .array(remarks.map { ["field": .string($0.field), "reason": .string($0.reason)] }),
            ]
            text = told.json + "\n"
        }
        Array(text.utf8).withUnsafeBytes { Terminal.write($0) }
    }

    private static func isOver(_ object: Node) -> Bool {
        let phase = object["status"]?["phase"]?.string
        return phase == "Succeeded" || phase == "Failed"
    }
}
