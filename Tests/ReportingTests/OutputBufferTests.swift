// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Reporting

@Suite struct OutputBufferTests {
    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("a\"b\\c/d", #""a\"b\\c/d""#), ("\u{8}\t\n\u{c}\r", #""\b\t\n\f\r""#),
        ("\0\u{1}\u{1b}\u{1f}", #""\u0000\u0001\u001b\u001f""#),
        ("\u{7f}\u{80}\u{9f}\u{a0}", "\"\\u007f\\u0080\\u009f\u{a0}\""),
        ("é名🚀", #""é名🚀""#), ("\u{2027}\u{2028}\u{2029}\u{202a}", "\"\u{2027}\\u2028\\u2029\u{202a}\""),
        ("\u{feff}\u{fffd}\u{fffe}\u{ffff}", "\"\\ufeff\u{fffd}\\ufffe\\uffff\""),
        ("\u{ef80}\u{ffef}", "\"\u{ef80}\u{ffef}\""),
    ])
    func escapes(text: String, json: String) throws {
        var buffer = OutputBuffer()
        buffer.append(json: text)
        #expect(buffer.text == json)
        let read = try JSONSerialization.jsonObject(with: Data(buffer.bytes), options: .fragmentsAllowed) as? String
        #expect(read == text)
    }

    /// The escape looks at words of eight bytes and at parts of 4096: every offset and length must do.
    @Test func escapesAtEveryOffset() throws {
        let specials = ["\"", "\\", "\u{1f}", "\u{7f}", "\u{80}", "é", "\u{2028}", "名", "\u{feff}", "🚀", "\0"]
        for special in specials {
            for length in Array(0...17) + Array(4085...4100) {
                let text = String(repeating: "a", count: length) + special + String(repeating: "z", count: 9) + special
                var buffer = OutputBuffer()
                buffer.append(json: text)
                let read = try JSONSerialization.jsonObject(with: Data(buffer.bytes), options: .fragmentsAllowed)
                #expect(read as? String == text)
                #expect(buffer.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
            }
        }
    }

    @Test func longTextLeavesInBlocks() {
        var total = 0
        var buffer = OutputBuffer { total += $0.count }
        buffer.append(json: String(repeating: "\u{1}", count: 300_000))
        buffer.append(String(repeating: "x", count: 300_000))
        buffer.append(spaces: 70_000)
        buffer.flush()
        #expect(total == 1_800_002 + 370_000)
    }

    @Test func repairsWhatIsNotUTF8() {
        let raw: [UInt8] = [0x61, 0xff, 0xe2, 0x80, 0x22, 0xc0, 0xaf]
        var buffer = OutputBuffer()
        raw.withUnsafeBufferPointer { buffer.append(json: $0) }
        #expect(String(validating: buffer.bytes, as: UTF8.self) != nil)
        #expect(buffer.text.hasPrefix("\"a\u{fffd}") && buffer.text.contains("\\\""))
    }

    @Test(arguments: [
        (Int64(0), "0"), (7, "7"), (-1, "-1"), (1000, "1000"), (.max, "9223372036854775807"),
        (.min, "-9223372036854775808"),
    ])
    func integers(value: Int64, text: String) {
        var buffer = OutputBuffer()
        buffer.append(integer: value)
        #expect(buffer.text == text)
    }

    @Test func streamsInBlocks() {
        var blocks: [Int] = []
        var buffer = OutputBuffer { blocks.append($0.count) }
        for _ in 0..<120_000 { buffer.append("0123456789") }
        #expect(blocks.count == 4 && blocks.allSatisfy { (262_144..<262_154).contains($0) })
        buffer.flush()
        #expect(blocks.reduce(0, +) == 1_200_000)
        buffer.flush()
        #expect(blocks.count == 5, "an empty buffer is not handed over")
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
        (1_772_357_400, "2026-03-01T09:30:00Z"),
        (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
        (-86_400, "1969-12-31T00:00:00Z"), (.max, "9999-12-31T23:59:59Z"), (.min, "0000-01-01T00:00:00Z"),
    ])
    func times(seconds: Int64, text: String) {
        #expect(Timestamp.iso8601(seconds) == text)
    }
}
