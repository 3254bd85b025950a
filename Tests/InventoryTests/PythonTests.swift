// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct PythonTests {
    @Test(arguments: [
        "app/venv/lib/python3.9/site-packages/Jinja2-2.10.dist-info/METADATA",
        "usr/lib/python3/dist-packages/Jinja2-2.10.egg-info/PKG-INFO",
        "usr/lib/python3/dist-packages/Jinja2-2.10.egg-info",
        "opt/Jinja2-2.10-py3.9.egg/EGG-INFO/PKG-INFO",
    ])
    func readsInstalled(path: String) throws {
        let text =
            "Metadata-Version: 2.1\r\nName: Jinja2\r\nVersion: 2.10\r\nLicense: BSD\r\nDescription: x\r\n        Name: y\r\n\r\nVersion: 9\r\n"
        let found = try packages(in: text, path: path)
        #expect(lines(found) == ["Jinja2 2.10"])
        #expect(found[0].licenses == ["BSD"])
        #expect(found[0].advisoryName == "jinja2")
    }

    @Test func refusesMetadataWithoutVersion() throws {
        let error = try #require(failure(in: "Name: x\n\nVersion: 1", path: "a-1.dist-info/METADATA"))
        #expect(error.message.contains("needs a name and a version"))
        #expect(PackageReaders.standard.reader(for: "a/METADATA") == nil)
        #expect(PackageReaders.standard.reader(for: "a/PKG-INFO") == nil)
    }

    @Test(arguments: ["wheels/requests-2.19.1-py3-none-any.whl", "lib/requests-2.19.1-py3.9.egg"])
    func readsArchives(path: String) throws {
        let name = path.hasSuffix("whl") ? "requests-2.19.1.dist-info/METADATA" : "EGG-INFO/PKG-INFO"
        let bytes = ZipBuilder.archive([
            ("requests/__init__.py", Array("x = 1".utf8)), (name, Array("Name: requests\nVersion: 2.19.1\n".utf8)),
        ])
        let found = try packages(in: bytes, path: path)
        #expect(lines(found) == ["requests 2.19.1"])
        #expect(found[0].innerPath == name)
        #expect(failure(in: ZipBuilder.archive([("a", [1])]), path: path) != nil)
        #expect(failure(in: "no zip", path: path) != nil)
    }

    @Test func readsRequirements() throws {
        let text = """
            # comment
            Django==2.2.0
            requests[security,socks] == 2.19.1 ; python_version < "3"   # pinned
            urllib3===1.24.1 --hash=sha256:abc \\
                --hash=sha256:def
            jinja2>=2.10
            werkzeug==0.15.*
            a==1,!=1.1
            -e git+https://example.com/x.git#egg=x==1
            -r other.txt
            pip @ https://example.com/pip-1.0.whl#sha256==1
            six \\
              ==1.16.0
            """
        let found = try packages(in: text, path: "app/requirements.txt")
        #expect(lines(found) == ["Django 2.2.0", "requests 2.19.1", "urllib3 1.24.1", "six 1.16.0"])
        #expect(found.allSatisfy { !$0.isDevelopment })
        for (path, isDevelopment) in [
            ("requirements-dev.txt", true), ("docs_requirements.txt", true), ("requirements/tests.txt", true),
            ("requirements-docker.txt", false), ("requirements-devices.txt", false),
        ] { #expect(try packages(in: "a==1", path: path)[0].isDevelopment == isDevelopment, "\(path)") }
        #expect(try lines(packages(in: "a==1", path: "requirements/base.txt")) == ["a 1"])
        // As Windows' shells redirect it.
        var wide: [UInt8] = [0xFF, 0xFE]
        for unit in "Jinja2==2.10\r\nsix==1.16.0\r\n".utf16 { wide += [UInt8(unit & 0xFF), UInt8(unit >> 8)] }
        #expect(try lines(packages(in: wide, path: "requirements.txt")) == ["Jinja2 2.10", "six 1.16.0"])
        #expect(PackageReaders.standard.reader(for: "app/notes.txt") == nil)
        #expect(PackageReaders.standard.reader(for: "requirements.txt")?.isLockFile == true)
    }

    @Test(arguments: [
        (
            "poetry.lock",
            "[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"main\"\n[[package]]\nname = \"b\"\nversion = \"2\"\ngroups = [\"dev\"]\n[metadata]\nlock-version = \"2.0\"\n",
            ["a 1.0", "b 2 dev"]
        ),
        (
            "uv.lock",
            "version = 1\n[[package]]\nname = \"me\"\nversion = \"0.1\"\nsource = { editable = \".\" }\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"u\", hash = \"h\", size = 1 }\nwheels = [\n    { url = \"x\", hash = \"y\" },\n]\n",
            ["a 1"]
        ),
        (
            "pdm.lock",
            "[metadata]\ngroups = [\"default\"]\n[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"default\", \"dev\"]\n[[package]]\nname = \"t\"\nversion = \"2\"\ngroups = [\"test\"]\n[[package]]\nname = \"x\"\nversion = \"3\"\ngroups = [\"async\", \"dev\"]\n",
            ["a 1", "t 2 dev", "x 3"]
        ),
        (
            "pylock.toml",
            "lock-version = \"1.0\"\n[[packages]]\nname = \"attrs\"\nversion = \"25.1.0\"\n[[packages]]\nname = \"src\"\nvcs = {url = \"x\"}\n",
            ["attrs 25.1.0"]
        ),
        ("pylock.test.toml", "[[packages]]\nname = \"attrs\"\nversion = \"25.1.0\"\n", ["attrs 25.1.0"]),
        (
            "Pipfile.lock",
            "{\"_meta\": {}, \"default\": {\"a\": {\"version\": \"==1.0\"}, \"g\": {\"git\": \"x\"}}, \"develop\": {\"b\": {\"version\": \"==2\"}}, \"docs\": {\"c\": {\"version\": \"==3\"}}}",
            ["a 1.0", "b 2 dev", "c 3"]
        ),
    ])
    func readsLocks(path: String, text: String, expected: [String]) throws {
        let found = try packages(in: text, path: path).map {
            "\($0.name) \($0.version)" + ($0.isDevelopment ? " dev" : "")
        }
        #expect(found == expected)
    }

    @Test func normalizesNames() {
        for (name, normal) in [
            ("Zope.Interface", "zope-interface"), ("a__-.b", "a-b"), ("ruamel.yaml.clib", "ruamel-yaml-clib"),
        ] {
            #expect(PythonName.normalized(name) == normal)
        }
    }
}
