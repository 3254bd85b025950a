// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The checks on what an image says of itself. Numbers of the benchmark are those of section 4 of the CIS Docker Benchmark.
extension ImageConfigurationChecks {
    package static let all = [
        noHistory, runsAsRoot, addsFromAddress, secretInEnvironment, secretInHistory, secretInLabel, movingBase,
        movingTag,
        fetchesAndRuns, sshPort, noHealthcheck, sudo, openPermissions, packageCache, setuidByHistory, passwordByHistory,
        sudoWithoutPassword, sshServer, unverified, updateAlone, tools, sensitiveVolume, loaderVariable, writablePath,
        startsFromTemporary,
    ]

    static let noHistory = check(
        100, "image-without-history", "The image does not say how it was built", .informational,
        "Checks on build steps have nothing to look at, so that their silence means nothing.",
        "Build without squashing the history away, or keep the provenance of the build beside the image.")
    static let runsAsRoot = check(
        101, "image-runs-as-root", "The image runs as root", .medium,
        "Whoever takes over the process is root in the container, and root is where most ways out of a container begin.",
        "Make an account in the image and set it by USER, best as a number, so that `runAsNonRoot` can be held against it.",
        cis: "4.1")
    static let addsFromAddress = check(
        102, "image-adds-from-address", "A build step adds a file from the network", .medium,
        "ADD with an address takes what a server gives on that day, without a look at what it is.",
        "Fetch it in a RUN step that holds it against a checksum, or use ADD --checksum.", cis: "4.9")
    static let secretInEnvironment = check(
        103, "image-secret-in-environment", "The image carries a secret in its environment", .critical,
        "Everybody who can pull the image can read it, and every process in the container gets it.",
        "Take it out and renew it: it is known. Give secrets to the running container, by a mounted file.", cis: "4.10",
        sensitive: true)
    static let secretInHistory = check(
        104, "image-secret-in-history", "A build step shows a secret", .critical,
        "Build arguments and commands stay in the image's history, where everybody who pulls it can read them.",
        "Renew the secret and give it to the build by RUN --mount=type=secret.", cis: "4.10", sensitive: true)
    static let secretInLabel = check(
        105, "image-secret-in-label", "A label of the image holds a secret", .high,
        "Labels are shown by every registry and runtime.", "Take it out of the label and renew it.", cis: "4.10",
        sensitive: true)
    static let movingBase = check(
        106, "image-moving-base", "The image was built on a base without a fixed version", .low,
        "The same build gives another image tomorrow, and nobody can say which base this one has.",
        "Name the base by a version, best by its digest, and update it on purpose.", cis: "4.2")
    static let movingTag = check(
        107, "image-moving-tag", "The image is named by latest or by no tag", .low,
        "What runs changes with each pull, and what was scanned may not be what runs.",
        "Deploy by a version or by the digest.")
    static let fetchesAndRuns = check(
        108, "image-fetches-and-runs", "A build step runs a script straight from the network", .medium,
        "Whoever controls that server, or the way to it, controls the image.",
        "Fetch the script, hold it against a checksum, then run it; or take a package.", cis: "4.11")
    static let sshPort = check(
        109, "image-ssh-port", "The image offers SSH", .medium,
        "A way to log in beside the orchestrator's own: its accounts and keys are nobody's business to renew.",
        "Leave SSH out; use `kubectl exec` or `kubectl debug`.")
    static let noHealthcheck = check(
        110, "image-without-healthcheck", "The image has no health check", .informational,
        "Docker and Podman cannot tell a hung process from a good one. Kubernetes asks by probes of its own instead.",
        "Add HEALTHCHECK where the image runs without Kubernetes.", cis: "4.6")
    static let sudo = check(
        111, "image-sudo", "The image brings sudo", .low,
        "In a container it serves little but to become root.",
        "Do what needs root while building, and run as another account.", cis: "4.3")
    static let openPermissions = check(
        112, "image-open-permissions", "A build step lets everybody write", .medium,
        "Whatever account is taken over can replace the files, and with them what runs next.",
        "Give the files to the account that needs them, with 750 or less.")
    static let packageCache = check(
        113, "image-package-cache", "A build step leaves a package manager's cache", .informational,
        "It makes the image larger and its lists of packages go stale.",
        "Remove the lists in the same step: `rm -rf /var/lib/apt/lists/*`, `apk add --no-cache`, `dnf clean all`.")
    static let setuidByHistory = check(
        114, "image-setuid-step", "A build step makes a program setuid", .medium,
        "Every account in the container runs it with its owner's rights.",
        "Leave the bit off, and set `allowPrivilegeEscalation: false`.", cis: "4.8")
    static let passwordByHistory = check(
        115, "image-password-step", "A build step sets a password", .high,
        "It is in the history for everybody to read, and the same in every container.",
        "Leave accounts without passwords; where one is needed, set it when the container starts.", cis: "4.10",
        sensitive: true)
    static let sudoWithoutPassword = check(
        116, "image-sudo-without-password", "A build step lets an account become root without a password", .high,
        "Running as another account than root is then for show.", "Take the rule out of sudoers.")
    static let sshServer = check(
        117, "image-ssh-server", "The image starts an SSH server", .medium,
        "A way to log in beside the orchestrator's own, and a second service in the container.",
        "Start the application itself; use `kubectl exec` or `kubectl debug` to look inside.")
    static let unverified = check(
        118, "image-unverified-source", "A build step does not check whom it fetches from", .medium,
        "Certificates or signatures are switched off: whoever sits on the way can put anything into the image.",
        "Install the certificate or key that is missing instead of switching the check off.", cis: "4.11")
    static let updateAlone = check(
        119, "image-update-alone", "A build step only updates the lists of packages", .informational,
        "The step is taken from the cache, so that later steps install old versions.",
        "Update and install in the same step.", cis: "4.7")
    static let tools = check(
        120, "image-tools-for-intruders", "A build step installs tools for looking around in networks", .low,
        "Who breaks in need not bring them.", "Leave them out; use an ephemeral container to debug.", cis: "4.3")
    static let sensitiveVolume = check(
        121, "image-sensitive-volume", "The image declares a volume over a sensitive place", .medium,
        "A runtime that honours it puts the node's or another container's files there.",
        "Declare volumes for data alone.")
    static let loaderVariable = check(
        122, "image-loader-variable", "The image loads a library into every process", .high,
        "LD_PRELOAD and its kin replace functions of every program: a rootkit's way, seldom another's.",
        "Take the variable out, or set it for the one program that needs it.")
    static let writablePath = check(
        123, "image-writable-path", "Programs are searched in a place where everybody may write", .medium,
        "Whoever may write there puts a program of a known name before the real one.",
        "Take the folder out of PATH.")
    static let startsFromTemporary = check(
        124, "image-starts-from-temporary-folder", "The image starts a program from a folder for temporary files",
        .high,
        "Everybody in the container may put another one there; droppers like the place.",
        "Install the program where root alone may write.")

    private static func check(
        _ number: Int, _ slug: String, _ title: String, _ severity: Severity, _ why: String, _ remediation: String,
        cis: String = "", sensitive: Bool = false
    ) -> Check {
        Check(
            id: "BW-IMG-\(number)", slug: slug, area: "image", title: title, severity: severity, why: why,
            remediation: remediation, controls: cis.isEmpty ? [] : [(benchmark: "CIS-Docker", ids: [cis])],
            sensitive: sensitive)
    }
}
