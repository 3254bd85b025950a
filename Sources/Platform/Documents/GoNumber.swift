// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Numbers as text the way Go writes them, because that is what the API server stores.
enum GoNumber {
    /// The shortest digits that read back as `value`, and where the decimal point stands among them.
    private static func digits(_ description: String) -> (negative: Bool, digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var negative = false
        var text = Substring(description)
        if text.hasPrefix("-") {
            negative = true
            text.removeFirst()
        }
        if let mark = text.firstIndex(of: "e") {
            exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        for byte in text.utf8 {
            if byte == 0x2E { point = digits.count } else { digits.append(byte) }
        }
        var place = (point ?? digits.count) + exponent
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
        let zeros = digits.prefix { $0 == 0x30 }.count
        if zeros == digits.count { return (negative, [0x30], 1) }
        digits.removeFirst(zeros)
        place -= zeros
        return (negative, digits, place)
    }

    /// `encoding/json`: plain digits, and an exponent only below 1e-6 and from 1e21 on. Nil for NaN and infinity. Minus
    /// zero becomes 0, as it does behind the API server.
    static func json(_ value: Double) -> [UInt8]? {
        guard value.isFinite else { return nil }
        let (negative, digits, point) = digits(value.description)
        let size = abs(value)
        let plain = size == 0 || (size >= 1e-6 && size < 1e21)
        return (negative && size > 0 ? [0x2D] : [])
            + (plain ? decimal(digits, point) : scientific(digits, point, minimumExponentDigits: 1))
    }

    /// `strconv.FormatFloat(v, 'g', -1, 32)`, in which sigs.k8s.io/yaml writes a float that stands as a key.
    static func key(_ value: Double) -> [UInt8] {
        let single = Float(value)
        if value.isNaN { return Array(".nan".utf8) }
        if single.isInfinite { return Array((single < 0 ? "-.inf" : ".inf").utf8) }
        let (negative, digits, point) = digits(single.description)
        let exponent = single == 0 ? 0 : point - 1
        let scientific = exponent < -4 || exponent >= 6
        return (negative ? [0x2D] : [])
            + (scientific ? self.scientific(digits, point, minimumExponentDigits: 2) : decimal(digits, point))
    }

    private static func decimal(_ digits: [UInt8], _ point: Int) -> [UInt8] {
        if point <= 0 { return [0x30, 0x2E] + [UInt8](repeating: 0x30, count: -point) + digits }
        if point >= digits.count { return digits + [UInt8](repeating: 0x30, count: point - digits.count) }
        return Array(digits[..<point]) + [0x2E] + digits[point...]
    }

    private static func scientific(_ digits: [UInt8], _ point: Int, minimumExponentDigits: Int) -> [UInt8] {
        var out = [digits[0]]
        if digits.count > 1 { out += [0x2E] + digits[1...] }
        let exponent = point - 1
        var text = String(abs(exponent))
        while text.utf8.count < minimumExponentDigits { text = "0" + text }
        return out + [0x65, exponent < 0 ? 0x2D : 0x2B] + Array(text.utf8)
    }

    static func hexValue(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x30...0x39: Int(byte) - 0x30
        case 0x41...0x46: Int(byte) - 0x41 + 10
        case 0x61...0x66: Int(byte) - 0x61 + 10
        default: nil
        }
    }
}
