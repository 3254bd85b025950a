// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOHTTP1

extension FakeAPIServer.Request {
    /// What the client showed for itself, e.g. `Bearer …`; empty without.
    package var authorization: String { headers.first(name: "Authorization") ?? "" }
}
