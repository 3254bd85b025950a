// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOSSL

/// A client certificate chain and its key, checked to be readable and to belong together.
struct TLSIdentity: Sendable {
    var chain: [NIOSSLCertificateSource]
    var key: NIOSSLPrivateKeySource

    init(certificate: PEM, key: PEM) throws {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(certificate.bytes)
        } catch {
            throw KubernetesError(.unreadableFile, "\(certificate.origin) holds no PEM certificate", cause: error)
        }
        let privateKey: NIOSSLPrivateKey
        do {
            privateKey = try NIOSSLPrivateKey(bytes: key.bytes, format: .pem)
        } catch {
            throw KubernetesError(.unreadableFile, "\(key.origin) holds no PEM private key without a passphrase")
        }
        self.chain = chain.map { .certificate($0) }
        self.key = .privateKey(privateKey)
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = self.chain
        configuration.privateKey = self.key
        do {
            _ = try NIOSSLContext(configuration: configuration)
        } catch {
            throw KubernetesError(
                .unreadableFile, "\(certificate.origin) and \(key.origin) do not belong together", cause: error)
        }
    }
}

extension ClusterConnection {
    /// What the HTTP client needs to know about TLS, with `identity` as the client certificate.
    func tlsConfiguration(identity: TLSIdentity?) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if skipsVerification {
            configuration.certificateVerification = .none
        } else if let authority {
            do {
                let roots = try NIOSSLCertificate.fromPEMBytes(authority.bytes)
                guard !roots.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
                configuration.trustRoots = .certificates(roots)
            } catch {
                throw KubernetesError(.unreadableFile, "\(authority.origin) holds no PEM certificate", cause: error)
            }
        }
        if let identity {
            configuration.certificateChain = identity.chain
            configuration.privateKey = identity.key
        }
        return configuration
    }
}
