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
        var run = Run(input: input, target: target, digest: nil, problems: .forObject(), judged: false, shown: nil)
        // Handed on as it is: to read it out of the inspector takes hold of all of its parts, for each of 80 checks.
        let context = context
        for index in checks.indices { run.judge(checks[index], index, target, context, self, &tally, emit) }
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
    var shown: CheckResult?

    mutating func judge(
        _ check: InspectionCheck, _ index: Int, _ target: Target, _ context: InspectionContext, _ inspector: Inspector,
        _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        switch check.judge {
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
                    switch try judge(container, target, context) {
                    case .notApplicable: break
                    case .pass: pass(check.check, container, inspector, &tally, emit)
                    case .problem(let problem): show(problem, index, container, inspector, &tally, emit)
                    }
                } catch {
                    let place = place(.relative(error.path), container)
                    self.error(error, place, index, container, inspector, &tally, emit)
                }
            }
        case .pod(let judge):
            guard target.kind.isWorkload else { return }
            if let unreadable = target.unreadable { return error(unreadable, "", index, nil, inspector, &tally, emit) }
            do throws(UnreadableField) {
                switch try judge(target, context) {
                case .notApplicable: break
                case .pass: pass(check.check, nil, inspector, &tally, emit)
                case .problem(let problem): show(problem, index, nil, inspector, &tally, emit)
                }
            } catch {
                self.error(error, target.kind.podSpecPlace, index, nil, inspector, &tally, emit)
            }
        case .object(let kinds, let judge):
            guard kinds.contains(target.kind) else { return }
            do throws(UnreadableField) {
                switch try judge(target, context) {
                case .problem(let problem): show(problem, index, nil, inspector, &tally, emit)
                case let other:
                    // What is wrong outside the pod stays wrong when the pod cannot be read; all else is unknown then.
                    if let unreadable = target.unreadable { throw unreadable }
                    if case .pass = other { pass(check.check, nil, inspector, &tally, emit) }
                }
            } catch {
                self.error(error, "", index, nil, inspector, &tally, emit)
            }
        }
    }

    @inline(__always)
    private mutating func pass(
        _ check: Check, _ container: Container?, _ inspector: Inspector, _ tally: inout Tally,
        _ emit: (CheckResult) -> Void
    ) {
        judged = true
        if input.ownerProblems != nil { return }
        tally.add(.pass, check.severity)
        if inspector.includesPasses { emit(result(check, .pass, container, check.title, "", "", "", nil)) }
    }

    private mutating func show(
        _ problem: consuming Verdict.Problem, _ index: Int, _ container: Container?, _ inspector: Inspector,
        _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        judged = true
        if !isNew(index, container) { return }
        let check = inspector.checks[index].check
        var value = ""
        if let shown = problem.value, !problem.isPlaceOnly {
            value = check.sensitive ? inspector.masking.mask(shown) : Evidence.text(shown, inspector.masking)
        }
        // Items of a list do not repeat the version that their list has.
        if value.isEmpty, case .object("apiVersion") = problem.path { value = "\"\(input.subject.apiVersion)\"" }
        let outcome = problem.isWarning ? Outcome.warn : .fail
        let found = result(
            check, outcome, container, problem.message, place(problem.path, container), problem.path.text, value,
            problem.value)
        if !inspector.exemptions.isEmpty, let exemption = exemption(check, container, inspector) {
            var exempt = found
            exempt.outcome = .skip
            exempt.exemption = exemption
            tally.add(.skip, check.severity)
            return emit(exempt)
        }
        tally.add(outcome, check.severity)
        emit(found)
    }

    /// `place` stands before the error's own path; empty where that is whole.
    private mutating func error(
        _ error: UnreadableField, _ place: String, _ index: Int, _ container: Container?, _ inspector: Inspector,
        _ tally: inout Tally, _ emit: (CheckResult) -> Void
    ) {
        judged = true
        if !isNew(index, container) { return }
        let check = inspector.checks[index].check
        tally.add(.error, check.severity)
        emit(result(check, .error, container, "Cannot be judged: \(error.message).", place, error.path, "", nil))
    }

    /// The next result, with the line of the evidence, or of the nearest thing that is there. One value takes on all results
    /// of the object, and only what differs from the last one is written.
    private mutating func result(
        _ check: Check, _ outcome: Outcome, _ container: Container?, _ message: String, _ place: String,
        _ field: String, _ value: String, _ evidence: Node?
    ) -> CheckResult {
        let line = input.file == nil ? 0 : (evidence ?? container?.node ?? input.object).line
        let fingerprint = fingerprint(check, container)
        guard var next = shown else {
            let first = CheckResult(
                check: check, outcome: outcome, subject: input.subject, container: container?.name ?? "",
                message: message, place: place, field: field, value: value,
                source: input.file.map { SourceLocation(file: $0, line: line) }, fingerprint: fingerprint)
            shown = first
            return first
        }
        // Let go of, so that the value is nobody else's.
        shown = nil
        next.show(
            check: check, outcome: outcome, container: container?.name ?? "", message: message, place: place,
            field: field, value: value, line: line, fingerprint: fingerprint)
        shown = next
        return next
    }

    /// Whether neither this object nor its owner has shown the problem yet.
    private mutating func isNew(_ index: Int, _ container: Container?) -> Bool {
        let name = container?.problemName ?? .none
        return problems.insert(check: index, container: name)
            && input.ownerProblems?.contains(check: index, container: name) != true
    }

    private func exemption(_ check: Check, _ container: Container?, _ inspector: Inspector) -> Exemption? {
        inspector.exemptions.first {
            $0.covers(check: check, subject: input.subject, container: container?.name ?? "", now: inspector.now)
        }
    }

    private mutating func fingerprint(_ check: Check, _ container: Container?) -> Fingerprint {
        let shared = digest ?? SubjectDigest(input.subject)
        digest = shared
        return shared.fingerprint(check: check.id, container: container?.name ?? "")
    }

    /// What stands before the text of a path.
    private func place(_ path: FieldPath, _ container: Container?) -> String {
        switch path {
        case .object: ""
        case .template: target.kind.isWorkload ? target.kind.templatePlace : ""
        case .pod: target.kind.podSpecPlace
        case .relative: container?.place ?? target.kind.podSpecPlace
        }
    }
}
