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
    /// Whether a name without prefix is looked for on this machine (Docker, podman, containerd) before a registry is asked.
    package var usesLocalStorage = true
    /// Where Docker listens: `DOCKER_HOST` where that is a socket of this machine, else Docker's own place.
    package var dockerSocket: String?
    /// Podman's storage; those of root and of this user unless given.
    package var containersStorage: [String]?
    /// Containerd's root folders.
    package var containerd = ["/var/lib/containerd", "/var/lib/rancher/k3s/agent/containerd"]
    package var registry = RegistryOptions()

    package init() {}
}
