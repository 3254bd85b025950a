// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents

private let variables: [String: CELValue] = {
    let text = #"""
        {"metadata": {"name": "a", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "d:1",
        "ports": [80, 1.5]}], "replicas": 3, "none": null, "word": "é"}}
        """#
    guard let document = try? JSONReader.read(Array(text.utf8), source: "object") else { return [:] }
    return ["object": .node(document.root), "x": .int(1), "y": .string("y")]
}()

/// An expression: read, and evaluated within limits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes, count <= 2_048 else { return 0 }
    let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    guard let program = try? CELProgram(text) else { return 0 }
    _ = try? program.evaluate(variables)
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager gives `main` of an executable this name, so that libFuzzer's own is never linked.
@_cdecl("fuzz_cel_main")
public func run(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments, fuzz)
}
