// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Runs a program with a time limit and a bound on what it prints, on the calling thread.
enum ChildProcess {
    struct Result {
        /// The exit status; 128 + the signal for one that was killed.
        var status: Int32
        var output: [UInt8]
        /// The last 4 KiB.
        var errorOutput: [UInt8]
    }

    enum Failure: Error, Equatable {
        /// There is no such program.
        case notFound
        /// It cannot be started, for this `errno`.
        case cannotRun(Int32)
        case timeout
        case tooMuchOutput
    }

    /// - Parameters:
    ///   - command: a path, or a name to look up in PATH.
    ///   - environment: the whole environment of the child.
    ///   - limit: after it, the child and what it started are killed.
    static func run(
        _ command: String, arguments: [String], environment: [String: String], limit: Duration, outputLimit: Int
    ) throws -> Result {
        let output = try Pipe()
        let errors = try Pipe()
        defer {
            output.close()
            errors.close()
        }
        let pid = try spawn(command, arguments, environment, output: output, errors: errors)
        output.closeWriteEnd()
        errors.closeWriteEnd()

        let deadline = ContinuousClock.now + limit
        var text: [UInt8] = []
        var complaint: [UInt8] = []
        // The child's end is seen by waitpid, not by the pipes: a grandchild may hold these open.
        var status: Int32?
        while true {
            if status == nil { status = reap(pid) }
            let ended = status != nil
            var polled = [
                pollfd(fd: output.readEnd, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.readEnd, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&polled, 2, ended ? 0 : 20)
            var read = false
            if ready > 0 {
                if polled[0].revents & Int16(POLLIN) != 0 { read = output.read(into: &text) || read }
                if polled[1].revents & Int16(POLLIN) != 0 { read = errors.read(into: &complaint) || read }
                if complaint.count > 4096 { complaint.removeFirst(complaint.count - 4096) }
                // Both closed but still running: do not spin.
                if !read && !ended { usleep(5000) }
            }
            if text.count > outputLimit {
                end(pid, status)
                throw Failure.tooMuchOutput
            }
            if let status, !read { return Result(status: status, output: text, errorOutput: complaint) }
            if ContinuousClock.now > deadline {
                end(pid, status)
                throw Failure.timeout
            }
        }
    }

    private static func spawn(
        _ command: String, _ arguments: [String], _ environment: [String: String], output: Pipe, errors: Pipe
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writeEnd, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.writeEnd, 2)

        // A process group of its own, to be able to end its children too; signals as a program expects them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let words = [command] + arguments
        let settings = environment.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        var code: Int32
        var attempt = 0
        repeat {
            code = withCStrings(words) { argv in
                withCStrings(settings) { envp in posix_spawnp(&pid, command, &actions, &attributes, argv, envp) }
            }
            attempt += 1
            // Somebody is just writing the file, for example an update of the program.
            if code == ETXTBSY { usleep(20_000) }
        } while code == ETXTBSY && attempt < 50
        guard code == 0 else { throw code == ENOENT ? Failure.notFound : Failure.cannotRun(code) }
        return pid
    }

    private static func withCStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// The exit status when the child has ended.
    private static func reap(_ pid: pid_t, block: Bool = false) -> Int32? {
        var status: Int32 = 0
        var result: pid_t
        repeat { result = waitpid(pid, &status, block ? 0 : WNOHANG) } while result == -1 && errno == EINTR
        guard result != 0 else { return nil }
        // ECHILD: somebody else reaped it, so its status is unknown.
        guard result == pid else { return 127 }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }

    private static func end(_ pid: pid_t, _ status: Int32?) {
        kill(-pid, SIGKILL)
        if status == nil { _ = reap(pid, block: true) }
    }

    private final class Pipe {
        let readEnd: Int32
        private(set) var writeEnd: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                throw KubernetesError(.credential, "no pipe for a credential plugin: error \(errno)")
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            readEnd = ends[0]
            writeEnd = ends[1]
        }

        func closeWriteEnd() {
            if writeEnd >= 0 { Glibc.close(writeEnd) }
            writeEnd = -1
        }

        func close() {
            closeWriteEnd()
            Glibc.close(readEnd)
        }

        /// - Returns: whether there was something.
        func read(into bytes: inout [UInt8]) -> Bool {
            var chunk = [UInt8](repeating: 0, count: 16384)
            let count = Glibc.read(readEnd, &chunk, chunk.count)
            guard count > 0 else { return false }
            bytes.append(contentsOf: chunk[..<count])
            return true
        }
    }
}
