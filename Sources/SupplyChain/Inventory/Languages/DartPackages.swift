// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// pubspec.lock of Dart and Flutter.
enum DartPackages {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        var out: [FoundPackage] = []
        for root in try file.yaml() {
            guard let packages = root["packages"] else { throw file.malformed("expected a member “packages”") }
            for (name, entry) in packages.members {
                // Others come from the SDK or a folder of the project.
                let version = entry["version"]?.scalar ?? ""
                let source = entry.text("source")
                guard source == "hosted" || source == "git", !version.isEmpty else { continue }
                var package = FoundPackage(.pub, name: name.string, version: version, path: file.path)
                package.isDevelopment = entry["dependency"]?.equals("direct dev") == true
                out.append(package)
            }
        }
        return out
    }
}
