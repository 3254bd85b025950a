// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension PackageReaders {
    static let dpkgStatus: any PackageReader = FileReader("dpkg status", limit: 256 << 20, Dpkg.read)

    /// Every kind of file that is read, by name.
    static let rules: [Rule] = [
        // Distributions
        Rule(name: .exactly("status"), folder: "var/lib/dpkg", reader: dpkgStatus),
        Rule(name: .exactly("status"), folder: "lib/opkg", reader: dpkgStatus),
        Rule(
            name: .exactly("installed"), folder: "lib/apk/db",
            reader: FileReader("apk database", limit: 256 << 20, Apk.read)),
        Rule(name: .exactly("rpmdb.sqlite"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("Packages.db"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("Packages"), condition: Rpm.isDatabase, reader: Rpm.reader),
        Rule(name: .exactly("container-manifest-2"), folder: "var/lib/rpmmanifest", reader: Rpm.manifestReader),
    ]
}
