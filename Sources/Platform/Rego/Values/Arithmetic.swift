// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

#if arch(x86_64)
    /// Go's big.Float carries 64 bits of mantissa when read from text, as this type does.
    package typealias Wide = Float80
#else
    package typealias Wide = Double
#endif

extension Value {
    /// A number as the nearest wide float; nil when this is none.
    package var wide: Wide? {
        switch resolved {
        case .int(let int): Wide(int)
        case .number(let number): Wide(number.text)
        default: nil
        }
    }
}

/// Orders two resolved numbers by value.
func compareNumbers(_ one: Value, _ two: Value) -> Int {
    if case .int(let a) = one, case .int(let b) = two { return a < b ? -1 : a == b ? 0 : 1 }
    guard let a = one.wide, let b = two.wide else { return 0 }
    return a < b ? -1 : a == b ? 0 : 1
}
