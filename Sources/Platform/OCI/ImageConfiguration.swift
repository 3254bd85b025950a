// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What an image says of itself (OCI image configuration, Docker's image JSON).
package struct ImageConfiguration: Sendable, Hashable {
    package struct Step: Sendable, Hashable {
        package var createdBy = ""
        package var created = ""
        package var comment = ""
        /// It changed no file and has no layer.
        package var isEmptyLayer = false
    }

    package var architecture = ""
    package var os = ""
    package var variant = ""
    /// RFC 3339.
    package var created = ""
    package var author = ""
    package var user = ""
    /// `NAME=value`
    package var environment: [String] = []
    package var entrypoint: [String] = []
    package var command: [String] = []
    package var workingDirectory = ""
    /// `80/tcp`
    package var exposedPorts: [String] = []
    package var volumes: [String] = []
    package var labels: [String: String] = [:]
    package var healthcheck: [String] = []
    package var history: [Step] = []
    package var diffIDs: [String] = []

    package init() {}
}
