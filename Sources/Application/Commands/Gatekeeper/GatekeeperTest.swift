// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import ArgumentParser
import Documents
import Rego

/// `bulwark gatekeeper test`: templates and constraints on manifests.
struct GatekeeperTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Judge manifests by the templates and constraints among them.",
        discussion: """
            All files are read together: templates, constraints, expansion templates, mutators, and the objects that are \
            judged, which are also the inventory that templates may look at. Objects are judged with what they make.

            Exit status: 0 done, 1 an object violates a constraint that denies, 2 wrong usage or a file that could not be \
            read, 3 something could not be evaluated.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, yaml }

    @Option(name: [.customShort("f"), .customLong("filename")], help: "A file or folder. Repeatable.")
    var files: [String]

    @Option(name: .shortAndLong, help: "table, json or yaml.")
    var output = Format.table

    @Option(help: "Show only violations with this action: deny, warn or dryrun. Repeatable.")
    var enforcement: [Action] = []

    enum Action: String, ExpressibleByArgument, CaseIterable { case deny, warn, dryrun }

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String, _ code: ExitStatus = .unreadable) {
            status = max(status, code)
            Terminal.error(message)
        }
        let reader = GatekeeperFiles()
        var objects = GatekeeperObjects()
        for file in InputFile.all(in: files, problem: { note($0) }) {
            do { for node in try reader.read(file) { objects.add(node, from: file) } } catch let error as UserError {
                note(error.message)
            } catch { note("\(file): \(error)") }
        }
        objects.finish()
        for problem in objects.problems { note(problem, .unfinished) }
        let wanted = Set(enforcement.map(\.rawValue))
        let inventory = objects.inventory.value
        var results: [Value] = []
        for (file, node) in objects.subjects {
            do throws(GatekeeperError) {
                let review = try ReviewInput(node) { objects.inventory.namespace($0) }
                let judgement = objects.constraints.judge(
                    review, inventory: inventory, point: "gator.gatekeeper.sh", expansions: objects.expansions,
                    mutators: objects.mutators)
                for failure in judgement.errors {
                    note("\(file): \(failure.constraint): \(failure.error)", .unfinished)
                }
                let subject = review.object ?? review.oldObject
                let name = subject?["metadata"]?["name"]?.string ?? ""
                for violation in judgement.violations {
                    let actions = violation.actions.map(\.rawValue)
                    if violation.actions.contains(.deny) { status = max(status, .failed) }
                    if !wanted.isEmpty, wanted.isDisjoint(with: actions) { continue }
                    if output == .table {
                        Terminal.say(
                            "\(file): \(review.kind)/\(name): [\(violation.constraintKind)/\(violation.constraint)] "
                                + "\(actions.joined(separator: ",")): \(violation.message)")
                    } else {
                        let home = subject?["metadata"]?["namespace"]?.string ?? ""
                        results.append(GatekeeperTest.value(violation, file, review, home, name))
                    }
                }
            } catch {
                note("\(file): \(error)", .unfinished)
            }
        }
        let all = Value.object(
            ObjectValue([(.string("schemaVersion"), .int(1)), (.string("results"), .array(results))]))
        switch output {
        case .table: break
        case .json: Terminal.say(all.prettyJSON)
        case .yaml: Terminal.say(String(YAMLText.text(all).dropLast()))
        }
        if status != .done { throw status }
    }

    private static func value(
        _ violation: ConstraintViolation, _ file: String, _ review: ReviewInput, _ namespace: String, _ name: String
    ) -> Value {
        var members: [(Value, Value)] = [
            (.string("file"), .string(file)), (.string("kind"), .string(review.kind)), (.string("name"), .string(name)),
            (.string("constraintKind"), .string(violation.constraintKind)),
            (.string("constraint"), .string(violation.constraint)), (.string("message"), .string(violation.message)),
            (.string("enforcementActions"), .array(violation.actions.map { .string($0.rawValue) })),
        ]
        if !namespace.isEmpty { members.append((.string("namespace"), .string(namespace))) }
        if let details = violation.details { members.append((.string("details"), details)) }
        return .object(ObjectValue(members))
    }
}

/// The objects of manifests, sorted by what they are for.
struct GatekeeperObjects {
    private(set) var constraints = ConstraintSet()
    private(set) var expansions = ExpansionSet()
    private(set) var mutators = MutatorSet()
    private(set) var inventory = Inventory()
    private(set) var subjects: [(file: String, node: Node)] = []
    /// What could not be used, with its file.
    private(set) var problems: [String] = []
    /// Constraints need templates, which may come later.
    private var waiting: [(file: String, node: Node)] = []

    mutating func add(_ node: Node, from file: String) {
        let group = node["apiVersion"]?.string?.split(separator: "/").first.map(String.init) ?? ""
        do throws(GatekeeperError) {
            switch group {
            case ConstraintTemplate.group: try constraints.add(template: node)
            case Constraint.group: waiting.append((file, node))
            case ExpansionTemplate.group: try expansions.add(node)
            case Mutator.group: try mutators.add(node)
            case GatekeeperConfig.group: _ = try GatekeeperConfig(node)
            case SyncSet.group: _ = try SyncSet(node)
            case ExternalDataProvider.group: _ = try ExternalDataProvider(node)
            default:
                subjects.append((file, node))
                if node["kind"]?.string != "AdmissionReview" { try inventory.add(node) }
            }
        } catch {
            note(error, node, file)
        }
    }

    /// Reads the constraints, and says what cannot stand together.
    mutating func finish() {
        for (file, node) in waiting {
            do throws(GatekeeperError) { try constraints.add(constraint: node) } catch { note(error, node, file) }
        }
        waiting = []
        for id in mutators.conflicts.sorted() {
            problems.append("\(id) contradicts another mutator about the same place and is not applied")
        }
    }

    private mutating func note(_ error: GatekeeperError, _ node: Node, _ file: String) {
        let name = node["metadata"]?["name"]?.string ?? ""
        problems.append("\(file): \(node["kind"]?.string ?? "")/\(name): \(error)")
    }
}
