// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension PackageReaders {
    static let dpkgStatus: any PackageReader = FileReader("dpkg status", limit: 256 << 20, Dpkg.read)

    /// Every kind of file that is read, by name.
    static let rules: [Rule] =
        distributions + python + node + compiled + java + others + erlang + scientific + bills

    private static func lock(
        _ file: String, name: String? = nil, _ read: @escaping FileReader.Function
    ) -> Rule {
        Rule(name: .exactly(file), reader: FileReader(name ?? file, isLockFile: true, read))
    }

    private static let distributions: [Rule] = [
        Rule(name: .exactly("status"), folder: "var/lib/dpkg", reader: dpkgStatus),
        Rule(name: .exactly("status"), folder: "lib/opkg", reader: dpkgStatus),
        Rule(
            name: .exactly("manifest.wall"), folder: "var/lib/chisel",
            reader: FileReader("chisel manifest", ChiselManifest.read)),
        Rule(
            name: .exactly("installed"), folder: "lib/apk/db",
            reader: FileReader("apk database", limit: 256 << 20, Apk.read)),
        Rule(name: .exactly("rpmdb.sqlite"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("Packages.db"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("Packages"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("container-manifest-2"), folder: "var/lib/rpmmanifest", reader: Rpm.manifestReader),
    ]
    private static let python: [Rule] = [
        Rule(name: .exactly("METADATA"), condition: PythonMetadata.isWheelMetadata, reader: PythonMetadata.reader),
        Rule(name: .exactly("PKG-INFO"), condition: PythonMetadata.isEggMetadata, reader: PythonMetadata.reader),
        // Distutils wrote a file instead of a folder.
        Rule(name: .ending("egg-info"), reader: PythonMetadata.reader),
        Rule(name: .ending("egg"), reader: PythonMetadata.archiveReader),
        Rule(name: .ending("whl"), reader: PythonMetadata.archiveReader),
        Rule(
            name: .ending("txt"), condition: PythonLocks.isRequirements,
            reader: FileReader("requirements.txt", isLockFile: true, PythonLocks.requirements)),
        Rule(
            name: .ending("toml"), condition: PythonLocks.isPylock,
            reader: FileReader("pylock.toml", isLockFile: true, PythonLocks.toml)),
        lock("poetry.lock", PythonLocks.toml), lock("uv.lock", PythonLocks.toml), lock("pdm.lock", PythonLocks.toml),
        lock("Pipfile.lock", PythonLocks.pipfile),
    ]

    private static let node: [Rule] = [
        Rule(name: .exactly("package.json"), reader: FileReader("package.json", limit: 8 << 20, NpmPackages.installed)),
        lock("package-lock.json", NpmPackages.lock), lock("npm-shrinkwrap.json", NpmPackages.lock),
        lock("yarn.lock", YarnLock.read), lock("pnpm-lock.yaml", PnpmLock.read), lock("bun.lock", NpmPackages.bun),
    ]

    private static let compiled: [Rule] = [
        lock("go.mod", GoModules.mod), lock("go.sum", GoModules.sum), lock("Cargo.lock", CargoLock.read),
    ]

    private static let java: [Rule] =
        JavaArchive.endings.map { Rule(name: .ending($0), reader: JavaArchive.reader) } + [
            lock("pom.xml", JavaLocks.pom), lock("gradle.lockfile", JavaLocks.gradle),
            lock("buildscript-gradle.lockfile", JavaLocks.gradle),
            Rule(
                name: .ending("lockfile"), folder: "gradle/dependency-locks",
                reader: FileReader("Gradle lock", isLockFile: true, JavaLocks.gradle)),
            lock("build.sbt.lock", JavaLocks.sbt),
        ]

    private static let others: [Rule] = [
        Rule(
            name: .ending("gemspec"), condition: RubyGems.isInstalled,
            reader: FileReader("gem specification", limit: 8 << 20, RubyGems.specification)),
        lock("Gemfile.lock", RubyGems.lock), lock("gems.locked", RubyGems.lock),
        Rule(name: .exactly("installed.json"), reader: FileReader("Composer's installed.json", Composer.installed)),
        lock("composer.lock", Composer.lock),
        Rule(
            name: .ending("json"), condition: DotNet.isDependencies,
            reader: FileReader(".NET deps.json", DotNet.dependencies)),
        lock("packages.lock.json", DotNet.lock), lock("packages.config", DotNet.config),
        Rule(
            name: .ending("props"), condition: DotNet.isCentral,
            reader: FileReader("Directory.Packages.props", isLockFile: true, DotNet.central)),
        lock("Package.resolved", SwiftPackages.read), lock("Podfile.lock", CocoaPods.read),
        lock("pubspec.lock", DartPackages.read),
        lock("conan.lock", ConanPackages.read), lock("conanfile.txt", ConanPackages.conanfile),
        Rule(name: .exactly("conaninfo.txt"), reader: FileReader("Conan package", ConanPackages.information)),
    ]

    private static let erlang: [Rule] = [
        lock("mix.lock", HexPackages.mix), lock("rebar.lock", HexPackages.rebar),
        Rule(
            name: .ending("app"), folder: "ebin",
            reader: FileReader("Erlang application", limit: 8 << 20, ErlangApplications.resource)),
        Rule(
            name: .exactly("hex_metadata.config"),
            reader: FileReader("Hex metadata", limit: 8 << 20, ErlangApplications.metadata)),
    ]

    private static let bills: [Rule] = ["json", "spdx", "cdx"].map {
        Rule(name: .ending($0), condition: EnclosedBill.matches, reader: EnclosedBill.reader)
    }

    private static let condaLock = FileReader("conda-lock.yml", isLockFile: true, CondaPackages.namedLock)

    private static let scientific: [Rule] = [
        Rule(
            name: .exactly("DESCRIPTION"), reader: FileReader("R package", limit: 1 << 20, RPackages.description)),
        lock("renv.lock", RPackages.renv),
        Rule(
            name: .ending("toml"), condition: JuliaPackages.isManifest,
            reader: FileReader("Julia manifest", isLockFile: true, JuliaPackages.read)),
        Rule(
            name: .ending("json"), folder: "conda-meta",
            reader: FileReader("conda package", limit: 64 << 20, CondaPackages.read)),
        lock("environment.yml", CondaPackages.environment), lock("environment.yaml", CondaPackages.environment),
        lock("conda-lock.yml", CondaPackages.lock), lock("pixi.lock", CondaPackages.pixi),
        Rule(name: .ending("yml"), condition: CondaPackages.isNamedLock, reader: condaLock),
        Rule(name: .ending("yaml"), condition: CondaPackages.isNamedLock, reader: condaLock),
        Rule(
            name: .ending("lock"), condition: CondaPackages.isExplicit,
            reader: FileReader("conda explicit lock", isLockFile: true, CondaPackages.explicit)),
        lock("cabal.project.freeze", HaskellPackages.cabal), lock("stack.yaml", HaskellPackages.project),
        lock("stack.yaml.lock", HaskellPackages.stack),
    ]
}
