// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct OtherLanguagesTests {
    private static let gemspec = """
        # -*- encoding: utf-8 -*-
        # stub: rack 2.2.6.4 ruby lib

        Gem::Specification.new do |s|
          s.name = "rack".freeze
          s.version = "2.2.6.4"
          s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
          s.metadata = { "version" => "9" } if s.respond_to? :metadata=
          s.licenses = ["MIT".freeze, "Ruby".freeze]
          s.summary = "name = \\"x\\""
          s.add_runtime_dependency(%q<minitest>.freeze, ["~> 5.0"])
        end
        """
    private static let gemfile = """
        GIT
          remote: https://github.com/x/y.git
          revision: abc
          specs:
            y (0.1.0)

        PATH
          remote: .
          specs:
            mine (1.0)

        GEM
          remote: https://rubygems.org/
          specs:
            nokogiri (1.15.4-x86_64-linux)
              racc (~> 1.4)
            nokogiri (1.15.4-arm64-darwin)
            racc (1.7.1)
            pre (2.0.0.rc1)

        PLATFORMS
          x86_64-linux

        DEPENDENCIES
          nokogiri (= 1.15.4)

        BUNDLED WITH
           2.4.10
        """
    private static let installed =
        "{\"packages\": [{\"name\": \"behat/mink\", \"version\": \"v1.8.1\", \"license\": [\"MIT\"]}, {\"name\": \"a/b\", \"version\": \"1.0\"}], \"dev\": true, \"dev-package-names\": [\"a/b\"]}"
    private static let deps = """
        {"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0"}, "targets": {}, "libraries": {
          "App/1.0.0": {"type": "project"}, "Newtonsoft.Json/13.0.1": {"type": "package", "sha512": "x"},
          "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.1": {"type": "runtimepack"}}}
        """
    private static let nuget = """
        {"version": 1, "dependencies": {"net6.0": {"A": {"type": "Direct", "requested": "[1.0, )", "resolved": "1.0.1"}, "P": {"type": "Project"}},
          "net8.0": {"A": {"type": "Direct", "resolved": "1.0.1"}, "B": {"type": "Transitive", "resolved": "2.0.0"}}}}
        """
    private static let config =
        "<?xml version=\"1.0\"?>\n<packages>\n<package id=\"A\" version=\"1.0\" targetFramework=\"net45\"/><package id='B' version='2' developmentDependency=\"true\"></package></packages>"
    private static let swift1 = """
        {"object": {"pins": [{"package": "NIO", "repositoryURL": "https://github.com/apple/swift-nio.git", "state": {"branch": null, "version": "2.1.0"}},
          {"package": "X", "repositoryURL": "git@GitHub.com:x/y.git", "state": {"branch": "main", "version": null}}]}, "version": 1}
        """
    private static let swift3 = """
        {"originHash": "x", "pins": [{"identity": "vapor", "kind": "remoteSourceControl", "location": "git@GitHub.com:vapor/vapor.git", "state": {"revision": "r", "version": "4.0.0"}}], "version": 3}
        """
    private static let dart = """
        packages:
          http:
            dependency: "direct main"
            description: {name: http, url: "https://pub.dev"}
            source: hosted
            version: "0.13.3"
          test:
            dependency: "direct dev"
            source: hosted
            version: "1.10"
          flutter:
            source: sdk
            version: "0.0.0"
        sdks:
          dart: ">=2.12.0 <3.0.0"
        """
    private static let mix = """
        %{
          "castore": {:hex, :castore, "1.0.3", "7130", [:mix], [], "hexpm", "6800"},
          "own": {:git, "https://github.com/x/y.git", "abc", [tag: "v1"]},
          "renamed": {:hex, :"real-name", "2.0.0-rc.1", "x", [:mix], [{:castore, "~> 1.0", [hex: :castore]}], "hexpm", "y"},
        }
        """
    private static let rebar =
        "{\"1.2.0\",\n[{<<\"certifi\">>,{pkg,<<\"certifi\">>,<<\"2.9.0\">>},0},\n {<<\"g\">>,{git,\"u\",{ref,\"x\"}},0}]}."
    private static let conan1 = """
        {"graph_lock": {"nodes": {"0": {"ref": "app/1.0", "path": "conanfile.py"}, "1": {"ref": "zlib/1.2.11#abc", "context": "host"},
          "2": {"ref": "cmake/3.20.0@user/stable#x", "context": "build"}}}, "version": "0.4"}
        """
    private static let conan2 = """
        {"version": "0.5", "requires": ["zlib/1.2.13#e377%1683", "zlib/1.2.13#other%1"], "build_requires": ["cmake/3.25#1%2"], "python_requires": []}
        """
    private static let description =
        "Package: ggplot2\nVersion: 3.4.2\nTitle: A\nDescription: Long\n    Version: 9\nLicense: MIT + file LICENSE\nBuilt: R 4.2.2; ; 2023-05-01 00:00:00 UTC; unix\n"
    private static let renv =
        "{\"R\": {\"Version\": \"4.2\"}, \"Packages\": {\"DBI\": {\"Package\": \"DBI\", \"Version\": \"1.1.3\", \"Source\": \"Repository\"}}}"
    private static let julia1 =
        "[[Dates]]\ndeps = [\"Printf\"]\nuuid = \"ade2\"\n\n[[JSON]]\nuuid = \"682c\"\nversion = \"0.21.3\"\n"
    private static let julia2 =
        "julia_version = \"1.9.0\"\nmanifest_format = \"2.0\"\n[[deps.JSON]]\nuuid = \"682c\"\nversion = \"0.21.4\"\n[[deps.Dates]]\nuuid = \"x\"\n"
    private static let cabal =
        "active-repositories: hackage.haskell.org:merge\nconstraints: any.Cabal ==3.2.1.0,\n             aeson +ordered-keymap,\n             any.aeson ==2.0.3.0,\n             base installed\nindex-state: hackage.haskell.org 2022-01-01T00:00:00Z\n"
    private static let stack =
        "packages:\n- completed:\n    hackage: aeson-better-errors-0.9.1.0@sha256:ab,123\n  original:\n    hackage: x\n- completed:\n    name: mine\n    version: 1.2.0\n    git: https://example.com\nsnapshots: []\n"
    private static let conda =
        "{\"name\": \"openssl\", \"version\": \"1.1.1k\", \"build\": \"h1\", \"subdir\": \"linux-64\", \"license\": \"OpenSSL\"}"

    static let cases: [(path: String, text: String, expected: [String])] = [
        ("usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.6.4.gemspec", gemspec, ["gem rack 2.2.6.4"]),
        ("usr/lib/ruby/gems/3.1.0/specifications/default/rack-2.2.6.4.gemspec", gemspec, ["gem rack 2.2.6.4"]),
        (
            "app/Gemfile.lock", gemfile,
            ["gem y 0.1.0", "gem mine 1.0", "gem nokogiri 1.15.4", "gem racc 1.7.1", "gem pre 2.0.0.rc1"]
        ),
        ("vendor/composer/installed.json", installed, ["composer behat/mink v1.8.1", "composer a/b 1.0 dev"]),
        ("vendor/composer/installed.json", "[{\"name\": \"a/b\", \"version\": \"1.0\"}]", ["composer a/b 1.0"]),
        ("etc/installed.json", "{\"x\": 1}", []),
        (
            "composer.lock",
            "{\"packages\": [{\"name\": \"a/b\", \"version\": \"1.0\"}], \"packages-dev\": [{\"name\": \"c/d\", \"version\": \"2.0\"}]}",
            ["composer a/b 1.0", "composer c/d 2.0 dev"]
        ),
        (
            "app/App.deps.json", deps,
            ["nuget Newtonsoft.Json 13.0.1", "nuget Microsoft.NETCore.App.Runtime.linux-x64 6.0.1"]
        ),
        ("packages.lock.json", nuget, ["nuget A 1.0.1", "nuget B 2.0.0"]),
        ("packages.config", config, ["nuget A 1.0", "nuget B 2 dev"]),
        ("Package.resolved", swift1, ["swift github.com/apple/swift-nio 2.1.0"]),
        ("Package.resolved", swift3, ["swift github.com/vapor/vapor 4.0.0"]),
        ("pubspec.lock", dart, ["pub http 0.13.3", "pub test 1.10 dev"]),
        ("mix.lock", mix, ["hex castore 1.0.3", "hex real-name 2.0.0-rc.1"]),
        ("rebar.lock", rebar, ["hex certifi 2.9.0"]),
        ("conan.lock", conan1, ["conan zlib 1.2.11", "conan cmake 3.20.0 dev"]),
        ("conan.lock", conan2, ["conan zlib 1.2.13", "conan cmake 3.25 dev"]),
        ("usr/lib/R/site-library/ggplot2/DESCRIPTION", description, ["cran ggplot2 3.4.2"]),
        ("src/DESCRIPTION", "Package: x\nVersion: 1\n", []),
        ("renv.lock", renv, ["cran DBI 1.1.3"]),
        ("Manifest.toml", julia1, ["julia JSON 0.21.3"]),
        ("Manifest-v1.11.toml", julia2, ["julia JSON 0.21.4"]),
        (
            "Manifest.toml",
            "manifest_format = \"2.0\"\n[[deps.SHA]]\nuuid = \"e\"\nversion = \"0.7.0\"\n[[deps.shop]]\npath = \".\"\nuuid = \"9\"\nversion = \"0.1.0\"\n",
            ["julia SHA 0.7.0"]
        ),
        ("JuliaManifest.toml", "name = \"other\"\n", []),
        ("cabal.project.freeze", cabal, ["hackage Cabal 3.2.1.0", "hackage aeson 2.0.3.0"]),
        ("stack.yaml.lock", stack, ["hackage aeson-better-errors 0.9.1.0", "hackage mine 1.2.0"]),
        ("opt/conda/conda-meta/openssl-1.1.1k-h1.json", conda, ["conda openssl 1.1.1k"]),
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
        ("a/specifications/x.gemspec", "nothing"), ("Gemfile.lock", "GEM\n  specs:\n    broken\n"),
        ("vendor/composer/installed.json", "{}"),
        ("composer.lock", "{}"), ("a.deps.json", "{}"), ("packages.lock.json", "{}"), ("packages.config", "<a>"),
        ("Package.resolved", "{}"),
        ("pubspec.lock", "a: 1"), ("mix.lock", "\"x\": {:hex, x}"), ("rebar.lock", "{pkg,"), ("conan.lock", "{}"),
        ("renv.lock", "{}"),
        ("Manifest.toml", "="), ("stack.yaml.lock", "a: [\n"), ("conda-meta/x.json", "{}"),
    ])
    func refuses(path: String, text: String) throws {
        #expect(try #require(failure(in: text, path: path)).message.hasPrefix(path))
    }

    /// Cut anywhere, every text gives an answer or an error.
    @Test(arguments: cases.indices)
    func outlivesCuts(index: Int) {
        let bytes = Array(Self.cases[index].text.utf8)
        for end in bytes.indices { _ = failure(in: Array(bytes[..<end]), path: Self.cases[index].path) }
    }

    @Test func passesOverOtherPlaces() {
        for path in [
            "rack.gemspec", "app/rack/rack.gemspec", "a.json", "conda-meta/history", "Cargo.toml", "description",
        ] {
            #expect(PackageReaders.standard.reader(for: path) == nil)
        }
    }
}
