// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Judges objects: pure and synchronous, the same for files, a cluster and admission.
package struct Inspector: Sendable {
    package let checks: [InspectionCheck]
    package var context: InspectionContext
    package var exemptions: [Exemption] = []
    /// Seconds since 1970, for the expiry of exemptions.
    package var now: Int64 = 0
    package var masking = Masking()
    /// Emit passes too, instead of counting them only.
    package var includesPasses = false

    package init(_ catalogue: Catalogue, context: InspectionContext = InspectionContext()) {
        checks = catalogue.checks
        self.context = context
    }

    /// One object to judge.
    package struct Input {
        package var object: Node
        package var kind: ObjectKind
        package var subject: Subject
        /// The file that it came from; nil for a cluster.
        package var file: String?
        /// What its owner, judged in the same run, showed: the same again is not reported.
        package var ownerProblems: ProblemSet?

        package init(
            object: Node, kind: ObjectKind, subject: Subject, file: String? = nil, ownerProblems: ProblemSet? = nil
        ) {
            self.object = object
            self.kind = kind
            self.subject = subject
            self.file = file
            self.ownerProblems = ownerProblems
        }
    }

    /// Judges one object with every check that concerns it, and gives each result to `emit`. Returns what it showed.
    @discardableResult
    package func inspect(_ input: Input, tally: inout Tally, emit: (CheckResult) -> Void) -> ProblemSet {
        let target = Target(object: input.object, kind: input.kind, subject: input.subject)
        var run = Run(input: input, target: target, digest: nil, problems: .forObject(), judged: false)
        for index in checks.indices { run.judge(index, self, &tally, emit) }
        if run.judged { tally.subjects += 1 }
        return run.problems
    }
}

/// The judging of one object. The inspector is handed through instead of held: a call out of a mutating method would take
/// hold of every part of it first, for each of 80 checks.
private struct Run {
    let input: Inspector.Input
    let target: Target
    var digest: SubjectDigest?
    var problems: ProblemSet
    var judged: Bool

    mutating func judge(
        _ index: Int, _ inspector: Inspector, _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        switch inspector.checks[index].judge {
        case .container(let judge):
            guard target.kind.isWorkload else { return }
            if let unreadable = target.unreadable { return error(unreadable, "", index, nil, inspector, &tally, emit) }
            if target.containers.isEmpty {
                let missing = UnreadableField(
                    message: "the pod has no containers", path: "\(target.kind.podSpecPath).containers")
                return error(missing, "", index, nil, inspector, &tally, emit)
            }
            for container in target.containers {
                do throws(UnreadableField) {
                    settle(try judge(container, target, inspector.context), index, container, inspector, &tally, emit)
                } catch {
                    self.error(error, path(.relative(error.path), container), index, container, inspector, &tally, emit)
                }
            }
        case .pod(let judge):
            guard target.kind.isWorkload else { return }
            if let unreadable = target.unreadable { return error(unreadable, "", index, nil, inspector, &tally, emit) }
            do throws(UnreadableField) {
                settle(try judge(target, inspector.context), index, nil, inspector, &tally, emit)
            } catch {
                self.error(error, path(.pod(error.path), nil), index, nil, inspector, &tally, emit)
            }
        case .object(let kinds, let judge):
            guard kinds.contains(target.kind) else { return }
            do throws(UnreadableField) {
                let verdict = try judge(target, inspector.context)
                // What is wrong outside the pod stays wrong when the pod cannot be read; all else is unknown then.
                if case .problem = verdict {} else if let unreadable = target.unreadable { throw unreadable }
                settle(verdict, index, nil, inspector, &tally, emit)
            } catch {
                self.error(error, error.path, index, nil, inspector, &tally, emit)
            }
        }
    }

    private mutating func settle(
        _ verdict: Verdict, _ index: Int, _ container: Container?, _ inspector: Inspector, _ tally: inout Tally,
        _ emit: (CheckResult) -> Void
    ) {
        switch verdict {
        case .notApplicable:
            return
        case .pass:
            judged = true
            if input.ownerProblems != nil { return }
            let check = inspector.checks[index].check
            tally.add(.pass, check.severity)
            if inspector.includesPasses {
                emit(
                    result(
                        check, .pass, container, message: check.title, path: "", value: "", line: line(nil, container)))
            }
        case .problem(let problem):
            judged = true
            let check = inspector.checks[index].check
            let shown = problem.isPlaceOnly ? nil : problem.value
            var value =
                shown.map {
                    check.sensitive ? inspector.masking.mask($0) : Evidence.text($0, inspector.masking)
                } ?? ""
            // Items of a list do not repeat the version that their list has.
            if value.isEmpty, case .object("apiVersion") = problem.path { value = "\"\(input.subject.apiVersion)\"" }
            report(
                check, problem.isWarning ? .warn : .fail, index, container, message: problem.message,
                path: path(problem.path, container), value: value, line: line(problem.value, container), inspector,
                &tally, emit)
        }
    }

    private mutating func error(
        _ error: UnreadableField, _ path: String, _ index: Int, _ container: Container?, _ inspector: Inspector,
        _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        judged = true
        report(
            inspector.checks[index].check, .error, index, container, message: "Cannot be judged: \(error.message).",
            path: path.isEmpty ? error.path : path, value: "", line: line(nil, container), inspector,
            &tally, emit)
    }

    private mutating func report(
        _ check: Check, _ outcome: Outcome, _ index: Int, _ container: Container?, message: String, path: String,
        value: String, line: Int, _ inspector: Inspector, _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        let name = container?.name ?? ""
        let isNew = problems.insert(check: index, container: name)
        if !isNew || input.ownerProblems?.contains(check: index, container: name) == true { return }
        var found = result(check, outcome, container, message: message, path: path, value: value, line: line)
        if outcome != .error, !inspector.exemptions.isEmpty,
            let exemption = inspector.exemptions.first(where: {
                $0.covers(check: check, subject: input.subject, container: name, now: inspector.now)
            })
        {
            found.outcome = .skip
            found.exemption = exemption
        }
        tally.add(found.outcome, check.severity)
        emit(found)
    }

    private mutating func result(
        _ check: Check, _ outcome: Outcome, _ container: Container?, message: String, path: String, value: String,
        line: Int
    ) -> CheckResult {
        let name = container?.name ?? ""
        let shared = digest ?? SubjectDigest(input.subject)
        digest = shared
        return CheckResult(
            check: check, outcome: outcome, subject: input.subject, container: name, message: message, path: path,
            value: value, source: input.file.map { SourceLocation(file: $0, line: line) },
            fingerprint: shared.fingerprint(check: check.id, container: name))
    }

    /// The line of the evidence, or of the nearest thing that is there.
    private func line(_ value: Node?, _ container: Container?) -> Int {
        input.file == nil ? 0 : (value ?? container?.node ?? input.object).line
    }

    private func path(_ path: FieldPath, _ container: Container?) -> String {
        switch path {
        case .object(let text): return text
        case .template(let text): return target.templatePath.isEmpty ? text : "\(target.templatePath).\(text)"
        case .pod(let text): return "\(target.kind.podSpecPath).\(text)"
        case .relative(let text):
            guard let container else { return "\(target.kind.podSpecPath).\(text)" }
            return Self.joined(container.place, text)
        }
    }

    /// Both texts in one piece of memory.
    private static func joined(_ one: String, _ two: String) -> String {
        var (one, two) = (one, two)
        return one.withUTF8 { one in
            two.withUTF8 { two in
                String(unsafeUninitializedCapacity: one.count + two.count) { buffer in
                    let middle = buffer.update(fromContentsOf: one)
                    _ = buffer[middle...].update(fromContentsOf: two)
                    return one.count + two.count
                }
            }
        }
    }
}
