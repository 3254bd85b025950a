// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a registry that answers 401 wants (RFC 9110, section 11.6.1).
struct Challenge: Sendable, Hashable {
    /// In lower case: `bearer`, `basic`.
    var scheme: String
    /// By names in lower case.
    var parameters: [String: String] = [:]

    /// All challenges of one header, which may hold several; what cannot be read ends the list.
    static func list(_ header: String) -> [Challenge] {
        let bytes = Array(header.utf8.prefix(8192))
        var at = 0
        var challenges: [Challenge] = []
        func skip(_ set: String) { while at < bytes.count, set.utf8.contains(bytes[at]) { at += 1 } }
        func token() -> String {
            let start = at
            while at < bytes.count, bytes[at] > 0x20, !",=\"".utf8.contains(bytes[at]) { at += 1 }
            return String(decoding: bytes[start..<at], as: UTF8.self)
        }
        func quoted() -> String? {
            at += 1
            var text: [UInt8] = []
            while at < bytes.count {
                if bytes[at] == UInt8(ascii: "\"") {
                    at += 1
                    return String(decoding: text, as: UTF8.self)
                }
                if bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.count { at += 1 }
                text.append(bytes[at])
                at += 1
            }
            return nil
        }
        while true {
            skip(" \t,")
            let word = token()
            guard !word.isEmpty else { return challenges }
            skip(" \t")
            guard at < bytes.count, bytes[at] == UInt8(ascii: "="), !challenges.isEmpty else {
                challenges.append(Challenge(scheme: word.lowercased()))
                continue
            }
            at += 1
            skip(" \t")
            let isQuoted = at < bytes.count && bytes[at] == UInt8(ascii: "\"")
            guard let value = isQuoted ? quoted() : token() else { return challenges }
            challenges[challenges.count - 1].parameters[word.lowercased()] = value
        }
    }
}
