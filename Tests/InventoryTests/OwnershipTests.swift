// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct OwnershipTests {
    @Test func marksWhatTheDistributionOwns() throws {
        var packages = [
            FoundPackage(
                .pypi, name: "requests", version: "2",
                path: "usr/lib/python3/dist-packages/requests-2.dist-info/METADATA"),
            FoundPackage(.pypi, name: "requests", version: "2", path: "app/requests-2.dist-info/METADATA"),
            FoundPackage(.maven, name: "a:b", version: "1", path: "lib/java/b.jar"),
            FoundPackage(.deb, name: "x", version: "1", path: "var/lib/dpkg/status"),
        ]
        var ownership = Ownership(of: packages)
        let list = """
            /.
            /usr/lib/python3/dist-packages/requests-2.dist-info/METADATA
            /usr/lib/java/b.jar
            /var/lib/dpkg/status
            """
        try OwnedFiles.read(InventoryFile(path: "var/lib/dpkg/info/python3-requests.list", bytes: Array(list.utf8))) {
            ownership.add($0, owner: $1)
        }
        ownership.mark(&packages)
        #expect(packages.map(\.owner) == ["deb:python3-requests", "", "deb:python3-requests", ""])
    }

    @Test func followsMergedFolders() {
        var packages = [FoundPackage(.npm, name: "a", version: "1", path: "usr/lib/node/a/package.json")]
        var ownership = Ownership(of: packages)
        Array("lib/node/a/package.json".utf8).withUnsafeBufferPointer { ownership.add($0, owner: "rpm:node-a") }
        Array("lib/node/b/package.json".utf8).withUnsafeBufferPointer { ownership.add($0, owner: "rpm:node-b") }
        ownership.mark(&packages)
        #expect(packages[0].owner == "rpm:node-a")
    }
}
