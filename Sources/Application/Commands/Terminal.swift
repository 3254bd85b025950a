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
        FileHandle.standardError.write(Data("bulwark: \(DisplayText.safe(message))\n".utf8))
    }

    /// Writes a remark to standard error.
    static func note(_ message: String) {
        FileHandle.standardError.write(Data("\(DisplayText.safe(message))\n".utf8))
    }

    /// Writes a line for the person at the terminal to standard output.
    static func say(_ message: String) {
        Array("\(message)\n".utf8).withUnsafeBytes { write($0) }
    }

    /// Writes everything to standard output. A reader that went away (`| head`) ends the process quietly.
    static func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { usleep(1000); continue }
                exit(errno == EPIPE ? 0 : ExitStatus.unfinished.rawValue)
            }
            rest = rest.dropFirst(count)
        }
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
        FileHandle.standardError.write(Data("\r\u{1B}[K\(DisplayText.safe(text()))".utf8))
    }

    mutating func clear() {
        if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        isShown = false
    }
}
