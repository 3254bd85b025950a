// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

/// Shared data of real images; tests that need it say so when it is not there.
enum TestData {
    static let folder: String? = {
        let root = ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? "../shared/data"
        let path = "\(root)/images/fixtures"
        if FileManager.default.fileExists(atPath: path) { return path }
        print("SKIPPED: real package databases need BULWARK_DATA")
        return nil
    }()

    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }

    /// Files below a folder, as paths from there.
    static func files(below root: String) -> [String] {
        (FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []).sorted()
    }
}

/// Reads a text as a file of a path would be read.
func packages(in text: String, path: String) throws -> [FoundPackage] {
    try packages(in: Array(text.utf8), path: path)
}

func packages(in bytes: [UInt8], path: String) throws -> [FoundPackage] {
    let reader = try #require(PackageReaders.standard.reader(for: path), "nothing reads \(path)")
    return try reader.packages(in: InventoryFile(path: path, bytes: bytes))
}

/// `name version` of each, in order.
func lines(_ packages: [FoundPackage]) -> [String] { packages.map { "\($0.name) \($0.version)" } }

/// The error that a text is answered with.
func failure(in text: String, path: String) -> InventoryError? { failure(in: Array(text.utf8), path: path) }

func failure(in bytes: [UInt8], path: String) -> InventoryError? {
    do throws(InventoryError) {
        _ = try PackageReaders.standard.reader(for: path)?.packages(in: InventoryFile(path: path, bytes: bytes))
        return nil
    } catch {
        return error
    }
}
