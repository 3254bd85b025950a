// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

/// Formats of which a project or image seldom has more than one.
struct MoreFormatsTests {
    private static let pods = """
        PODS:
          - Differentiator (3.1.0)
          - "GoogleUtilities/NSData+zlib (7.7.0)"
          - RxCocoa (4.4.0):
            - RxSwift (~> 4.0)

        DEPENDENCIES:
          - RxCocoa

        SPEC CHECKSUMS:
          RxCocoa: df63ebf7b9a70d6b4eeea407ed5dd4efc8979749

        COCOAPODS: 1.5.3
        """
    private static let props = """
        <Project>
          <PropertyGroup><JsonVersion>13.0.3</JsonVersion></PropertyGroup>
          <ItemGroup>
            <PackageVersion Include="Newtonsoft.Json" Version="$(JsonVersion)" />
            <PackageVersion Include="Serilog"><Version>3.1.1</Version></PackageVersion>
            <GlobalPackageReference Include="Analyzers" Version="[1.2.3]" />
            <PackageReference Update="Range" Version="[1.0,2.0)" />
            <PackageVersion Include="Unknown" Version="$(Elsewhere)" />
            <PackageVersion Include="Star" Version="1.*" />
          </ItemGroup>
        </Project>
        """
    private static let deps = """
        {"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0/linux-x64"}, "targets": {".NETCoreApp,Version=v6.0/linux-x64": {
          "Newtonsoft.Json/13.0.1": {"runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {}}},
          "NETStandard.Library/2.0.3": {"dependencies": {"Microsoft.NETCore.Platforms": "1.1.0"}},
          "Native/1.0.0": {"runtimeTargets": {"runtimes/linux-x64/native/libnative.so": {}}}}},
         "libraries": {"Newtonsoft.Json/13.0.1": {"type": "package"}, "NETStandard.Library/2.0.3": {"type": "package"},
          "Native/1.0.0": {"type": "package"}, "Unlisted/2.0.0": {"type": "package"}}}
        """
    private static let oldMix = """
        %{"cowboy": {:hex, :cowboy, "1.0.0"},
          "mime": {:git, "https://github.com/elixir-lang/mime.git", "a7f23ce406a10d65b317cf5e228deadbf883e193", []},
          "ranch": {:hex, :ranch, "1.0.0"}}
        """
    private static let application = #"""
        %% This is the application resource file
        {application, 'cowboy', [
        {description, "Small, \"fast\", {vsn, \"0\"} HTTP server."},
        {vsn, "2.9.0"},
        {modules, ['cowboy','cowboy_app']},
        {env, []}
        ]}.
        """#
    private static let hexMetadata = """
        {<<"app">>,<<"jason">>}.
        {<<"build_tools">>,[<<"mix">>]}.
        {<<"licenses">>,[<<"Apache-2.0">>]}.
        {<<"links">>,[{<<"name">>,<<"https://example.com">>}]}.
        {<<"name">>,<<"jason">>}.
        {<<"requirements">>,
         [[{<<"app">>,<<"decimal">>},
           {<<"name">>,<<"decimal">>},
           {<<"requirement">>,<<"~> 1.0 or ~> 2.0">>}]]}.
        {<<"version">>,<<"1.4.0"/utf8>>}.
        """
    private static let environment = """
        name: shop
        channels: [conda-forge]
        dependencies:
          - python=3.9.7=h12debd9_1
          - conda-forge::zlib=1.2.13
          - numpy==1.21.0
          - scipy>=1.7
          - pandas=1.*
          - pip
          - pip:
            - requests[socks]==2.25.1 ; python_version > "3"
            - flask>=2
        """
    private static let condaLock = """
        version: 1
        metadata: {platforms: [linux-64, osx-64]}
        package:
        - {name: openssl, version: 1.1.1k, manager: conda, platform: linux-64, category: main}
        - {name: openssl, version: 1.1.1k, manager: conda, platform: osx-64, category: main}
        - {name: requests, version: '2.25.1', manager: pip, platform: linux-64, category: dev}
        - {name: tomli, version: 2.0.1, manager: conda, platform: linux-64, category: dev}
        - {name: tomli, version: 2.0.1, manager: conda, platform: osx-64, category: main}
        """
    private static let explicit = """
        # platform: linux-64
        @EXPLICIT
        https://example.com/linux-64/_libgcc_mutex-0.1-conda_forge.tar.bz2#d7c89558ba9fa0495403155b64376d81
        https://example.com/noarch/python_abi-3.11-8_cp311.conda
        https://example.com/linux-64/x264-1%21161.3030-h7f98852_1.tar.bz2
        # pip ruamel.yaml @ https://example.com/x/ruamel_yaml-0.18.6-py3-none-any.whl --hash=sha256:ab
        # pip pyspark @ https://example.com/x/pyspark-3.5.0.tar.gz --hash=sha256:ab
        """
    private static let pixi = """
        version: 6
        environments: {}
        packages:
        - conda: https://example.com/linux-64/python-3.12.7-hc5c86c4_0_cpython.conda
          sha256: ab
        - conda: https://example.com/win-64/python-3.12.7-hce54a09_0_cpython.conda
        - conda: .
          name: shop-native
          version: 0.2.0
        - pypi: https://example.com/flask-3.0.0-py3-none-any.whl
          name: flask
          version: 3.0.0
        - pypi: ./
          name: shop
          version: 0.1.0
        """
    private static let pixi5 = """
        version: 5
        packages:
        - kind: conda
          name: zlib
          version: 1.3.1
          url: https://example.com/linux-64/zlib-1.3.1-hb9d3cd8_2.conda
        - kind: pypi
          name: six
          version: 1.16.0
          url: https://example.com/six-1.16.0-py2.py3-none-any.whl
        """
    private static let conanfile = """
        # comment
        [requires]
        zlib/1.2.11
        poco/1.10.1@user/stable#rev # the newest
        boost/[>=1.70]
        [tool_requires]
        cmake/3.20.0
        [options]
        zlib/1.2.9:shared=True
        """
    private static let sbt = """
        {"lockVersion": 1, "configurations": ["compile", "test"], "dependencies": [
          {"org": "org.typelevel", "name": "cats-core_2.12", "version": "2.9.0", "configurations": ["compile", "test"]},
          {"org": "org.scalatest", "name": "scalatest_2.12", "version": "3.2.0", "configurations": ["test"]}]}
        """
    private static let bitnami = """
        {"SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "name": "SPDX document for Redis 7.4.1", "packages": [
          {"name": "redis", "SPDXID": "SPDXRef-redis", "versionInfo": "7.4.1-0", "licenseDeclared": "RSALv2", "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:bitnami/redis@7.4.1-0?arch=arm64&distro=debian-12"}]},
          {"name": "six", "versionInfo": "1.16.0", "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/six@1.16.0"}]},
          {"name": "openssl", "versionInfo": "3.0", "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/openssl@3.0"}]}]}
        """
    private static let wolfi = """
        {"spdxVersion": "SPDX-2.3", "name": "apk-bash-5.2.37-r3", "packages": [{"name": "bash", "versionInfo": "5.2.37-r3", "externalRefs": [
          {"referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": "pkg:apk/wolfi/bash@5.2.37-r3?arch=x86_64"}]}]}
        """
    private static let tagValue = """
        SPDXVersion: SPDX-2.2
        DataLicense: CC0-1.0
        PackageName: six
        PackageVersion: 1.16.0
        ExternalRef: PACKAGE-MANAGER purl pkg:pypi/six
        PackageName: left-pad
        ExternalRef: PACKAGE_MANAGER purl pkg:npm/left-pad@1.3.0
        """
    private static let cyclone = """
        {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [
          {"type": "library", "name": "asn1", "version": "0.24.1", "purl": "pkg:cargo/asn1@0.24.1"}]}
        """
    private static let stack =
        "resolver: lts-18.0\nextra-deps:\n- acme-missiles-0.3@sha256:ab,613\n- git: x\n  commit: y\n- ./local-1\n"

    static let cases: [(path: String, text: String, expected: [String])] = [
        (
            "Podfile.lock", pods,
            [
                "cocoapods Differentiator 3.1.0", "cocoapods GoogleUtilities/NSData+zlib 7.7.0",
                "cocoapods RxCocoa 4.4.0",
            ]
        ),
        (
            "Directory.Packages.props", props,
            ["nuget Newtonsoft.Json 13.0.3", "nuget Serilog 3.1.1", "nuget Analyzers 1.2.3"]
        ),
        ("app/App.deps.json", deps, ["nuget Newtonsoft.Json 13.0.1", "nuget Native 1.0.0", "nuget Unlisted 2.0.0"]),
        ("mix.lock", oldMix, ["hex cowboy 1.0.0", "hex ranch 1.0.0"]),
        ("opt/shop/lib/cowboy-2.9.0/ebin/cowboy.app", application, ["hex cowboy 2.9.0"]),
        ("lib/ssl-10.8.7/ebin/ssl.app", "{application, ssl,\n [{vsn, \"10.8.7\"}]}.", ["otp ssl 10.8.7"]),
        ("src/ebin/x.app", "{application, x, [{vsn, git}]}.", []), ("a/ebin/x.app", "something else", []),
        ("deps/jason/hex_metadata.config", hexMetadata, ["hex jason 1.4.0"]),
        (
            "environment.yml", environment,
            ["conda python 3.9.7", "conda zlib 1.2.13", "conda numpy 1.21.0", "pypi requests 2.25.1"]
        ),
        ("conda-lock.yml", condaLock, ["conda openssl 1.1.1k", "pypi requests 2.25.1 dev", "conda tomli 2.0.1"]),
        (
            "conda-lock-python-3.14.yaml", condaLock,
            ["conda openssl 1.1.1k", "pypi requests 2.25.1 dev", "conda tomli 2.0.1"]
        ),
        ("locks/gpu.conda-lock.yml", "package: {name: x}\n", []), ("workflows/conda-lock.yaml", "on: [push\n", []),
        (
            "environment.py-3.11-linux-64.lock", explicit,
            [
                "conda _libgcc_mutex 0.1", "conda python_abi 3.11", "conda x264 1!161.3030", "pypi ruamel.yaml 0.18.6",
                "pypi pyspark 3.5.0",
            ]
        ),
        ("var/lock/a-linux-64.lock", "4711\n", []),
        ("pixi.lock", pixi, ["conda python 3.12.7", "conda shop-native 0.2.0", "pypi flask 3.0.0"]),
        ("pixi.lock", pixi5, ["conda zlib 1.3.1", "pypi six 1.16.0"]),
        (
            "pixi.lock", "version: 3\n" + condaLock.dropFirst(11),
            ["conda openssl 1.1.1k", "pypi requests 2.25.1 dev", "conda tomli 2.0.1"]
        ),
        ("conanfile.txt", conanfile, ["conan zlib 1.2.11", "conan poco 1.10.1", "conan cmake 3.20.0 dev"]),
        (
            "root/.conan/data/zlib/1.2.11/_/_/package/4db1be53/conaninfo.txt", "[settings]\n    os=Linux\n",
            ["conan zlib 1.2.11"]
        ),
        ("conaninfo.txt", "[settings]\n", []),
        (
            "build.sbt.lock", sbt,
            ["maven org.typelevel:cats-core_2.12 2.9.0", "maven org.scalatest:scalatest_2.12 3.2.0 dev"]
        ),
        (
            "gradle/dependency-locks/compileClasspath.lockfile", "# Manual edits\ncom.google.guava:guava:30.1-jre\n",
            ["maven com.google.guava:guava 30.1-jre"]
        ),
        ("stack.yaml", stack, ["hackage acme-missiles 0.3"]),
        ("opt/bitnami/redis/.spdx-redis.spdx", bitnami, ["bitnami redis 7.4.1-0", "pypi six 1.16.0"]),
        ("var/lib/db/sbom/bash-5.2.37-r3.spdx.json", wolfi, ["apk bash 5.2.37-r3"]),
        ("app/other.spdx.json", wolfi, []), ("app/a.spdx", tagValue, ["pypi six 1.16.0", "npm left-pad 1.3.0"]),
        ("lib/x-1.dist-info/sboms/rust.json", cyclone, ["cargo asn1 0.24.1"]),
        ("a.cdx.json", cyclone, ["cargo asn1 0.24.1"]),
        ("doc/picture.cdx", "CDXF drawing", []), ("doc/a.spdx.json", "{\"x\": 1}", []),
    ]

    @Test(arguments: cases.indices)
    func reads(index: Int) throws {
        let (path, text, expected) = Self.cases[index]
        let found = try packages(in: text, path: path)
        #expect(
            found.map { "\($0.kind.rawValue) \($0.name) \($0.version)" + ($0.isDevelopment ? " dev" : "") } == expected)
        #expect(found.allSatisfy { $0.path == path })
    }

    @Test(arguments: [
        ("Podfile.lock", ""), ("Podfile.lock", "PODS:\n  - broken\n"), ("Directory.Packages.props", "<a>"),
        ("conda-lock.yml", "a: 1"), ("pixi.lock", "version: 6\n"), ("conda-win-64.lock", "@EXPLICIT\nx\n"),
        ("build.sbt.lock", "{}"),
        ("deps/x/hex_metadata.config", "{<<\"name\">>,<<\"x\">>}."), ("opt/bitnami/a/.spdx-a.spdx", "{"),
        ("var/lib/db/sbom/a.spdx.json", "{}"), ("x-1.dist-info/sboms/a.cdx.json", "{}"),
        ("opt/bitnami/a/.spdx-a.spdx", "text"),
    ])
    func refuses(path: String, text: String) throws {
        #expect(try #require(failure(in: text, path: path)).message.hasPrefix(path))
    }

    @Test(arguments: [
        ("module a\n\ngo 1.17\n", true), ("go 1.21.3\n", true), ("module a\ngo 2.0\n", true), ("go 1.16\n", false),
        ("module a\n", false), ("go\n", false), ("go x.y\n", false), ("gopher 1.20\n", false),
        ("  go\t1.22 // x\n", true),
    ])
    func tellsWholeModuleFiles(text: String, isComplete: Bool) {
        #expect(GoModules.isComplete(InventoryFile(path: "go.mod", bytes: Array(text.utf8))) == isComplete)
    }

    @Test func namesPartsOfPods() throws {
        let part = try packages(in: Self.pods, path: "Podfile.lock")[1]
        #expect(part.url(nil).description == "pkg:cocoapods/GoogleUtilities@7.7.0#NSData%2Bzlib")
        for text in ["pkg:cocoapods/GoogleUtilities@7.7.0#NSData+zlib", part.url(nil).description] {
            let url = try #require(PackageURL(text))
            #expect(FoundPackage(url, path: "Podfile.lock") == part)
        }
    }

    @Test func keepsWhatElseIsSaid() throws {
        #expect(try packages(in: Self.hexMetadata, path: "hex_metadata.config")[0].licenses == ["Apache-2.0"])
        let redis = try packages(in: Self.bitnami, path: "opt/bitnami/redis/.spdx-redis.spdx")[0]
        #expect(redis.kind.ecosystem == "Bitnami" && redis.licenses == ["RSALv2"])
        #expect(redis.url(nil).description.hasPrefix("pkg:bitnami/redis@7.4.1-0"))
    }
}
