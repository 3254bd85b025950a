// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs `docker-credential-NAME get`: the registry goes in and the login comes out over pipes, nothing as an argument.
enum CredentialHelper {
    enum Failure: Error {
        case notFound
        case cannotRun(Int32)
        case timeout
        case tooMuchOutput
    }

    struct Result {
        /// 128 + the signal for one that was killed.
        var status: Int32
        var output: [UInt8]
    }

    private static let outputLimit = 1 << 20

    /// Blocks the calling thread until the helper has ended or `limit` is over.
    static func run(
        _ command: String, input: String, environment: [String: String], limit: Duration
    ) throws(Failure) -> Result {
        var (inEnds, outEnds): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard makePipe(&inEnds) else { throw .cannotRun(errno) }
        defer { for end in inEnds where end >= 0 { close(end) } }
        guard makePipe(&outEnds) else { throw .cannotRun(errno) }
        defer { for end in outEnds where end >= 0 { close(end) } }
        let pid = try spawn(command, environment, input: inEnds[0], output: outEnds[1])
        close(outEnds[1])
        outEnds[1] = -1
        // A host name fits into any pipe's buffer; our own read end keeps a write from failing for want of a reader.
        let bytes = Array(input.utf8.prefix(2048))
        _ = write(inEnds[1], bytes, bytes.count)
        close(inEnds[1])
        inEnds[1] = -1

        let deadline = ContinuousClock.now + limit
        var output: [UInt8] = []
        var status: Int32?
        while true {
            if status == nil { status = reap(pid) }
            let ended = status != nil
            var polled = pollfd(fd: outEnds[0], events: Int16(POLLIN), revents: 0)
            var isRead = false
            if poll(&polled, 1, ended ? 0 : 20) > 0, polled.revents & Int16(POLLIN) != 0 {
                var piece = [UInt8](repeating: 0, count: 16384)
                let count = read(outEnds[0], &piece, piece.count)
                if count > 0 { output += piece[..<count] }
                isRead = count > 0
            }
            if !isRead, let status { return Result(status: status, output: output) }
            // Its output is closed but it still runs: do not spin.
            if !isRead, polled.revents & Int16(POLLHUP) != 0 { usleep(5000) }
            let isTooMuch = output.count > outputLimit
            guard isTooMuch || ContinuousClock.now > deadline else { continue }
            kill(-pid, SIGKILL)
            if status == nil { _ = reap(pid, block: true) }
            throw isTooMuch ? .tooMuchOutput : .timeout
        }
    }

    private static func makePipe(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func spawn(
        _ command: String, _ environment: [String: String], input: Int32, output: Int32
    ) throws(Failure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // A process group of its own, to be able to end its children too; signals as a program expects them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var (none, all) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments: [String] = [command, "get"]
        let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        let settings: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in words + settings { free(text) } }
        var pid: pid_t = 0
        var code: Int32 = 0
        // Somebody may just be writing the file, for example an update of the program.
        for _ in 0..<50 {
            code = posix_spawnp(&pid, command, &actions, &attributes, words + [nil], settings + [nil])
            guard code == ETXTBSY else { break }
            usleep(20_000)
        }
        guard code == 0 else { throw code == ENOENT ? .notFound : .cannotRun(code) }
        return pid
    }

    /// The exit status when the child has ended.
    private static func reap(_ pid: pid_t, block: Bool = false) -> Int32? {
        var status: Int32 = 0
        var result: pid_t
        repeat { result = waitpid(pid, &status, block ? 0 : WNOHANG) } while result == -1 && errno == EINTR
        guard result != 0 else { return nil }
        guard result == pid else { return 127 }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}
