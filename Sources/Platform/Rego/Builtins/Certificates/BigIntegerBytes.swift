// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BigInteger {
    /// A magnitude, the most significant byte first.
    init(bytes: some Collection<UInt8>) {
        var whole = BigInteger(0)
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let head = rest.count % 4 == 0 ? 4 : rest.count % 4
            let word = rest.prefix(head).reduce(0) { $0 << 8 | Int($1) }
            whole = whole.shiftedLeft(by: head * 8) + BigInteger(word)
            rest = rest.dropFirst(head)
        }
        self = whole
    }

    /// A signed number as DER holds it.
    init(twosComplement bytes: some Collection<UInt8>) {
        let magnitude = BigInteger(bytes: bytes)
        let isNegative = bytes.first.map { $0 >= 0x80 } ?? false
        self = isNegative ? magnitude - BigInteger(1).shiftedLeft(by: bytes.count * 8) : magnitude
    }
}
