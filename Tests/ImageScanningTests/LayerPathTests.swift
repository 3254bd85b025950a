// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ImageScanning
import Testing

@Suite struct LayerPathTests {
    @Test(arguments: [
        ("usr/bin/x", LayerPath.entry("usr/bin/x")), ("./usr/bin/x", .entry("usr/bin/x")),
        ("/usr//bin/./x", .entry("usr/bin/x")), ("usr/bin/", .entry("usr/bin")), ("a/../b", .entry("b")),
        ("a/..b/...", .entry("a/..b/...")), (".hidden", .entry(".hidden")), ("", .nothing), (".", .nothing),
        ("/", .nothing), ("..", .escapes), ("../../etc/passwd", .escapes), ("a/../../b", .escapes),
        ("/../x", .escapes), ("a/.wh.b", .removes("a/b")), (".wh.b", .removes("b")), ("./a/.wh.b", .removes("a/b")),
        ("a/.wh..wh..opq", .empties("a")), (".wh..wh..opq", .empties("")), (".wh..wh.plnk", .nothing),
        ("a/.wh.", .nothing), ("a/.whale", .entry("a/.whale")), ("a/.wh.x/y", .entry("a/.wh.x/y")),
    ])
    func means(_ path: String, _ meaning: LayerPath) { #expect(LayerPath(path) == meaning, "\(path)") }
}
