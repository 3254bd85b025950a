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
            All files are read together: templates, constraints and the objects that they judge, which are also the \
            inventory that templates may look at.

            Exit status: 0 done, 1 an object violates a constraint that denies, 2 wrong usage or a file that could not be \
            read, 3 something could not be evaluated.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(name: [.customShort("f"), .customLong("filename")], help: "A file or folder. Repeatable.")
    var files: [String]

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String, _ code: ExitStatus = .unreadable) {
            status = max(status, code)
            Terminal.error(message)
        }
        let reader = GatekeeperFiles()
        var objects: [(file: String, node: Node)] = []
        for file in InputFile.all(in: files, problem: { note($0) }) {
            do { objects += try reader.read(file).map { (file, $0) } } catch let error as UserError {
                note(error.message)
            } catch { note("\(error)") }
        }
        var judge = ConstraintSet()
        var subjects: [(file: String, node: Node)] = []
        var constraints: [(file: String, node: Node)] = []
        var inventory = Inventory()
        for (file, node) in objects {
            let group = node["apiVersion"]?.string?.split(separator: "/").first.map(String.init) ?? ""
            switch group {
            case ConstraintTemplate.group:
                do throws(GatekeeperError) { try judge.add(template: node) } catch {
                    note("\(file): \(error)", .unfinished)
                }
            case Constraint.group: constraints.append((file, node))
            default:
                subjects.append((file, node))
                if node["kind"]?.string != "AdmissionReview" { try? inventory.add(node) }
            }
        }
        for (file, node) in constraints {
            do throws(GatekeeperError) { try judge.add(constraint: node) } catch {
                note("\(file): \(error)", .unfinished)
            }
        }
        var results: [Value] = []
        for (file, node) in subjects {
            do throws(GatekeeperError) {
                let review = try ReviewInput(node) { inventory.namespace($0) }
                let judgement = judge.judge(review, inventory: inventory.value, point: "gator.gatekeeper.sh")
                for error in judgement.errors { note("\(file): \(error)", .unfinished) }
                for violation in judgement.violations {
                    if violation.actions.contains(.deny) { status = max(status, .failed) }
                    let name = node["metadata"]?["name"]?.string ?? ""
                    if output == .table {
                        let action = violation.actions.map(\.rawValue).joined(separator: ",")
                        Terminal.say(
                            "\(file): \(review.kind)/\(name): [\(violation.constraintKind)/\(violation.constraint)] "
                                + "\(action): \(violation.message)")
                    } else {
                        results.append(GatekeeperTest.json(violation, file, review, name))
                    }
                }
            } catch {
                note("\(file): \(error)", .unfinished)
            }
        }
        if output == .json {
            Terminal.say(
                Value.object(ObjectValue([(.string("schemaVersion"), .int(1)), (.string("results"), .array(results))]))
                    .prettyJSON)
        }
        if status != .done { throw status }
    }

    private static func json(
        _ violation: ConstraintViolation, _ file: String, _ review: ReviewInput, _ name: String
    ) -> Value {
        var members: [(Value, Value)] = [
            (.string("file"), .string(file)), (.string("kind"), .string(review.kind)), (.string("name"), .string(name)),
            (.string("constraintKind"), .string(violation.constraintKind)),
            (.string("constraint"), .string(violation.constraint)), (.string("message"), .string(violation.message)),
            (.string("enforcementActions"), .array(violation.actions.map { .string($0.rawValue) })),
        ]
        if let details = violation.details { members.append((.string("details"), details)) }
        return .object(ObjectValue(members))
    }
}
