// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import NIOCore

/// Makes the answers of the handlers.
enum Reply {
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: "text/html; charset=utf-8", status: status)
    }

    static func text(_ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok)
        -> Response
    {
        bytes(Array(text.utf8), type: type, status: status)
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        bytes(value.encoded, type: "application/json", status: status)
    }

    static var empty: Response { Response(status: .noContent) }

    /// After a form: the browser asks for `path`, so that a reload sends nothing twice.
    static func redirect(_ path: String) -> Response {
        Response(status: .seeOther, headers: [.location: path])
    }

    static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func status(_ code: ConsoleError.Code) -> HTTPResponse.Status {
        switch code {
        case .invalid: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden, .staleForm: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .unsupportedMedia: .unsupportedMediaType
        case .tooManyAttempts: .tooManyRequests
        case .timeout: .requestTimeout
        case .unavailable: .serviceUnavailable
        case .internal: .internalServerError
        }
    }
}
