// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Reporting

/// Standard output and error of the process.
enum Terminal {
    static var isOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Colours are for people, and not for those who set NO_COLOR (no-color.org).
    static var usesColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isOutputTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// Columns of the terminal, 100 where there is none.
    static var width: Int {
        var size = winsize()
        if isOutputTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return Int(ProcessInfo.processInfo.environment["COLUMNS"] ?? "") ?? 100
    }

    /// Writes a problem to standard error, without control characters that a hostile name may hold.
    static func error(_ message: String) {
        write("bulwark: \(DisplayText.safe(message))\n", to: STDERR_FILENO)
    }

    /// Writes a remark to standard error.
    static func note(_ message: String) {
        write("\(DisplayText.safe(message))\n", to: STDERR_FILENO)
    }

    /// Writes a line for the person at the terminal to standard output.
    static func say(_ message: String) {
        Array("\(message)\n".utf8).withUnsafeBytes { write($0) }
    }

    /// Lets a pipe at standard output hold as much as a reader may ask for at once: each time that a reader has to be woken
    /// costs more than the copying of what it then reads. Nothing happens where it is no pipe, or may not grow.
    static func widenOutput() {
        let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ
        _ = fcntl(STDOUT_FILENO, setPipeSize, 1 << 20)
    }

    /// Writes everything to standard output. A reader that went away (`| head`) ends the process quietly.
    static func write(_ bytes: UnsafeRawBufferPointer) {
        if !write(bytes, to: STDOUT_FILENO) { exit(errno == EPIPE ? 0 : ExitStatus.unfinished.rawValue) }
    }

    /// Writes everything, however little the other side takes at a time. False, and `errno` set, when it takes no more.
    @discardableResult
    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = Foundation.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count >= 0 {
                done += count
            } else if errno == EAGAIN {
                usleep(1000)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    /// Writes a text as it is. What standard error does not take is lost.
    fileprivate static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { _ = write(UnsafeRawBufferPointer($0), to: descriptor) }
    }
}

/// Progress of long work on standard error: a line that is rewritten, on a terminal only, from the second second on.
struct Progress {
    private let started = ContinuousClock.now
    private var shown = ContinuousClock.now
    private var isShown = false
    private let isOn = Terminal.isErrorTerminal

    mutating func show(_ text: @autoclosure () -> String) {
        let now = ContinuousClock.now
        guard isOn, now - started > .seconds(1), now - shown > .milliseconds(100) else { return }
        shown = now
        isShown = true
        Terminal.write("\r\u{1B}[K\(DisplayText.safe(text()))", to: STDERR_FILENO)
    }

    mutating func clear() {
        if isShown { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
        isShown = false
    }
}
