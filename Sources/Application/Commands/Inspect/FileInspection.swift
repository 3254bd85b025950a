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
    /// Source bytes whose documents are kept for the second pass.
    private static let keptBytes = 16 << 20

    private var progress = Progress()
    private(set) var tally = Tally()
    private(set) var status = ExitStatus.done
    private var worst = Severity.unknown
    private var owners: [String: ProblemSet] = [:]
    private var reported: Set<String> = []

    init(options: InspectionOptions, inspector: Inspector, cluster: String = "") {
        self.cluster = cluster
        self.options = options
        self.inspector = inspector
    }

    func run(_ paths: [String], emit: (CheckResult) -> Void) throws {
        let kinds = try options.kinds()
        let files = InputFile.all(in: paths) { message in note(message) }
        var inputs: [Input] = []
        var budget = Self.keptBytes
        var controllers: Set<String> = []
        var context = inspector.context
        for (index, file) in files.enumerated() {
            progress.show("reading \(index + 1) of \(files.count) files")
            var input = Input(path: file)
            guard let bytes = load(file) else { continue }
            let keeps = bytes.count <= budget || file == "-"
            if keeps { budget -= bytes.count }
            parse(bytes, file) { document in
                if keeps { input.documents.append(document) }
                FoundObject.all(in: document.root, cluster: cluster, problem: { note("\(file):\($1): \($0)") }) {
                    found in
                    tally.objects += 1
                    guard let kind = found.kind else { return }
                    context.add(found.object, kind: kind)
                    if kind.isWorkload, let owner = found.controllerUID { controllers.insert(owner) }
                }
            }
            input.isKept = keeps
            inputs.append(input)
        }
        inspector.context = context
        if !controllers.isEmpty { try judgeOwners(inputs, controllers) }
        for (index, input) in inputs.enumerated() {
            progress.show("inspecting \(index + 1) of \(inputs.count) files")
            each(input) { found, kind in
                if let kinds, !kinds.contains(kind) { return }
                guard options.selects(found.subject) else { return }
                judge(found, kind, input.path, emit)
            }
        }
        progress.clear()
        if let limit = options.failOn?.severity, worst >= limit { status = max(status, .failed) }
    }

    private struct Input {
        let path: String
        var documents: [Document] = []
        var isKept = false
    }

    /// What the owners of other objects show, so that it is not reported once more for each pod.
    private func judgeOwners(_ inputs: [Input], _ controllers: Set<String>) throws {
        var unused = Tally()
        for input in inputs {
            each(input) { found, kind in
                guard kind.isWorkload, let uid = found.uid, controllers.contains(uid) else { return }
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

    private func each(_ input: Input, _ body: (FoundObject, ObjectKind) -> Void) {
        func visit(_ document: Document) {
            FoundObject.all(in: document.root, cluster: cluster, problem: { _, _ in }) { found in
                if let kind = found.kind { body(found, kind) }
            }
        }
        if input.isKept {
            input.documents.forEach(visit)
        } else if let bytes = load(input.path) {
            parse(bytes, input.path, visit)
        }
    }

    private func load(_ file: String) -> [UInt8]? {
        do throws(UserError) {
            return try InputFile.read(file)
        } catch {
            note(error.message)
            return nil
        }
    }

    private func parse(_ bytes: [UInt8], _ file: String, _ body: (Document) -> Void) {
        bytes.withUnsafeBytes { buffer in
            DocumentReader.read(buffer, source: file) { result in
                switch result {
                case .success(let document): body(document)
                case .failure(let error): note("\(error)")
                }
            }
        }
    }

    /// Tells a problem of the input once; the rest goes on.
    private func note(_ message: String) {
        status = max(status, .unreadable)
        guard reported.insert(message).inserted else { return }
        progress.clear()
        Terminal.error(message)
    }
}
