// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation

extension JSONLayout {
    /// As Go's encoder writes it.
    static func text(_ value: Value) -> String {
        var text = ""
        JSONLayout(html: true).write(value, to: &text, depth: 0)
        return text
    }
}

extension BuiltinTable {
    mutating func addCloudProviders() {
        many("providers.aws.sign_req", [[.object], [.object], [.number]]) { arguments, context in
            let request = try arguments[0].object(1)
            let signer = try RequestSigner(try arguments[1].object(2), time: try arguments[2].number(3))
            return .object(try signer.sign(request, context))
        }
    }
}

/// Signs requests to AWS (Signature Version 4). Reaches nobody: it only computes.
private struct RequestSigner {
    private let service: String
    private let accessKey: String
    private let secretKey: String
    private let region: String
    private let sessionToken: String
    private let leavesPayload: Bool
    /// `20060102T150405Z`
    private let time: String

    private static let required = ["aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"]
    private static let known: Set<String> = [
        "method", "url", "body", "enable_redirect", "force_json_decode", "force_yaml_decode", "headers", "raw_body",
        "tls_use_system_certs", "tls_ca_cert", "tls_ca_cert_file", "tls_ca_cert_env_variable", "tls_client_cert",
        "tls_client_cert_file", "tls_client_cert_env_variable", "tls_client_key", "tls_client_key_file",
        "tls_client_key_env_variable", "tls_insecure_skip_verify", "tls_server_name", "timeout", "cache", "force_cache",
        "force_cache_duration_seconds", "raise_error", "caching_mode", "max_retry_attempts", "cache_ignored_headers",
    ]

    private static func set(_ names: [String]) -> String { Value.set(SetValue(names.map { .string($0) })).regoText }

    init(_ settings: ObjectValue, time: Value) throws {
        let missing = RequestSigner.required.filter { settings[$0] == nil }
        if !missing.isEmpty {
            throw BuiltinError(
                .type, "operand 2 missing required AWS config parameters(s): \(RequestSigner.set(missing))")
        }
        let invalid = RequestSigner.required.filter { settings[$0]?.text == nil }
        if !invalid.isEmpty {
            throw BuiltinError(
                .type, "operand 2 invalid values for required AWS config parameters(s): \(RequestSigner.set(invalid))")
        }
        service = settings["aws_service"]?.text ?? ""
        accessKey = settings["aws_access_key"]?.text ?? ""
        secretKey = settings["aws_secret_access_key"]?.text ?? ""
        region = settings["aws_region"]?.text ?? ""
        sessionToken = settings["aws_session_token"]?.text ?? ""
        if let flag = settings["disable_payload_signing"] {
            guard flag.kind == .bool else {
                throw BuiltinError(.type, "operand 2 invalid value for 'disable_payload_signing' in AWS config")
            }
            leavesPayload = !flag.isFalse
        } else {
            leavesPayload = false
        }
        guard case .int(let nanoseconds) = time else {
            throw BuiltinError(.type, "operand 3 could not convert time_ns value into a unix timestamp")
        }
        let seconds = nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
        self.time = CivilDate.text(seconds: seconds).replacing("-", with: "").replacing(":", with: "")
    }

    /// The request with the headers that sign it.
    func sign(_ request: ObjectValue, _ context: BuiltinContext) throws -> ObjectValue {
        let missing = ["method", "url"].filter { request[$0] == nil }
        if !missing.isEmpty {
            throw BuiltinError(.type, "operand 1 missing required request parameters(s): \(RequestSigner.set(missing))")
        }
        let unknown = request.keys.filter { !RequestSigner.known.contains($0.text ?? "") }
        if !unknown.isEmpty {
            throw BuiltinError(
                .type, "operand 1 invalid request parameters(s): \(Value.set(SetValue(unknown)).regoText)")
        }
        let given = try request["headers"].map { try $0.object(1) } ?? ObjectValue()
        let invalid = ["method", "url"].filter { request[$0]?.text == nil }
        guard invalid.isEmpty, let method = request["method"]?.text, let place = request["url"]?.text else {
            throw BuiltinError(
                .type, "operand 1 invalid values for required request parameters(s): \(RequestSigner.set(invalid))")
        }
        let body = request["raw_body"].map { $0.text ?? "" } ?? request["body"].map { JSONLayout.text($0) } ?? ""
        try context.spend(body.utf8.count)
        let hash = leavesPayload ? "UNSIGNED-PAYLOAD" : Hexadecimal.text(SHA256.hash(data: Data(body.utf8)))
        let url = URLText(place)
        var added = ["host": url.host, "x-amz-date": time]
        if service == "s3" || service == "glacier" || leavesPayload { added["x-amz-content-sha256"] = hash }
        if !sessionToken.isEmpty { added["x-amz-security-token"] = sessionToken }
        var signed = added
        for (name, value) in zip(given.keys, given.values) {
            let name = (name.text ?? "").lowercased()
            // Proxies on the way may change these.
            if ["authorization", "user-agent", "x-amzn-trace-id"].contains(name) { continue }
            signed[name] = value.text ?? ""
        }
        var headers = given
        for (name, value) in zip(given.keys, given.values) { headers.set(name, .string(value.text ?? "")) }
        headers.set(.string("Authorization"), .string(authorization(method, url, signed, hash)))
        for (name, value) in added { headers.set(.string(name), .string(value)) }
        var result = request
        result.set(.string("headers"), .object(headers))
        return result
    }

    private func authorization(_ method: String, _ url: URLText, _ headers: [String: String], _ hash: String) -> String
    {
        let names = headers.keys.sorted { compareBytes($0, $1) < 0 }
        let list = names.joined(separator: ";")
        var lines = [method, url.escapedPath, url.query]
        lines += names.map { "\($0):\(headers[$0] ?? "")" }
        lines += ["", list, hash]
        let canonical = lines.joined(separator: "\n")
        let day = String(time.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let text = [
            "AWS4-HMAC-SHA256", time, scope, Hexadecimal.text(SHA256.hash(data: Data(canonical.utf8))),
        ].joined(separator: "\n")
        var key = Array("AWS4\(secretKey)".utf8)
        for part in [day, region, service, "aws4_request", text] {
            key = Array(HMAC<SHA256>.authenticationCode(for: Data(part.utf8), using: SymmetricKey(data: key)))
        }
        return
            "AWS4-HMAC-SHA256 Credential=\(accessKey)/\(scope),SignedHeaders=\(list),Signature=\(Hexadecimal.text(key))"
    }
}
