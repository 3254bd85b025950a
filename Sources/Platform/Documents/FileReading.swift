// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension DocumentReader {
    /// One document of a file, or the error in its place.
    ///
    /// `list` is nil but for the elements of a JSON list too large to be held whole: those come one by one, with what
    /// the list says of itself. A smaller list is one document like any other.
    package typealias Body = (_ result: Result<Document, DocumentError>, _ list: ListHeader?) -> Void

    /// From this size on, a JSON list is read element by element.
    static let streamFrom = 1 << 20

    /// Reads a file of any size in bounded memory. What cannot be read is one error of code `unreadable`.
    ///
    /// - Parameters:
    ///   - path: a regular file or a pipe.
    ///   - source: the name to put into documents and errors, the path itself when nil.
    package static func read(
        file path: String, source: String? = nil, limits: DocumentLimits = .standard, _ body: Body
    ) {
        let source = source ?? path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { return body(.failure(unreadable(source)), nil) }
        defer { close(descriptor) }
        read(descriptor: descriptor, source: source, limits: limits, body)
    }

    /// Reads an open file or pipe (standard input is 0) of any size in bounded memory. `size` is the file's where it is known
    /// already.
    package static func read(
        descriptor: Int32, source: String, size: Int? = nil, limits: DocumentLimits = .standard, _ body: Body
    ) {
        func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(DocumentError) -> Int {
            while true {
                let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
                if count >= 0 { return count }
                if errno != EINTR { throw unreadable(source) }
            }
        }
        let size = size ?? FileStatus(descriptor: descriptor)?.size ?? 0
        // One byte more shows that the file has not grown. A pipe has no size.
        var window = ByteWindow(
            capacity: size > 0 ? min(size, streamFrom) + 1 : ByteWindow.usualCapacity, fill: fill)
        do throws(DocumentError) {
            // Look at the beginning: small texts are read whole, and so is everything that is no JSON list.
            while window.bytes.count < min(streamFrom, limits.maxBytes), try window.grow() {}
            var isWhole = try !window.grow()
            if !isWhole, beginsAsList(window.bytes) {
                return try readLarge(window, source: source, limits: limits, body)
            }
            while !isWhole {
                guard max(size, window.bytes.count) <= limits.maxBytes else {
                    let message = "more than the limit of \(limits.maxBytes) bytes"
                    throw DocumentError(code: .tooLarge, message: message, file: source)
                }
                isWhole = try !window.grow()
            }
            read(window.bytes, source: source, limits: limits) { body($0, nil) }
        } catch {
            body(.failure(error), nil)
        }
    }

    private static func readLarge(
        _ window: consuming ByteWindow, source: String, limits: DocumentLimits, _ body: Body
    ) throws(DocumentError) {
        var reader = JSONListReader(window, source: source, limits: limits, duplicateKeys: .error)
        _ = try reader.read { body($0, $1) }
    }

    /// What a JSON list so large that it is read element by element says of itself before its items; nil for every other
    /// file. Reads the first 64 KB only and leaves the file's position where it is.
    package static func largeList(
        descriptor: Int32, size: Int? = nil, limits: DocumentLimits = .standard
    ) -> ListHeader? {
        let size = size ?? FileStatus(descriptor: descriptor)?.size ?? 0
        guard size > min(streamFrom, limits.maxBytes) else { return nil }
        let start = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, count in
            count = max(pread(descriptor, buffer.baseAddress, buffer.count, 0), 0)
        }
        return start.withUnsafeBytes { listHeader($0) }
    }

    private static func beginsAsList(_ bytes: UnsafeRawBufferPointer) -> Bool { listHeader(bytes) != nil }

    /// What stands before `items`, when the text is a JSON object one of whose first members is an array of that name.
    private static func listHeader(_ bytes: UnsafeRawBufferPointer) -> ListHeader? {
        var header = ListHeader()
        var at = 0
        func next() -> UInt8? {
            while at < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[at]) { at += 1 }
            return at < bytes.count ? bytes[at] : nil
        }
        func take(_ byte: UInt8) -> Bool {
            guard next() == byte else { return false }
            at += 1
            return true
        }
        func value() -> UnsafeRawBufferPointer? {
            var scan = BulwarkScan()
            var done: Int32 = 0
            guard next() != nil else { return nil }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
            let length = bulwark_json_skip(
                rest.baseAddress?.assumingMemoryBound(to: UInt8.self), rest.count, &scan, &done)
            at += length
            return done == 0 ? nil : UnsafeRawBufferPointer(rebasing: rest[..<length])
        }
        func string(_ text: UnsafeRawBufferPointer) -> String? { (try? JSONReader.read(text, source: ""))?.root.string }
        guard take(0x7B) else { return nil }
        repeat {
            guard next() == 0x22, let key = value(), take(0x3A) else { return nil }
            if key.elementsEqual("\"items\"".utf8) { return next() == 0x5B ? header : nil }
            guard let member = value() else { return nil }
            if key.elementsEqual("\"kind\"".utf8) { header.kind = string(member) }
            if key.elementsEqual("\"apiVersion\"".utf8) { header.apiVersion = string(member) }
        } while take(0x2C)
        return nil
    }

    private static func unreadable(_ source: String) -> DocumentError {
        DocumentError(code: .unreadable, message: "cannot be read: \(String(cString: strerror(errno)))", file: source)
    }
}
