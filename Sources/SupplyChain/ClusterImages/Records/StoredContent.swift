// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CZlib
import ImageScanning

/// What was read of an image, as the table keeps it: the report's own coding, compressed by zlib.
enum StoredContent {
    /// Bytes before compression. Larger ones are not kept: such an image is read anew to be judged again.
    static let limit = 256 << 20

    static func compressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard !bytes.isEmpty, bytes.count <= limit else { return nil }
        var size = compressBound(UInt(bytes.count))
        var output = [UInt8](repeating: 0, count: Int(size))
        // Its texts repeat so much that the fastest level is small enough.
        let status = output.withUnsafeMutableBufferPointer { output in
            bytes.withUnsafeBufferPointer { bytes in
                compress2(output.baseAddress, &size, bytes.baseAddress, UInt(bytes.count), 1)
            }
        }
        guard status == Z_OK else { return nil }
        output.removeLast(output.count - Int(size))
        return output
    }

    /// Nil unless it is whole and has the length that was noted beside it.
    static func expanded(_ bytes: [UInt8], length: Int64) -> [UInt8]? {
        guard !bytes.isEmpty, length > 0, length <= Int64(limit) else { return nil }
        var size = UInt(length)
        var output = [UInt8](repeating: 0, count: Int(length))
        let status = output.withUnsafeMutableBufferPointer { output in
            bytes.withUnsafeBufferPointer { bytes in
                uncompress(output.baseAddress, &size, bytes.baseAddress, UInt(bytes.count))
            }
        }
        return status == Z_OK && size == UInt(length) ? output : nil
    }
}
