// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import PodSecurity

/// Inspects files in two passes: one that learns what objects there are, one that judges them.
///
/// What was parsed is kept between the passes while it is small; larger inputs are read twice, so memory stays bounded.
final class FileInspection {
    let options: InspectionOptions
    /// What subjects give as their cluster; empty for files on the command line.
    private let cluster: String
    var inspector: Inspector
    /// Bytes of documents that are kept for the second pass.
    private static let keptBytes = 24 << 20

    private var progress = Progress()
    private(set) var tally = Tally()
    private(set) var status = ExitStatus.done
    private var worst = Severity.unknown
    private var owners: [String: ProblemSet] = [:]
    private var reported: Set<String> = []
    /// A copy of standard input, closed with the process.
    private var standardInput: Int32?

    init(options: InspectionOptions, inspector: Inspector, cluster: String = "") {
        self.cluster = cluster
        self.options = options
        self.inspector = inspector
    }

    func run(_ paths: [String], emit: (CheckResult) -> Void) throws {
        let kinds = try options.kinds()
        let inputs = learn(paths)
        for (index, input) in inputs.enumerated() {
            progress.show("inspecting \(index + 1) of \(inputs.count) files")
            each(input) { found in
                if !input.isLearned {
                    tally.objects += 1
                    if found.kind != .pod { note("\(input.path): \(found.subject.display) stands in a list of pods") }
                }
                guard let kind = found.kind else { return }
                if let kinds, !kinds.contains(kind) { return }
                guard options.selects(found.subject) else { return }
                judge(found, kind, input.path, emit)
            }
        }
        progress.clear()
        if let limit = options.failOn?.severity, worst >= limit { status = max(status, .failed) }
    }

    /// The first pass: what objects there are.
    private func learn(_ paths: [String]) -> [Input] {
        let files = InputFile.all(in: paths) { message in note(message) }
        var inputs: [Input] = []
        var budget = Self.keptBytes
        var controllers: Set<String> = []
        var context = inspector.context
        for (index, file) in files.enumerated() {
            progress.show("reading \(index + 1) of \(files.count) files")
            var input = Input(path: file)
            read(
                file,
                unless: { descriptor, size in
                    guard Self.isLongPodList(descriptor, size) else { return false }
                    (input.isKept, input.isLearned) = (false, false)
                    return true
                }
            ) { document, list, size in
                if size <= budget, list == nil { input.documents.append(document) } else { input.isKept = false }
                objects(document, list, file, problem: { note("\(file):\($1): \($0)") }) { found in
                    tally.objects += 1
                    guard let kind = found.kind else { return }
                    context.add(found.object, kind: kind)
                    if kind.isWorkload, let owner = found.controllerUID { controllers.insert(owner) }
                }
            }
            if input.isKept {
                budget -= input.documents.reduce(0) { $0 + $1.nodeCount * 24 }
            } else {
                input.documents = []
            }
            inputs.append(input)
        }
        inspector.context = context
        let isLearned = inputs.allSatisfy(\.isLearned)
        if !controllers.isEmpty || !isLearned { judgeOwners(inputs, isLearned ? controllers : nil) }
        progress.clear()
        return inputs
    }

    /// A patch that mends what fixes can mend on one object of the files; nil without one.
    func patch(for subject: Subject, in paths: [String]) -> String? {
        var patch: String?
        for input in learn(paths) {
            each(input) { found in
                guard patch == nil, let kind = found.kind, found.subject == subject else { return }
                let edits = inspector.plannedEdits(
                    for: Inspector.Input(object: found.object, kind: kind, subject: subject))
                patch = PatchText.yaml(edits, of: found.object, subject: subject)
            }
        }
        return patch
    }

    /// What `--fix` would make of the files: each one's name, text and mended text, where they differ.
    func fixes(_ paths: [String], body: (_ file: String, _ old: [UInt8], _ new: [UInt8]) throws -> Void) throws {
        let kinds = try options.kinds()
        for input in learn(paths) where input.path != "-" || !input.documents.isEmpty {
            do {
                let old =
                    try input.path == "-"
                    ? InputFile.all(of: try standardInput ?? InputFile.spoolStandardInput(), "-")
                    : InputFile.text(input.path, limit: DocumentLimits.standard.maxBytes)
                let fixer = FileFixer(inspector: inspector) { found in
                    self.options.selects(found.subject)
                        && (kinds == nil || found.kind.map { kinds?.contains($0) == true } == true)
                }
                let new = fixer.fix(old, file: input.path) { self.note($0) }
                if new != old { try body(input.path, old, new) }
            } catch let error as UserError {
                note(error.message)
            }
        }
    }

    private struct Input {
        let path: String
        var documents: [Document] = []
        var isKept = true
        /// False for pods that the first pass leaves out.
        var isLearned = true
    }

    /// Whether a file is a list of pods, too long to be kept. No other object depends on a pod, and none is owned by one, so
    /// the first pass learns nothing from it but what the second one sees too.
    private static func isLongPodList(_ descriptor: Int32, _ size: Int?) -> Bool {
        DocumentReader.largeList(descriptor: descriptor, size: size)?.kind == "PodList"
    }

    /// What the owners of other objects show, so that it is not reported once more for each pod.
    /// `controllers` are the ids that others name as their owner's; nil when they are not known, so that any may be one.
    private func judgeOwners(_ inputs: [Input], _ controllers: Set<String>?) {
        var unused = Tally()
        for input in inputs where input.isLearned {
            each(input) { found in
                guard let kind = found.kind, kind.isWorkload, let uid = found.uid, controllers?.contains(uid) != false
                else { return }
                owners[uid] = inspector.inspect(
                    Inspector.Input(object: found.object, kind: kind, subject: found.subject), tally: &unused,
                    emit: { _ in })
            }
        }
    }

    private func judge(_ found: FoundObject, _ kind: ObjectKind, _ file: String, _ emit: (CheckResult) -> Void) {
        let input = Inspector.Input(
            object: found.object, kind: kind, subject: found.subject, file: file,
            ownerProblems: found.controllerUID.flatMap { owners[$0] })
        inspector.inspect(input, tally: &tally) { result in
            switch result.outcome {
            case .fail, .warn: worst = max(worst, result.check.severity)
            case .error: status = .unfinished
            case .pass, .skip: break
            }
            emit(result)
        }
    }

    private func each(_ input: Input, _ body: (FoundObject) -> Void) {
        func visit(_ document: Document, _ list: ListHeader?) {
            objects(document, list, input.path, problem: { note("\(input.path):\($1): \($0)") }, body: body)
        }
        if input.isKept {
            for document in input.documents { visit(document, nil) }
        } else {
            read(input.path) { document, list, _ in visit(document, list) }
        }
    }

    private func objects(
        _ document: Document, _ list: ListHeader?, _ file: String, problem: (String, Int) -> Void,
        body: (FoundObject) -> Void
    ) {
        if let list {
            FoundObject.all(
                inItem: document.root, listKind: list.kind, listVersion: list.apiVersion, cluster: cluster,
                problem: problem, body: body)
        } else {
            FoundObject.all(in: document.root, cluster: cluster, problem: problem, body: body)
        }
    }

    /// Hands over the documents of a file, with about how many bytes each holds in memory. `isLeftOut` may leave the file
    /// out when it is open.
    private func read(
        _ file: String, unless isLeftOut: (Int32, Int?) -> Bool = { _, _ in false },
        _ body: (Document, ListHeader?, Int) -> Void
    ) {
        func take(_ descriptor: Int32, _ size: Int?) {
            if isLeftOut(descriptor, size) { return }
            DocumentReader.read(descriptor: descriptor, source: file, size: size) { result, list in
                switch result {
                case .success(let document): body(document, list, document.nodeCount * 24)
                case .failure(let error): note("\(error)")
                }
            }
        }
        do {
            try open(file, take)
        } catch let error as UserError {
            note(error.message)
        } catch {
            note("\(file): \(error)")
        }
    }

    /// Opens a file, or standard input from its beginning.
    private func open(_ file: String, _ body: (Int32, Int?) -> Void) throws {
        guard file == "-" else { return try InputFile.openSized(file) { body($0, $1) } }
        let spool = try standardInput ?? InputFile.spoolStandardInput()
        standardInput = spool
        lseek(spool, 0, SEEK_SET)
        body(spool, nil)
    }

    /// Tells a problem of the input once; the rest goes on.
    private func note(_ message: String) {
        status = max(status, .unreadable)
        guard reported.insert(message).inserted else { return }
        progress.clear()
        Terminal.error(message)
    }
}
