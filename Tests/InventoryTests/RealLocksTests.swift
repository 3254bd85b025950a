// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Inventory

/// Locks that package managers of the Python index write while the test runs, or that projects there ship, against what
/// these managers or another reader say of them.
@Suite(.serialized, .enabled(if: Tool.isThere("python3"))) struct RealLocksTests {
    private func read(_ path: String, as name: String? = nil) throws -> [FoundPackage] {
        try packages(in: try TestData.bytes(path), path: name ?? String(path.split(separator: "/").last ?? ""))
    }

    // MARK: Poetry

    private static let poetry = """
        [project]
        name = "shop"
        version = "0.1.0"
        requires-python = ">=3.11"
        dependencies = ["flask", "requests[socks]"]
        [project.optional-dependencies]
        async = ["anyio"]
        [tool.poetry]
        package-mode = false
        [tool.poetry.group.dev.dependencies]
        pytest = "*"
        [tool.poetry.group.docs.dependencies]
        mkdocs = "*"
        [[tool.poetry.source]]
        name = "index"
        url = "INDEX"
        priority = "primary"

        """

    /// Poetry lists itself what its lock holds, and what each group needs here.
    @Test func agreesWithPoetry() throws {
        guard let tools = PythonTools("poetry-2.5.1", ["poetry==2.5.1"]) else { return }
        let folder = try ScratchTree()
        try folder.write(
            "pyproject.toml", Self.poetry.replacingOccurrences(of: "INDEX", with: try PythonTools.index.get()))
        let environment = [
            "POETRY_VIRTUALENVS_CREATE": "false", "POETRY_CACHE_DIR": PythonTools.cache + "/poetry-cache",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        ]
        func poetry(_ arguments: String...) throws -> String {
            try tools.output("poetry", arguments + ["--no-interaction"], in: folder.path, environment: environment)
        }
        func shown(_ arguments: String...) throws -> Set<String> {
            let text = try tools.output(
                "poetry", ["show", "--format", "json", "--no-interaction"] + arguments, in: folder.path,
                environment: environment)
            let list = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
            return Set(list.map { "\($0["name"] ?? "") \($0["version"] ?? "")" })
        }
        guard (try? poetry("lock")) != nil else { return print("SKIPPED: poetry reaches no index") }
        let found = try read("\(folder.path)/poetry.lock")
        let all = try shown("--all")
        #expect(Set(lines(found)) == all && all.count > 20)
        let here = try shown()
        let product = try shown("--only", "main")
        let development = Set(lines(found.filter(\.isDevelopment)))
        #expect(product.isDisjoint(with: development) && !product.isEmpty)
        #expect(development.intersection(here) == here.subtracting(product) && !development.isEmpty)
    }

    // MARK: PDM

    private static let pdm = """
        [project]
        name = "shop"
        version = "0.1.0"
        requires-python = ">=3.11"
        dependencies = ["flask", "requests[socks]"]
        [project.optional-dependencies]
        async = ["anyio"]
        [dependency-groups]
        test = ["pytest"]

        """

    @Test func agreesWithPDM() throws {
        // Its present release takes a cache library that has since lost what it needs.
        guard let tools = PythonTools("pdm-2.29.4", ["pdm==2.29.4", "hishel<2"]) else { return }
        let folder = try ScratchTree()
        try folder.write("pyproject.toml", Self.pdm)
        func pdm(_ arguments: String...) throws -> String {
            try tools.output(
                "pdm", arguments, in: folder.path,
                environment: [
                    "PDM_CHECK_UPDATE": "false", "PDM_USE_VENV": "false",
                    "PDM_CACHE_DIR": PythonTools.cache + "/pdm-cache",
                    "PDM_LOG_DIR": "\(folder.path)/log", "PDM_PYPI_URL": try PythonTools.index.get(),
                ])
        }
        func exported(_ arguments: String...) throws -> Set<String> {
            let text = try tools.output(
                "pdm", ["export", "-G", ":all", "--no-hashes"] + arguments, in: folder.path,
                environment: ["PDM_CHECK_UPDATE": "false", "PDM_USE_VENV": "false"])
            var out: Set<String> = []
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                guard let range = line.firstRange(of: "==") else { continue }
                let version = line[range.upperBound...].prefix { $0 != ";" && $0 != " " }
                out.insert("\(line[..<range.lowerBound].prefix { $0 != "[" }) \(version)")
            }
            return out
        }
        guard (try? pdm("lock", "-G", ":all")) != nil else { return print("SKIPPED: pdm reaches no index") }
        let found = try read("\(folder.path)/pdm.lock")
        let all = try exported()
        let product = try exported("--prod")
        #expect(Set(lines(found)) == all && all.count > 10)
        #expect(Set(lines(found.filter { !$0.isDevelopment })) == product && product.count < all.count)
    }

    // MARK: conda

    private static let rattler = ["py-rattler==0.28.0", "py-rattler-build==0.73.0", "pyyaml==6.0.3"]

    /// Packages as conda-forge names them, made, put into a channel and installed by the library that pixi is built on.
    private static let condaTree = """
        import asyncio, pathlib, rattler, rattler_build
        from rattler.index import index_fs
        root = pathlib.Path('.').absolute()
        for name, version, build, platform, needs in [
            ('zlib', '1.2.11', 'h36c2ea0_1013', 'linux-64', []), ('openssl', '1.1.1k', 'h7f98852_0', 'linux-64', []),
            ('curl', '7.76.1', 'h979ede3_1', 'linux-64', ['zlib >=1.2.11', 'openssl']),
            ('_openmp_mutex', '4.5', '2_gnu', 'linux-64', []), ('tzdata', '2024a', 'h0c530f3_0', 'noarch', []),
            ('x264', '1!161.3030', 'h7f98852_1', 'linux-64', []), ('ruamel.yaml', '0.18.6', 'pyhd8ed1ab_0', 'noarch', [])]:
            out, files = root / 'channel' / platform, root / 'files' / name
            out.mkdir(parents=True, exist_ok=True)
            files.mkdir(parents=True)
            (files / (name + '.txt')).write_text(name)
            rattler_build.assemble_package(name=name, version=version, target_platform=platform, build_string=build,
                output_dir=out, files_dir=files, license='MIT', depends=needs,
                noarch='generic' if platform == 'noarch' else None)
        async def main():
            await index_fs(root / 'channel')
            wanted = ['curl', '_openmp_mutex', 'tzdata', 'x264', 'ruamel.yaml']
            found = await rattler.solve(sources=[str(root / 'channel')], specs=wanted, platforms=['linux-64', 'noarch'])
            await rattler.install(found, target_prefix=root / 'env', cache_dir=root / 'cache', show_progress=False)
        asyncio.run(main())
        for path in (root / 'env' / 'conda-meta').glob('*.json'):
            record = rattler.PrefixRecord.from_path(path)
            print(record.name.source, record.version)
        with open('explicit-linux-64.lock', 'w') as out:
            print('@EXPLICIT', file=out)
            for path in (root / 'env' / 'conda-meta').glob('*.json'):
                print(rattler.PrefixRecord.from_path(path).url + '#0123456789abcdef0123456789abcdef', file=out)
        """

    @Test func agreesWithInstalledConda() throws {
        guard let tools = PythonTools("rattler-0.28.0", Self.rattler) else { return }
        let folder = try ScratchTree()
        let expected = try tools.lines(Self.condaTree, in: folder.path)
        var found: Set<String> = []
        for path in TestData.files(below: "\(folder.path)/env") where path.hasSuffix(".json") {
            let read = try read("\(folder.path)/env/\(path)", as: path)
            #expect(read.allSatisfy { $0.kind == .conda && $0.licenses == ["MIT"] })
            found.formUnion(lines(read))
        }
        #expect(found == expected && found.count == 7)
        #expect(Set(lines(try read("\(folder.path)/explicit-linux-64.lock"))) == expected)
    }

    /// The locks that conda-lock's own sources carry, by a reader of YAML.
    @Test func agreesWithCondaLock() throws {
        guard let tools = PythonTools("rattler-0.28.0", Self.rattler),
            let sources = PythonTools.sources("conda-lock", "4.0.3")
        else { return }
        let script = """
            import sys, yaml
            product, all = set(), set()
            for entry in yaml.load(open(sys.argv[1]), Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))['package']:
                line = ('pypi' if entry['manager'] == 'pip' else 'conda') + f" {entry['name']} {entry['version']}"
                all.add(line)
                if entry.get('category', 'main') == 'main': product.add(line)
            for line in all: print(line + ('' if line in product else ' dev'))
            """
        for name in [
            "environments/conda-lock-python-3.10.yaml", "environments/conda-lock-python-3.14.yaml",
            "example/pangeo/conda-lock.yml", "example/zlib/conda-lock.yml",
        ] {
            let expected = try tools.lines(script, in: sources, [name])
            let found = try read("\(sources)/\(name)")
            #expect(
                Set(found.map { "\($0.kind.rawValue) \($0.name) \($0.version)" + ($0.isDevelopment ? " dev" : "") })
                    == expected && found.count == expected.count && !expected.isEmpty, "\(name)")
        }
    }

    /// The lock of pixi beside it, by the library that pixi is built on.
    @Test func agreesWithPixi() throws {
        guard let tools = PythonTools("rattler-0.28.0", Self.rattler),
            let sources = PythonTools.sources("conda-lock", "4.0.3")
        else { return }
        let script = """
            import rattler
            for _, environment in rattler.LockFile.from_path('pixi.lock').environments():
                for platform in environment.platforms():
                    for package in environment.packages(platform):
                        if isinstance(package, rattler.CondaLockedPackage): print(package.name, package.version)
            """
        let expected = try tools.lines(script, in: sources)
        let found = try read("\(sources)/pixi.lock")
        #expect(found.allSatisfy { $0.kind == .conda })
        #expect(Set(lines(found)) == expected && found.count == expected.count && expected.count > 100)
    }

    /// What repo2docker's images are made of: explicit locks, and environments, by that library's reader of specifications.
    @Test func agreesWithRepo2docker() throws {
        guard let tools = PythonTools("rattler-0.28.0", Self.rattler),
            let sources = PythonTools.sources("jupyter-repo2docker", "2026.4.0")
        else { return }
        let script = #"""
            import pathlib, re, sys, yaml, rattler
            def explicit(path):
                for line in path.open():
                    found = re.match(r'https?://\S+/([^/]+)-([^-/]+)-[^-/]+?\.(?:conda|tar\.bz2)(?:#|$)', line.strip())
                    if found: yield found.groups()
            def environment(path):
                for entry in yaml.safe_load(path.open()).get('dependencies', []):
                    if isinstance(entry, dict):
                        for pin in entry.get('pip', []):
                            found = re.fullmatch(r'([\w.-]+)(?:\[.*\])?==([\w.]+)', pin)
                            if found: yield found.groups()
                        continue
                    spec = rattler.MatchSpec(entry)
                    version = re.fullmatch(r'(?:==)?([0-9][^*<>,|!]*?)(?:\.\*)?', spec.version or '')
                    if version and '*' not in entry:
                        yield re.search('"(.*)"', str(spec.name)).group(1), version.group(1)
            for path in pathlib.Path('.').rglob('*'):
                if re.search('-linux-(64|aarch64)[.]lock$', path.name): read = explicit
                elif path.name in ('environment.yml', 'environment.yaml'): read = environment
                else: continue
                try:
                    for name, version in read(path): print(path, name, version)
                except yaml.YAMLError: print(path, 'broken')
            """#
        let expected = try tools.lines(script, in: sources)
        var found: Set<String> = []
        for path in TestData.files(below: sources) {
            let name = path.split(separator: "/").last ?? ""
            guard
                name.hasSuffix("-linux-64.lock") || name.hasSuffix("-linux-aarch64.lock")
                    || name == "environment.yml" || name == "environment.yaml"
            else { continue }
            // Some of their own tests are about files that are broken.
            do { for line in lines(try read("\(sources)/\(path)")) { found.insert("\(path) \(line)") } } catch {
                found.insert("\(path) broken")
            }
        }
        #expect(found.subtracting(expected).sorted() == [] && expected.subtracting(found).sorted() == [])
        #expect(found.count > 2000)
    }
}

/// Locks that tools of this machine write without a network.
struct LocalLocksTests {
    /// `cabal freeze` over the libraries that come with the compiler, against cabal's own plan.
    @Test(.enabled(if: Tool.isThere("cabal") && Tool.isThere("ghc"))) func agreesWithCabal() throws {
        let folder = try ScratchTree()
        try folder.write(
            "shop.cabal",
            """
            cabal-version: 2.4
            name: shop
            version: 0.1.0.0
            build-type: Simple
            executable shop
              main-is: Main.hs
              build-depends: base, containers, process, text
              default-language: Haskell2010

            """)
        try folder.write("Main.hs", "main = pure ()\n")
        try folder.write("cabal.project", "packages: .\n")
        _ = try Tool.output(
            "cabal", ["--config-file=/dev/null", "v2-freeze", "--offline"], in: folder.path,
            environment: ["CABAL_DIR": "\(folder.path)/cabal"])
        let plan = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: "\(folder.path)/dist-newstyle/cache/plan.json")))
        let steps = (plan as? [String: Any])?["install-plan"] as? [[String: Any]] ?? []
        let expected = Set(steps.map { "\($0["pkg-name"] ?? "") \($0["pkg-version"] ?? "")" }).subtracting([
            "shop 0.1.0.0"
        ])
        let found = try packages(
            in: try TestData.bytes("\(folder.path)/cabal.project.freeze"), path: "cabal.project.freeze")
        #expect(Set(lines(found)) == expected && expected.count > 10)
    }
}
