// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import PodSecurity

extension InputFile {
    /// Hands over the objects of a file, `-` for standard input, in order: several documents, JSON lines, lists. What
    /// cannot be read is a message for `problem`; the rest goes on.
    static func objects(in file: String, problem: (String) -> Void, body: (FoundObject) -> Void) {
        func take(_ descriptor: Int32) {
            DocumentReader.read(descriptor: descriptor, source: file) { result, list in
                let document: Document
                switch result {
                case .success(let read): document = read
                case .failure(let error): return problem("\(error)")
                }
                let note = { (message: String, line: Int) in problem("\(file):\(line): \(message)") }
                if let list {
                    FoundObject.all(
                        inItem: document.root, listKind: list.kind, listVersion: list.apiVersion, problem: note,
                        body: body)
                } else {
                    FoundObject.all(in: document.root, problem: note, body: body)
                }
            }
        }
        do {
            if file == "-" { take(STDIN_FILENO) } else { try open(file, take) }
        } catch let error as UserError {
            problem(error.message)
        } catch {
            problem("\(file): \(error)")
        }
    }
}
