// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents

/// Reads EPSS's CSV and CISA's KEV JSON.
enum ScoreLists {
    /// Lines `cve,epss,percentile` behind comments and a heading, plain or compressed. FIRST's list has 300,000.
    static func epss(_ source: any ByteSource, name: String) throws(AdvisoryError) -> [UInt64: (Double, Double)] {
        var scores: [UInt64: (Double, Double)] = [:]
        var line: [UInt8] = []
        var number = 0
        func end() throws(AdvisoryError) {
            number += 1
            defer { line.removeAll(keepingCapacity: true) }
            if line.last == 0x0D { line.removeLast() }
            guard !line.isEmpty, line[0] != 0x23 else { return }
            let fields = String(decoding: line, as: UTF8.self).split(separator: ",", omittingEmptySubsequences: false)
            if fields.first == "cve" { return }
            guard fields.count >= 3, let key = VulnerabilityScores.key(String(fields[0])),
                let probability = Double(fields[1]),
                let percentile = Double(fields[2]), (0...1).contains(probability), (0...1).contains(percentile)
            else { throw AdvisoryError(.malformed, "\(name):\(number): expected CVE-…,probability,percentile") }
            guard scores.count < 5_000_000 else { throw AdvisoryError(.tooLarge, "\(name) has too many lines") }
            scores[key] = (probability, percentile)
        }
        do {
            while true {
                let piece = try source.next()
                if piece.isEmpty { break }
                for byte in piece {
                    if byte == 0x0A {
                        try end()
                    } else {
                        line.append(byte)
                        guard line.count <= 4096 else { throw AdvisoryError(.malformed, "\(name): a line is too long") }
                    }
                }
            }
            if !line.isEmpty { try end() }
        } catch let error as AdvisoryError {
            throw error
        } catch {
            throw AdvisoryError(.malformed, name, cause: error)
        }
        return scores
    }

    /// `{"vulnerabilities": [{"cveID": "CVE-…"}]}`
    static func exploited(_ bytes: [UInt8], name: String) throws(AdvisoryError) -> [UInt64] {
        let root: Node
        do throws(DocumentError) { root = try JSONReader.read(bytes, source: name, duplicateKeys: .last).root } catch {
            throw AdvisoryError(.malformed, "no list of exploited vulnerabilities", cause: error)
        }
        guard let list = root["vulnerabilities"], list.isArray else {
            throw AdvisoryError(.malformed, "\(name): a list of exploited vulnerabilities has vulnerabilities")
        }
        var found: [UInt64] = []
        for element in list.elements {
            if let key = VulnerabilityScores.key(element["cveID"]?.string ?? "") { found.append(key) }
        }
        return found
    }
}
