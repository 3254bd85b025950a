// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// What can be said of a secret by looking at it alone.
enum SecretValue {
    /// Shannon's entropy in bits per byte.
    static func entropy(_ bytes: UnsafeBufferPointer<UInt8>) -> Double {
        guard !bytes.isEmpty else { return 0 }
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: 256) { counts in
            counts.initialize(repeating: 0)
            for byte in bytes { counts[Int(byte)] &+= 1 }
            var sum = 0.0
            for count in counts where count > 0 { sum += Double(count) * log2(Double(count)) }
            let total = Double(bytes.count)
            return log2(total) - sum / total
        }
    }

    /// Whether it has letters and also digits or signs, as what was made by chance or by a careful user has; a name or a
    /// number has not.
    static func isMixed(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var (letters, digits, signs) = (0, 0, 0)
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): letters += 1
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "/"): break
            default: signs += 1
            }
        }
        return letters >= 2 && digits + signs >= 2
    }

    /// Words that stand where a secret is to be put in.
    private static let words: [[UInt8]] = [
        "example", "changeme", "change_me", "change-me", "changeit", "placeholder", "your", "xxxx", "redacted", "dummy",
        "sample", "insert", "replace", "here>", "****", "....", "${", "{{", "}}", "%(", "$(", "<%", "#{", "@@", "todo",
        "fixme", "foobar", "abcdef", "123456", "000000", "111111", "aaaaaa", "deadbeef", "qwerty", "fake", "test_key",
        "mock", "notreal", "not_real", "secretkey", "mysecret", "my-secret", "my_secret", "mytoken", "my-token",
        "my_token",
        "somesecret", "some-secret", "passw0rd", "p@ssw", "none", "null", "undefined", "process.env", "os.environ",
        "getenv", "hunter2", "-----", "=====",
    ].map { Array($0.utf8) }

    /// Whether it is there to be replaced by a real one. Long ones hold such words by chance, so they are not asked.
    static func isPlaceholder(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count <= 200 else { return false }
        if bytes.first == UInt8(ascii: "<") || bytes.first == UInt8(ascii: "$") || bytes.first == UInt8(ascii: "%") {
            return true
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: bytes.count) { lower in
            for index in bytes.indices {
                let byte = bytes[index]
                lower[index] = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            }
            let text = UnsafeBufferPointer(lower)
            return words.contains { holds(text, $0) }
        }
    }

    private static func holds(_ text: UnsafeBufferPointer<UInt8>, _ word: [UInt8]) -> Bool {
        guard text.count >= word.count else { return false }
        for start in 0...(text.count - word.count) where text[start] == word[0] {
            var index = 1
            while index < word.count, text[start + index] == word[index] { index += 1 }
            if index == word.count { return true }
        }
        return false
    }
}
