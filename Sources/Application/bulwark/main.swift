// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Commands
import Dispatch
import Foundation

// A reader that goes away ends a write with EPIPE instead of the process.
signal(SIGPIPE, SIG_IGN)
let arguments = Array(CommandLine.arguments.dropFirst())
// No `await` here: it would move everything to another thread, whose memory the system hands out page by page.
if let status = Bulwark.inspectFiles(arguments) { exit(status) }
Task { exit(await Bulwark.run(arguments)) }
dispatchMain()
