// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Malware
import Secrets

/// What looks into the contents of every file, in the same pass as the inventory.
package struct ContentScanners: Sendable {
    package var secrets: SecretScanner?
    package var malware: MalwareScanner?
    /// Whether files are judged by their names, rights and texts.
    package var judgesBehaviour = false

    package init(secrets: SecretScanner? = nil, malware: MalwareScanner? = nil, judgesBehaviour: Bool = false) {
        self.secrets = secrets
        self.malware = malware
        self.judgesBehaviour = judgesBehaviour
    }

    package static let none = ContentScanners()

    var isEmpty: Bool { secrets == nil && malware == nil }

    /// Larger files are looked at piece by piece, and for malware only.
    static let wholeLimit: Int64 = 32 << 20

    /// Judges what an entry shows, a folder or device too. To whom a file belongs shows only when all layers are there.
    func judge(_ file: ImageFile, _ stream: FileStream?, into record: inout LayerRecord) {
        guard judgesBehaviour else { return }
        var file = file
        if let stream, !stream.hasFailed, ImageBehaviour.wants(path: file.path, size: file.size) {
            // A failure is told where the contents are looked at.
            file.contents = try? stream.all(limit: ImageBehaviour.contentsLimit)
        }
        ImageBehaviour.judge(file, into: &record.traits)
    }

    /// Looks at a file. What cannot be had of it is a problem of the record.
    func look(at path: String, _ stream: FileStream, into record: inout LayerRecord) {
        guard !isEmpty, !stream.hasFailed, stream.size > 0 else { return }
        var report = MalwareReport()
        if stream.size <= Self.wholeLimit {
            do {
                let bytes = try stream.all(limit: Int(Self.wholeLimit))
                bytes.withUnsafeBytes { bytes in
                    malware?.scan(bytes, path: path, into: &report)
                    let start = UnsafeRawBufferPointer(rebasing: bytes.prefix(4096))
                    if let secrets, SecretScanner.wants(path: path, start: start, size: Int64(bytes.count)) {
                        secrets.scan(bytes, path: path, into: &record.secrets)
                    }
                }
            } catch {
                record.problems.add(ScanProblem("\(error)", path: path))
            }
        } else {
            malware?.scan(path: path, size: stream.size, into: &report) { try stream.next(into: $0) }
        }
        record.malware += report.matches
        for problem in report.problems { record.problems.add(ScanProblem(problem.message, path: path)) }
    }
}
