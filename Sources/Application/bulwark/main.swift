// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Commands
import Foundation

// A reader that goes away ends a write with EPIPE instead of the process.
signal(SIGPIPE, SIG_IGN)
exit(await Bulwark.run(Array(CommandLine.arguments.dropFirst())))
