// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import ArgumentParser
import Documents
import Findings
import Kubernetes
import Logging
import Reporting
import Rego

/// `bulwark gatekeeper audit`: everything in a cluster by its constraints, once.
struct GatekeeperAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Judge everything in a cluster by its templates and constraints.",
        discussion: """
            Only reads: templates, constraints, what they may look at, and the objects of all kinds that they mean, but \
            never Secrets. `bulwark serve --gatekeeper` does the same all the time, and remembers.

            Exit status: 0 done, 1 an object violates a constraint that denies, 2 wrong usage, 3 something could not be \
            evaluated or read.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @OptionGroup var cluster: ClusterOptions

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    @Option(help: "Only these constraints: KIND or KIND/NAME. Repeatable.")
    var constraint: [String] = []

    mutating func run() async throws {
        let (client, logger) = try AdmissionSession.open(cluster)
        var (failed, unfinished) = (0, 0)
        var violations = 0
        let (format, only) = (output, constraint)
        try await AdmissionSession.reporting {
            let index = try await read(client, logger)
            for (id, problem) in index.problems.sorted(by: { $0.key < $1.key }) {
                unfinished += 1
                Terminal.error("\(id): \(problem)")
            }
            var lines = LineBuffer()
            var progress = Progress()
            if format == .json { lines.add(#"{"schemaVersion":1,"results":["#) }
            var isFirst = true
            let providers = ProviderClient()
            let sweep = ConstraintSweep(index, client, external: ExternalData { try await providers.fetch($0, $1) })
            let (objects, missing) = try await sweep.run(
                progress: { resource, done in progress.show("\(resource): \(done)") },
                emit: { object in
                    guard let subject = object.subject.constrained else { return }
                    for result in object.results {
                        let id = result.check.id
                        guard only.isEmpty || only.contains(id) || only.contains(where: { id.hasPrefix($0 + "/") })
                        else { continue }
                        violations += 1
                        switch result.outcome {
                        case .error: unfinished += 1
                        case .fail: failed += 1
                        default: break
                        }
                        switch format {
                        case .table:
                            lines.add(
                                DisplayText.safe(
                                    "\(subject.display): [\(id)] \(Self.word(result)): \(result.message)"))
                        case .json:
                            lines.add((isFirst ? "" : ",") + Self.json(result, subject))
                            isFirst = false
                        }
                    }
                })
            unfinished += missing.count { !$0.hasPrefix("secrets:") }
            for line in missing { Terminal.error("not audited: \(line)") }
            if format == .json { lines.add("]}") }
            lines.flush()
            progress.clear()
            await providers.shutdown()
            Terminal.error("\(objects) objects, \(violations) violations")
        }
        if unfinished > 0 { throw ExitStatus.unfinished }
        if failed > 0 { throw ExitStatus.failed }
    }

    /// Reads all that is judged by, and ends the watches.
    private func read(_ client: APIClient, _ logger: Logger) async throws -> GatekeeperIndex {
        let index = GatekeeperIndex()
        let sync = ClusterSync(index, client, logger: logger)
        let watching = Task { try await sync.run() }
        defer { watching.cancel() }
        let deadline = ContinuousClock.now + .seconds(120)
        while let reason = index.waitsFor {
            guard ContinuousClock.now < deadline else {
                throw UserError("the cluster's constraints were not read in time: \(reason)", .unfinished)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        return index
    }

    private static func word(_ result: CheckResult) -> String {
        switch result.outcome {
        case .fail: "deny"
        case .error: "error"
        default: result.check.severity == .medium ? "warn" : "dryrun"
        }
    }

    private static func json(_ result: CheckResult, _ subject: Subject) -> String {
        let members: [(String, String)] = [
            ("constraint", result.check.id), ("action", word(result)), ("apiVersion", subject.apiVersion),
            ("kind", subject.kind), ("namespace", subject.namespace), ("name", subject.name),
            ("message", result.message),
        ]
        return Value.object(ObjectValue(members.map { (.string($0.0), .string($0.1)) })).json
    }
}

/// Lines for standard output, written in blocks.
private struct LineBuffer {
    private var bytes: [UInt8] = []

    mutating func add(_ line: String) {
        bytes.append(contentsOf: line.utf8)
        bytes.append(UInt8(ascii: "\n"))
        if bytes.count > 1 << 16 { flush() }
    }

    mutating func flush() {
        bytes.withUnsafeBytes { Terminal.write($0) }
        bytes.removeAll(keepingCapacity: true)
    }
}
