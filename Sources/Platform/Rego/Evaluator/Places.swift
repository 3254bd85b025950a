// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A fixed number of places, shared by whoever holds it and written in place.
final class Places<Element> {
    let count: Int
    private let start: UnsafeMutablePointer<Element>

    init(repeating element: Element, count: Int) {
        self.count = count
        start = UnsafeMutablePointer<Element>.allocate(capacity: count)
        start.initialize(repeating: element, count: count)
    }

    deinit {
        start.deinitialize(count: count)
        start.deallocate()
    }

    /// The caller knows that `index` is one of the places: they are counted by the compiler.
    subscript(index: Int) -> Element {
        @inline(__always) get {
            assert(index >= 0 && index < count)
            return start[index]
        }
        @inline(__always) set {
            assert(index >= 0 && index < count)
            start[index] = newValue
        }
    }
}
