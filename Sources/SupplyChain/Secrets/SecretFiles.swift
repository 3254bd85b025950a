// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which files are looked at.
extension SecretScanner {
    /// Larger files are not looked at.
    package static let maximumSize: Int64 = 32 << 20

    /// Whether a file may hold credentials that can be read: text of 8 bytes to 32 MB that is no picture, archive or
    /// program by its name, and not kept by git in its own form.
    /// - Parameter start: the first bytes of the file, best 4 KB; a zero byte among them means that it is no text.
    package static func wants(path: String, start: UnsafeRawBufferPointer, size: Int64) -> Bool {
        guard size >= 8, size <= maximumSize else { return false }
        var path = path
        let isNamedOther = path.withUTF8 { name in isOther(name) }
        return !isNamedOther && !start.prefix(4_096).contains(0)
    }

    private static func isOther(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        var dot = path.count - 1
        // The longest suffix in the list has seven letters.
        while dot >= 0, path.count - dot <= 8, path[dot] != UInt8(ascii: "."), path[dot] != UInt8(ascii: "/") {
            dot -= 1
        }
        if dot >= 0, path[dot] == UInt8(ascii: "."), path.count - dot <= 8 {
            var key: UInt64 = 0
            for byte in path[(dot + 1)...] { key = key << 8 | UInt64(byte | 0x20) }
            if suffixes.contains(key) { return true }
        }
        return folders.contains { folder in
            guard path.count > folder.utf8CodeUnitCount else { return false }
            var at = 0
            let length = folder.utf8CodeUnitCount
            while at + length <= path.count {
                var index = 0
                while index < length, path[at + index] == folder.utf8Start[index] { index += 1 }
                if index == length { return true }
                at += 1
            }
            return false
        }
    }

    private static let folders: [StaticString] = [".git/objects/", ".git/lfs/objects/"]

    private static let suffixes: Set<UInt64> = Set(
        """
        png jpg jpeg gif ico bmp webp tif tiff psd xcf heic avif mp3 mp4 m4a ogg oga ogv wav flac avi mov mkv webm
        woff woff2 ttf ttc otf eot pfb afm zip gz tgz bz2 tbz xz txz zst lz4 lzma 7z rar tar jar war ear whl egg gem
        crate nupkg deb udeb rpm apk so a o ko pyc pyo class dll exe dylib wasm node pdf djvu ps eps mo gmo
        qm gresource mgc hwdb bdic rlib rmeta snap iso qcow2 squashfs
        """.split(whereSeparator: \.isWhitespace).map { $0.utf8.reduce(0) { $0 << 8 | UInt64($1 | 0x20) } })

    /// Whether a file is documentation, an example or a test, by its path.
    static func isExample(_ path: String) -> Bool {
        let lower = path.lowercased()
        var name = lower[...]
        if let slash = lower.utf8.lastIndex(of: UInt8(ascii: "/")) {
            name = lower[lower.utf8.index(after: slash)...]
            for folder in lower[..<slash].split(separator: "/") where exampleFolders.contains(String(folder)) {
                return true
            }
        }
        return name.hasPrefix("test_") || name.hasPrefix("readme") || name == "pkg-info" || name == "metadata"
            || name.hasPrefix("changelog")
            || exampleEndings.contains { name.hasSuffix($0) }
    }

    private static let exampleFolders: Set<String> = [
        "test", "tests", "testing", "testdata", "test-data", "test_data", "__tests__", "__mocks__", "mocks", "spec",
        "specs", "fixture", "fixtures", "example", "examples", "sample", "samples", "demo", "demos", "doc", "docs",
        "man",
        "man-pages", "tutorial", "tutorials", "locale", "selftests",
    ]

    private static let exampleEndings = [
        ".md", ".rst", ".adoc", ".pod", ".markdown", ".example", ".sample", ".template", ".tmpl", ".tpl", ".dist",
        ".pot",
        ".po", "_test.go", "_test.py", "_tests.py", "test.java", "tests.cs", ".test.js", ".test.ts", ".spec.js",
        ".spec.ts",
        "_spec.rb", "_test.rb", "-example.yaml", "-example.yml", ".1", ".5", ".8",
    ]
}
