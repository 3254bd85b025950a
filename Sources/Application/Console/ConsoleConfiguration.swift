// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// How the console listens and how long log-ins last.
package struct ConsoleConfiguration: Sendable {
    package var address = "127.0.0.1"
    /// 0 lets the system choose.
    package var port = 8443
    /// Where the certificate that the console makes for itself is kept.
    package var stateFolder = "./var"
    /// PEM files to serve instead of a certificate of its own: the chain, leaf first, and its key. Read anew when they
    /// change.
    package var certificateFile: String?
    package var keyFile: String?
    /// Names and addresses for its own certificate beside localhost, 127.0.0.1, ::1, and this machine's name.
    package var hostNames: [String] = []
    /// Seconds without a request after which a session ends.
    package var sessionIdle: Int64 = 30 * 60
    /// Seconds after the log-in at which a session ends in any case.
    package var sessionLifetime: Int64 = 12 * 3600
    package var maxConnections = 512
    /// Seconds in which a request's body must arrive.
    package var bodySeconds = 15
    /// Seconds after which a silent connection is closed.
    package var idleSeconds: Int64 = 60

    package init() {}
}
