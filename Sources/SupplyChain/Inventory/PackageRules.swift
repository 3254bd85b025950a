// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension PackageReaders {
    static let dpkgStatus: any PackageReader = FileReader("dpkg status", limit: 256 << 20, Dpkg.read)

    /// Every kind of file that is read, by name.
    static let rules: [Rule] = distributions + python + node + compiled + java + others + scientific

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
        lock("Package.resolved", SwiftPackages.read), lock("pubspec.lock", DartPackages.read),
        lock("mix.lock", HexPackages.mix), lock("rebar.lock", HexPackages.rebar),
        lock("conan.lock", ConanPackages.read),
    ]

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
        lock("cabal.project.freeze", HaskellPackages.cabal), lock("stack.yaml.lock", HaskellPackages.stack),
    ]
}
