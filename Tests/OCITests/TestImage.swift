// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import OCI
import TestSupport

/// An image made in memory: layers of one file each, plain or gzipped.
struct TestImage {
    var layers: [[UInt8]] = []
    var diffIDs: [String] = []
    var layerType = "application/vnd.oci.image.layer.v1.tar+gzip"
    private(set) var blobs: [String: [UInt8]] = [:]
    private(set) var config: [UInt8] = []
    private(set) var manifest: [UInt8] = []

    /// - Parameter files: a layer for each: name and contents.
    init(_ files: [(String, String)], architecture: String = "amd64", compressed: Bool = true, padding: Int = 0) throws
    {
        var tars: [[UInt8]] = []
        for (name, text) in files {
            var entries: [TestTar.Entry] = [.file(name, Array(text.utf8))]
            if padding > 0 {
                // What gzip cannot make small.
                let random = try FileHandle(forReadingFrom: URL(filePath: "/dev/urandom")).read(upToCount: padding)
                entries.append(.file("padding", Array(random ?? Data())))
            }
            tars.append(TestTar.bytes(entries))
        }
        try self.init(
            tars: tars, steps: files.map { "COPY " + $0.0 }, architecture: architecture, compressed: compressed)
    }

    init(tars: [[UInt8]], steps: [String] = [], architecture: String = "amd64", compressed: Bool = true) throws {
        for tar in tars {
            diffIDs.append(Digest(of: tar).description)
            layers.append(compressed ? try Tool.filter("gzip", ["-n"], tar) : tar)
        }
        if !compressed { layerType = "application/vnd.oci.image.layer.v1.tar" }
        let ids = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
        let history = steps.map { #"{"created_by":"\#($0)"}"# }.joined(separator: ",")
        config = Array(
            #"{"architecture":"\#(architecture)","os":"linux","config":{"User":"app"},"rootfs":{"type":"layers","diff_ids":[\#(ids)]},"history":[\#(history)]}"#
                .utf8)
        let listed = layers.map { Self.descriptor($0, layerType) }.joined(separator: ",")
        manifest = Array(
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":\#(Self.descriptor(config, "application/vnd.oci.image.config.v1+json")),"layers":[\#(listed)]}"#
                .utf8)
        for blob in layers + [config, manifest] { blobs[Digest(of: blob).hex] = blob }
    }

    static func descriptor(_ bytes: [UInt8], _ type: String, _ more: String = "") -> String {
        #"{"mediaType":"\#(type)","digest":"\#(Digest(of: bytes))","size":\#(bytes.count)\#(more)}"#
    }

    /// An entry of an index.
    func entry(name: String = "", platform: String = "") -> String {
        var more = name.isEmpty ? "" : #","annotations":{"org.opencontainers.image.ref.name":"\#(name)"}"#
        let parts = platform.split(separator: "/")
        if parts.count == 2 { more += #","platform":{"os":"\#(parts[0])","architecture":"\#(parts[1])"}"# }
        return Self.descriptor(manifest, "application/vnd.oci.image.manifest.v1+json", more)
    }

    static func index(_ entries: [String]) -> [UInt8] {
        Array(
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[\#(entries.joined(separator: ","))]}"#
                .utf8)
    }

    /// Writes an OCI layout.
    static func layout(_ folder: String, _ images: [TestImage], index: [UInt8], more: [[UInt8]] = []) throws {
        try FileManager.default.createDirectory(atPath: folder + "/blobs/sha256", withIntermediateDirectories: true)
        for image in images {
            for (hex, bytes) in image.blobs {
                try Data(bytes).write(to: URL(filePath: "\(folder)/blobs/sha256/\(hex)"))
            }
        }
        for bytes in more {
            try Data(bytes).write(to: URL(filePath: "\(folder)/blobs/sha256/\(Digest(of: bytes).hex)"))
        }
        try Data(index).write(to: URL(filePath: folder + "/index.json"))
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: URL(filePath: folder + "/oci-layout"))
    }
}

/// A tar made by hand, to be able to make wrong ones.
enum TestTar {
    enum Entry {
        case file(String, [UInt8])
        case link(String, to: String)
    }

    static func bytes(_ entries: [Entry]) -> [UInt8] {
        var tar: [UInt8] = []
        for entry in entries {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at: Int) {
                for (index, byte) in text.utf8.enumerated() { header[at + index] = byte }
            }
            func octal(_ value: Int, _ digits: Int) -> String {
                let text = String(value, radix: 8)
                return String(repeating: "0", count: digits - text.count) + text
            }
            var contents: [UInt8] = []
            switch entry {
            case .file(let name, let bytes):
                put(name, at: 0)
                put("0", at: 156)
                contents = bytes
            case .link(let name, let target):
                put(name, at: 0)
                put("2", at: 156)
                put(target, at: 157)
            }
            put(octal(0o644, 7), at: 100)
            put(octal(0, 7), at: 108)
            put(octal(0, 7), at: 116)
            put(octal(contents.count, 11), at: 124)
            put(octal(0, 11), at: 136)
            put("        ", at: 148)
            put("ustar\u{0}00", at: 257)
            put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
            tar += header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        }
        return tar + [UInt8](repeating: 0, count: 1024)
    }
}

/// Programs of the system.
enum Tool {
    struct Failure: Error { var text: String }

    static func path(_ name: String) -> String? {
        for folder in ["/usr/bin", "/usr/sbin", "/bin", "/usr/local/bin"] {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return nil
    }

    @discardableResult static func run(_ name: String, _ arguments: [String], in folder: String = "/") throws -> String
    {
        guard let path = path(name) else { throw Failure(text: "\(name) is not installed") }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: "\(name) \(arguments): \(text)") }
        return text
    }

    static func filter(_ name: String, _ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
        let folder = try ScratchFolder()
        try Data(input).write(to: URL(filePath: folder.path + "/in"))
        try run("bash", ["-c", "\(name) \(arguments.joined(separator: " ")) <in >out"], in: folder.path)
        return Array(try Data(contentsOf: URL(filePath: folder.path + "/out")))
    }
}
