// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import FoundationEssentials
import NIOSSL

/// Where a cluster is, how its server proves itself, and as whom we come.
package struct ClusterConnection: Sendable {
    /// The cluster's name in the kubeconfig; `in-cluster` for a pod's own.
    package var cluster: String
    package var context: String
    /// `https://host:port/prefix` without a slash at the end.
    package var server: String
    /// The context's namespace, for what names none.
    package var namespace: String
    /// Who we are and where that is written, for messages: `user admin of /root/.kube/config`.
    package var user: String

    var authority: PEM?
    var skipsVerification = false
    /// The name to expect in the server's certificate instead of the URL's host.
    var serverName: String?
    var proxy: Proxy?
    var credentials: CredentialSource
    /// `Impersonate-…` headers.
    var impersonation: [(name: String, value: String)] = []

    struct Proxy: Sendable {
        var host: String
        var port: Int
        var isSOCKS: Bool
        var login: (user: String, password: Secret)?
    }

    /// The cluster that a user means: the kubeconfig at `kubeconfig`, or the default ones, or the pod's own cluster.
    /// - Throws: `noKubeconfig` when there is none of these.
    package static func resolve(
        kubeconfig: String? = nil, context: String? = nil, environment: [String: String]
    ) throws -> ClusterConnection {
        if let config = try Kubeconfig.load(path: kubeconfig, environment: environment) {
            return try config.connection(context: context)
        }
        if context == nil, let own = try inCluster(environment: environment) { return own }
        throw KubernetesError(
            .noKubeconfig,
            "no cluster is configured: there is no ~/.kube/config, KUBECONFIG is not set and this is not a pod")
    }

    /// The cluster that this process runs in as a pod, by its service account; nil outside one.
    /// - Parameter folder: where the token and the authority are mounted.
    package static func inCluster(
        environment: [String: String], folder: String = "/var/run/secrets/kubernetes.io/serviceaccount"
    ) throws -> ClusterConnection? {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            FileManager.default.fileExists(atPath: folder + "/token")
        else { return nil }
        let port = environment["KUBERNETES_SERVICE_PORT"] ?? "443"
        let authority = folder + "/ca.crt"
        var connection = ClusterConnection(
            cluster: "in-cluster", context: "", server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
            namespace: "default", user: "the pod's service account (\(folder)/token)",
            credentials: CredentialSource(.tokenFile(folder + "/token")))
        connection.authority = PEM(
            bytes: try readFile(authority, limit: 4 << 20, what: "the cluster's authority"), origin: authority)
        if let own = try? readFile(folder + "/namespace", limit: 4096, what: "namespace") {
            connection.namespace = String(decoding: own, as: UTF8.self).trimmed
        }
        return connection
    }

    init(
        cluster: String, context: String, server: String, namespace: String, user: String,
        credentials: CredentialSource
    ) {
        self.cluster = cluster
        self.context = context
        self.server = server
        self.namespace = namespace
        self.user = user
        self.credentials = credentials
    }

    /// The `cluster` half of a kubeconfig.
    init(cluster fields: ConfigFields) throws {
        guard let text = try fields.string("server"), !text.isEmpty else {
            throw fields.error("has no server", what: "cluster")
        }
        guard let url = URL(string: text), let host = url.host, !host.isEmpty, let scheme = url.scheme?.lowercased(),
            url.user == nil, url.query == nil, url.fragment == nil
        else { throw fields.error("has a server that is no address: \(text.excerpt(100))", what: "cluster") }
        guard scheme == "https" || scheme == "http" else {
            throw fields.error("has a server with the scheme \(scheme.excerpt(20)); expected https", what: "cluster")
        }
        var server = text
        while server.hasSuffix("/") { server.removeLast() }
        self.init(
            cluster: fields.entry.name, context: "", server: server, namespace: "default",
            user: "nobody (the context names no user)", credentials: CredentialSource(.none))
        authority = try fields.pem("certificate-authority", data: "certificate-authority-data")
        skipsVerification = try fields.bool("insecure-skip-tls-verify")
        if let name = try fields.string("tls-server-name"), !name.isEmpty { serverName = name }
        if let text = try fields.string("proxy-url"), !text.isEmpty {
            proxy = try Proxy(text, fields)
        }
    }

    /// The `user` half of a kubeconfig.
    mutating func authenticate(as fields: ConfigFields) throws {
        user = "user \(fields.entry.name.excerpt(100)) of \(fields.entry.file)"
        if let provider = fields["auth-provider"] {
            let name = provider["name"]?.string?.excerpt(60) ?? "?"
            throw fields.error(
                "uses the auth-provider \(name), which Kubernetes removed in 1.26; use an exec plugin", what: "user",
                code: .unsupported)
        }
        let certificate = try fields.pem("client-certificate", data: "client-certificate-data")
        let key = try fields.pem("client-key", data: "client-key-data")
        var identity: TLSIdentity?
        switch (certificate, key) {
        case (let certificate?, let key?): identity = try TLSIdentity(certificate: certificate, key: key)
        case (nil, nil): break
        case (_?, nil): throw fields.error("has a client certificate but no client key", what: "user")
        case (nil, _?): throw fields.error("has a client key but no client certificate", what: "user")
        }
        credentials = CredentialSource(try Self.source(fields, connection: self), identity: identity)
        try impersonate(fields)
    }

    private static func source(_ fields: ConfigFields, connection: ClusterConnection) throws -> CredentialSource.Kind {
        // kubectl's order: the file's content wins over the token beside it, both win over a plugin.
        if let file = try fields.string("tokenFile"), !file.isEmpty { return .tokenFile(fields.path(file)) }
        if let token = try fields.string("token"), !token.isEmpty { return .token(Secret(token.trimmed)) }
        if let user = try fields.string("username"), !user.isEmpty {
            let login = user + ":" + (try fields.string("password") ?? "")
            return .basic(Secret(Data(login.utf8).base64EncodedString()))
        }
        if let exec = fields["exec"] { return .exec(try ExecPlugin(exec, fields, connection)) }
        return .none
    }

    private mutating func impersonate(_ fields: ConfigFields) throws {
        if let user = try fields.string("as"), !user.isEmpty {
            impersonation.append(("Impersonate-User", user))
            for group in fields["as-groups"]?.elements.compactMap(\.string) ?? [] {
                impersonation.append(("Impersonate-Group", group))
            }
        } else if fields["as-groups"] != nil {
            throw fields.error("has as-groups without as", what: "user")
        }
    }
}

extension ClusterConnection.Proxy {
    fileprivate init(_ text: String, _ fields: ConfigFields) throws {
        guard let url = URL(string: text), let host = url.host, !host.isEmpty else {
            throw fields.error("has a proxy-url that is no address", what: "cluster")
        }
        let scheme = url.scheme?.lowercased() ?? ""
        guard scheme == "http" || scheme == "socks5" else {
            throw fields.error(
                "has a proxy-url with the scheme \(scheme.excerpt(20)); only http and socks5 are supported",
                what: "cluster", code: .unsupported)
        }
        self.host = host
        isSOCKS = scheme == "socks5"
        port = url.port ?? (isSOCKS ? 1080 : 80)
        if let user = url.user {
            guard !isSOCKS else {
                throw fields.error(
                    "has a socks5 proxy-url with a login, which is not supported", what: "cluster",
                    code: .unsupported)
            }
            login = (user, Secret(url.password ?? ""))
        }
    }
}

extension String {
    /// Without blanks and line ends around it.
    var trimmed: String {
        let blank: (Character) -> Bool = { $0 == " " || $0 == "\n" || $0 == "\r" || $0 == "\t" || $0 == "\r\n" }
        guard let first = firstIndex(where: { !blank($0) }), let last = lastIndex(where: { !blank($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
