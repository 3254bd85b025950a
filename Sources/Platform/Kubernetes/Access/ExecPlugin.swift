// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import FoundationEssentials
import Glibc

/// A kubeconfig's `exec` entry: a program that prints an ExecCredential (client.authentication.k8s.io v1 or v1beta1).
struct ExecPlugin: Sendable {
    /// As written, or the full path when written relative to the kubeconfig.
    var command: String
    var arguments: [String]
    var environment: [(name: String, value: Secret)]
    var apiVersion: String
    /// Shown when the program is missing.
    var installHint: String?
    /// The `spec.cluster` that the program asked for with provideClusterInfo, as JSON.
    var clusterInfo: String?
    var limit = Duration.seconds(60)

    init(_ node: Node, _ fields: ConfigFields, _ connection: ClusterConnection) throws {
        func failure(_ message: String, _ code: KubernetesError.Code = .invalidKubeconfig) -> KubernetesError {
            fields.error("has an exec plugin \(message)", what: "user", code: code)
        }
        guard let command = node["command"]?.string, !command.isEmpty else { throw failure("without a command") }
        let apiVersion = node["apiVersion"]?.string ?? ""
        guard ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"].contains(apiVersion) else {
            throw failure(
                "of apiVersion \(apiVersion.excerpt(60)); supported are client.authentication.k8s.io/v1 and v1beta1",
                .unsupported)
        }
        // A bare name is looked up in PATH; one with a slash counts from the kubeconfig's folder.
        self.command = command.contains("/") ? fields.path(command) : command
        arguments =
            try (node["args"]?.elements).map {
                try $0.map { argument in
                    guard let text = argument.string else { throw failure("with an argument that is no string") }
                    return text
                }
            } ?? []
        environment =
            try (node["env"]?.elements).map {
                try $0.map { variable in
                    guard let name = variable["name"]?.string, !name.isEmpty, !name.contains("=") else {
                        throw failure("with an environment variable without a name")
                    }
                    return (name, Secret(variable["value"]?.string ?? ""))
                }
            } ?? []
        self.apiVersion = apiVersion
        installHint = node["installHint"]?.string
        if node["provideClusterInfo"]?.bool == true { clusterInfo = Self.describe(connection) }
    }

    /// Runs the program to its end on this thread.
    func run() throws -> Credential {
        var variables = ProcessInfo.processInfo.environment
        for (name, value) in environment { variables[name] = value.text }
        variables["KUBERNETES_EXEC_INFO"] =
            #"{"apiVersion":"\#(apiVersion)","kind":"ExecCredential","spec":{"#
            + (clusterInfo.map { #""cluster":\#($0),"# } ?? "") + #""interactive":false}}"#
        let result: ChildProcess.Result
        do {
            result = try ChildProcess.run(
                command, arguments: arguments, environment: variables, limit: limit, outputLimit: 1 << 20)
        } catch ChildProcess.Failure.notFound {
            let hint = installHint.map { "; " + $0.excerpt(500) } ?? ""
            throw KubernetesError(.credential, "credential plugin \(command) is not installed\(hint)")
        } catch ChildProcess.Failure.cannotRun(let code) {
            let reason = String(cString: strerror(code))
            throw KubernetesError(.credential, "credential plugin \(command) cannot be run: \(reason)")
        } catch ChildProcess.Failure.timeout {
            throw KubernetesError(
                .credential, "credential plugin \(command) gave no answer within \(limit.components.seconds) s")
        } catch ChildProcess.Failure.tooMuchOutput {
            throw KubernetesError(.credential, "credential plugin \(command) printed more than a credential")
        }
        guard result.status == 0 else {
            let words = Self.lastLine(of: result.errorOutput)
            throw KubernetesError(
                .credential,
                "credential plugin \(command) failed with status \(result.status)\(words.isEmpty ? "" : ": " + words)")
        }
        return try read(result.output)
    }

    /// The ExecCredential that the program printed. Its text never gets into a message.
    func read(_ output: [UInt8]) throws -> Credential {
        func failure(_ message: String) -> KubernetesError {
            KubernetesError(.credential, "credential plugin \(command) \(message)")
        }
        guard let root = try? JSONReader.read(output, source: command).root else {
            throw failure("printed no JSON ExecCredential")
        }
        guard root["kind"]?.string == "ExecCredential" else { throw failure("printed no ExecCredential") }
        guard root["apiVersion"]?.string == apiVersion else {
            throw failure("printed another apiVersion than \(apiVersion)")
        }
        guard let status = root["status"] else { throw failure("printed no status") }
        var credential = Credential()
        if let token = status["token"]?.string, !token.isEmpty {
            credential.authorization = Secret("Bearer \(token)")
        }
        let certificate = status["clientCertificateData"]?.string
        let key = status["clientKeyData"]?.string
        if let certificate, let key {
            credential.identity = try TLSIdentity(
                certificate: PEM(bytes: Array(certificate.utf8), origin: "the certificate from \(command)"),
                key: PEM(bytes: Array(key.utf8), origin: "the key from \(command)"))
        } else if certificate != nil || key != nil {
            throw failure("printed a client certificate or a key, but not both")
        }
        guard credential.authorization != nil || credential.identity != nil else {
            throw failure("printed neither a token nor a client certificate")
        }
        if let text = status["expirationTimestamp"]?.string {
            guard let date = try? Date(text, strategy: .iso8601) else {
                throw failure("printed an expirationTimestamp that is no RFC 3339 time")
            }
            credential.expires = date
        }
        return credential
    }

    /// The end of what a plugin complained, without what looks like a token.
    static func lastLine(of output: [UInt8]) -> String {
        let line = String(decoding: output, as: UTF8.self).split(separator: "\n").last.map(String.init) ?? ""
        let words = line.split(separator: " ").map { word in
            word.utf8.count > 40 && !word.hasPrefix("/") && !word.hasPrefix("http") ? "…" : String(word)
        }
        return words.joined(separator: " ").excerpt(200)
    }

    private static func describe(_ connection: ClusterConnection) -> String {
        var fields = [#""server":\#(JSONText.quoted(connection.server))"#]
        if let name = connection.serverName { fields.append(#""tls-server-name":\#(JSONText.quoted(name))"#) }
        if connection.skipsVerification { fields.append(#""insecure-skip-tls-verify":true"#) }
        if let authority = connection.authority {
            let data = Data(authority.bytes).base64EncodedString()
            fields.append(#""certificate-authority-data":"\#(data)""#)
        }
        return "{\(fields.joined(separator: ","))}"
    }
}

enum JSONText {
    /// `text` as a JSON string with its quotes.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case let control where control.value < 0x20:
                let hex = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
