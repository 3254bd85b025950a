// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

private let input: Value = {
    let text = #"""
        {"review": {"kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "object": {"metadata":
        {"name": "a", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "d:1", "ports": [80, 1.5]}]}}},
        "parameters": {"a": [1, "x", null, true], "e": "é"}}
        """#
    return (try? JSONReader.read(Array(text.utf8), source: "input")).map { .node($0.root) } ?? .emptyObject
}()

/// A module of either dialect (the first byte says which): read, compiled, and every rule of it evaluated within limits.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let bytes, count > 1, count <= 4_096 else { return 0 }
    let text = String(decoding: UnsafeBufferPointer(start: bytes + 1, count: count - 1), as: UTF8.self)
    let version: RegoVersion = bytes[0] & 1 == 0 ? .v1 : .v0
    guard let policy = try? RegoPolicy([ModuleSource(name: "m", text: text)], version: version),
        let query = try? policy.prepare("data = x", version: version)
    else { return 0 }
    let limits = EvaluationLimits(steps: 20_000, memory: 4 << 20, time: .seconds(2))
    for isStrict in [false, true] {
        let results = try? query.results(
            input: input, context: BuiltinContext(now: 0), limits: limits, strict: isStrict)
        for result in results ?? [] { for binding in result.bindings { _ = binding.value.json } }
    }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager gives `main` of an executable this name, so that libFuzzer's own is never linked.
@_cdecl("fuzz_rego_main")
public func run(_ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> CInt {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments, fuzz)
}
