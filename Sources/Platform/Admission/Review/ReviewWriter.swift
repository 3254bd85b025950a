// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore

/// Writes the AdmissionReview that answers an API server.
package enum ReviewWriter {
    /// An API server cuts each warning to 256 characters once all together have more than 4096.
    static let maxWarning = 256
    static let maxWarnings = 4096
    /// A refusal's message: what a terminal and an event can still show.
    static let maxMessage = 32 << 10
    static let maxAnnotation = 16 << 10

    package static func write(_ answer: ReviewAnswer, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"#)
        quote(answer.uid, to: &buffer)
        buffer.writeStaticString(answer.allowed ? #","allowed":true"# : #","allowed":false"#)
        if !answer.allowed {
            buffer.writeStaticString(#","status":{"status":"Failure","code":"#)
            buffer.writeString(String(max(answer.code, 400)))
            buffer.writeStaticString(#","message":"#)
            quote(cut(answer.message, to: maxMessage), to: &buffer)
            let reason = answer.reason
            if !reason.isEmpty {
                buffer.writeStaticString(#","reason":"#)
                quote(reason, to: &buffer)
            }
            buffer.writeStaticString("}")
        }
        let warnings = bounded(answer.warnings)
        if !warnings.isEmpty {
            buffer.writeStaticString(#","warnings":["#)
            for (index, warning) in warnings.enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                quote(warning, to: &buffer)
            }
            buffer.writeStaticString("]")
        }
        if !answer.auditAnnotations.isEmpty {
            buffer.writeStaticString(#","auditAnnotations":{"#)
            for (index, pair) in answer.auditAnnotations.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { buffer.writeStaticString(",") }
                quote(pair.key, to: &buffer)
                buffer.writeStaticString(":")
                quote(cut(pair.value, to: maxAnnotation), to: &buffer)
            }
            buffer.writeStaticString("}")
        }
        if answer.allowed, !answer.patch.isEmpty {
            buffer.writeStaticString(#","patchType":"JSONPatch","patch":""#)
            writeBase64(patchText(answer.patch), to: &buffer)
            buffer.writeStaticString("\"")
        }
        buffer.writeStaticString("}}\n")
    }

    /// A JSON patch (RFC 6902).
    package static func patchText(_ patch: [JSONPatchOperation]) -> ByteBuffer {
        var text = ByteBuffer()
        text.writeStaticString("[")
        for (index, operation) in patch.enumerated() {
            if index > 0 { text.writeStaticString(",") }
            text.writeStaticString(#"{"op":""#)
            text.writeString(operation.kind.rawValue)
            text.writeStaticString(#"","path":"#)
            quote(operation.path, to: &text)
            if operation.kind != .remove {
                text.writeStaticString(#","value":"#)
                text.writeString(operation.value)
            }
            text.writeStaticString("}")
        }
        text.writeStaticString("]")
        return text
    }

    /// One line each, without doubles, none over 256 bytes, 4 KiB together; the rest is counted in a last line.
    static func bounded(_ warnings: [String]) -> [String] {
        var kept: [String] = []
        var seen = Set<String>()
        var total = 0
        // Room for the line that counts the rest.
        let room = maxWarnings - 32
        for (index, warning) in warnings.enumerated() {
            let line = cut(oneLine(warning), to: maxWarning)
            guard !line.isEmpty, seen.insert(line).inserted else { continue }
            guard total + line.utf8.count <= room else {
                kept.append("and \(warnings.count - index) more warnings")
                break
            }
            total += line.utf8.count
            kept.append(line)
        }
        return kept
    }

    /// Warnings travel in an HTTP header, where a control character would lose them.
    private static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == 0xc2 }) else { return text }
        var line = ""
        for scalar in text.unicodeScalars {
            line.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return line
    }

    /// At most `limit` bytes, cut between two characters, with an ellipsis where something is missing.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit - 3)
        while end > text.startIndex, UTF8.isContinuation(text.utf8[end]) { end = text.utf8.index(before: end) }
        return text[..<end] + "…"
    }

    /// A JSON string with its quotes.
    static func quote(_ text: String, to buffer: inout ByteBuffer) {
        var text = text
        text.withUTF8 { bytes in
            buffer.writeInteger(UInt8(ascii: "\""))
            var start = 0
            for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5c {
                buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start..<index]))
                start = index + 1
                switch byte {
                case 0x22: buffer.writeStaticString("\\\"")
                case 0x5c: buffer.writeStaticString("\\\\")
                case 0x0a: buffer.writeStaticString("\\n")
                case 0x09: buffer.writeStaticString("\\t")
                default:
                    buffer.writeStaticString("\\u00")
                    buffer.writeInteger(hexDigits[Int(byte >> 4)])
                    buffer.writeInteger(hexDigits[Int(byte & 15)])
                }
            }
            buffer.writeBytes(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[start...]))
            buffer.writeInteger(UInt8(ascii: "\""))
        }
    }

    private static let hexDigits = Array("0123456789abcdef".utf8)
    private static let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func writeBase64(_ text: ByteBuffer, to buffer: inout ByteBuffer) {
        text.withUnsafeReadableBytes { bytes in
            buffer.reserveCapacity(minimumWritableBytes: (bytes.count + 2) / 3 * 4)
            var at = 0
            while at < bytes.count {
                let left = bytes.count - at
                let group =
                    UInt32(bytes[at]) << 16 | (left > 1 ? UInt32(bytes[at + 1]) << 8 : 0)
                    | (left > 2 ? UInt32(bytes[at + 2]) : 0)
                buffer.writeInteger(base64Digits[Int(group >> 18)])
                buffer.writeInteger(base64Digits[Int(group >> 12 & 63)])
                buffer.writeInteger(left > 1 ? base64Digits[Int(group >> 6 & 63)] : UInt8(ascii: "="))
                buffer.writeInteger(left > 2 ? base64Digits[Int(group & 63)] : UInt8(ascii: "="))
                at += 3
            }
        }
    }
}
