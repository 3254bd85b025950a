// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The checks on an image's files.
extension ImageBehaviour {
    package static let all = [
        setuid, setuidInOddPlace, setuidInterpreter, device, writableProgram, writableFolder, capabilities,
        reverseShell,
        authorizedKeys, preload, fetchingJob, hostKey, noPassword, secondRoot, sudoers, programInTemporary, keyStore,
        history, oddName, repository, unread,
    ]

    static let setuid = check(
        1, "image-setuid-program", "A setuid program that is not among the known ones", .medium,
        "Every account in the container runs it with its owner's rights, and nobody of a distribution looks after it.",
        "Take the bit off, or set `allowPrivilegeEscalation: false` on the pods.", cis: "4.8")
    static let setuidInOddPlace = check(
        2, "image-setuid-in-odd-place", "A setuid program where none belongs", .high,
        "Outside the folders of programs it is a way back to root that somebody left.",
        "Find out who put it there, and remove it.", cis: "4.8")
    static let setuidInterpreter = check(
        3, "image-setuid-interpreter", "A shell, interpreter or file tool is setuid", .critical,
        "Everybody who can run it is its owner, mostly root: it is a back door.",
        "Take the bit off and find out who set it.", cis: "4.8")
    static let device = check(
        4, "image-device-node", "The image holds a device node", .medium,
        "With the right to open devices it reaches the node's disks or memory; images need none but the usual few.",
        "Remove it from the image.")
    static let writableProgram = check(
        5, "image-writable-program", "Everybody may write a program or start script", .high,
        "Whatever account is taken over can put its own commands there, and root runs them at the next start.",
        "Take the write permission of others away.")
    static let writableFolder = check(
        6, "image-writable-folder", "Everybody may write a folder of the system", .medium,
        "Files in it can be replaced by any account in the container.",
        "Take the write permission of others away, or set the sticky bit on folders for temporary files.")
    static let capabilities = check(
        7, "image-file-capabilities", "A program gets capabilities that lead out of the container", .high,
        "Every account that runs it has them as far as the container's limits go.",
        "Remove them by `setcap -r`, and drop all capabilities on the pods.")
    static let reverseShell = check(
        8, "image-reverse-shell", "A start script connects a shell to another machine", .critical,
        "Whoever listens there has a shell in every container of the image.",
        "Do not run the image. Find out who built it and what else they touched.")
    static let authorizedKeys = check(
        9, "image-authorized-keys", "The image lets the owners of keys log in", .high,
        "The keys open every container of the image that runs an SSH server.",
        "Remove the file; give keys to the running container where they are needed.")
    static let preload = check(
        10, "image-preload", "A library is loaded into every process", .critical,
        "ld.so.preload is how rootkits in user space hide; next to nothing else uses it.",
        "Find out what the library is, and remove it and the file.")
    static let fetchingJob = check(
        11, "image-fetching-job", "A job or start script fetches a script and runs it", .high,
        "What runs is decided by whoever holds the server on that day: how droppers come back.",
        "Put what has to run into the image.")
    static let hostKey = check(
        12, "image-host-key", "The image holds the private key of an SSH server", .medium,
        "All containers of the image have the same key, and everybody who can pull it can play the server.",
        "Remove the keys; make them when a container starts.")
    static let noPassword = check(
        13, "image-account-without-password", "An account has an empty password", .high,
        "Everybody can become that account.", "Lock it by `passwd -l`.")
    static let secondRoot = check(
        14, "image-second-root", "Another account than root has its number", .high,
        "It is root under a name that nobody looks for.", "Give the account a number of its own, or remove it.")
    static let sudoers = check(
        15, "image-sudoers", "Accounts may become root without a password", .medium,
        "Running as another account than root is then for show.", "Take the rule out of sudoers.")
    static let programInTemporary = check(
        16, "image-program-in-temporary-folder", "A program in a folder for temporary files", .medium,
        "Droppers put what they run there; builds that leave theirs behind look the same.",
        "Remove it, or install it where programs belong.")
    static let keyStore = check(
        17, "image-key-store", "The image holds a key store or private key file", .medium,
        "Whoever pulls the image has it and can try passwords at leisure.",
        "Mount it into the running container from a secret.", cis: "4.10")
    static let history = check(
        18, "image-shell-history", "The image holds the history of a shell", .low,
        "It tells what was typed, passwords too.", "Remove it in the step that made it.")
    static let oddName = check(
        19, "image-hiding-name", "A file's name is made to be overlooked", .high,
        "Names of dots and blanks, or with control characters, hide from those who list a folder.",
        "Look what it is, and who put it there.")
    static let repository = check(
        20, "image-git-repository", "The image holds a git repository", .low,
        "Its history may show what was removed since, secrets too.", "Add `.git` to .dockerignore.")
    static let unread = check(
        21, "image-file-not-judged", "A file could not be judged", .medium,
        "What it says about accounts, jobs or start is not known, so that silence about it means nothing.",
        "Look at the file; it is larger than such files are, or damaged.")

    private static func check(
        _ number: Int, _ slug: String, _ title: String, _ severity: Severity, _ why: String, _ remediation: String,
        cis: String = ""
    ) -> Check {
        Check(
            id: "BW-IMG-0" + (number < 10 ? "0" : "") + String(number), slug: slug, area: "image", title: title,
            severity: severity, why: why, remediation: remediation,
            controls: cis.isEmpty ? [] : [(benchmark: "CIS-Docker", ids: [cis])])
    }
}
