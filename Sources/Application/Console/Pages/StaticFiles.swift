// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// The style sheet, the script and the icon.
enum StaticFiles {
    static let routes = [
        Route(.get, "/static/{file}", .open) { call, parts in
            guard let asset = parts.pages.assets[try call.parameter("file")] else {
                throw ConsoleError(.notFound, "There is no such file.")
            }
            var response = Reply.text(asset.text, type: asset.mediaType)
            // With the right version in the link the text cannot change any more.
            response.headers[.cacheControl] =
                call.query["v"] == asset.version ? "public, max-age=31536000, immutable" : "no-cache"
            return response
        }
    ]
}
