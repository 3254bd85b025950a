// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// How images are looked for.
package struct ImageSourceOptions: Sendable {
    /// Which image of a list for several platforms. Without it, this machine's, or the only one.
    package var platform: ImagePlatform?
    /// Which image of an archive or layout that holds several: its name, or only its tag.
    package var imageName: String?
    /// Where compressed archives are unpacked and layers of podman are put together.
    package var temporaryFolder = PrivateFile.standardFolder
    /// Bytes that a compressed archive of an image may unpack to.
    package var maxUnpackedBytes: Int64 = 64 << 30
    /// Whether a name without prefix is looked up in podman's and containerd's storage before a registry is asked.
    package var usesLocalStorage = true
    /// Podman's storage; those of root and of this user unless given.
    package var containersStorage: [String]?
    /// Containerd's root folder.
    package var containerd = "/var/lib/containerd"
    package var registry = RegistryOptions()

    package init() {}
}
