// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOSSL

/// What one side of the record channel needs of certificates, all of it PEM.
package struct RecordCertificates: Sendable, Equatable {
    /// Who signs the other side's certificates. One or more.
    package var authorities: String
    /// Our own chain, the leaf first.
    package var certificate: String
    package var key: String

    package init(authorities: String, certificate: String, key: String) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    private struct Parts {
        var roots: [NIOSSLCertificate]
        var chain: [NIOSSLCertificateSource]
        var key: NIOSSLPrivateKeySource
    }

    private func parts() throws -> Parts {
        do {
            let roots = try NIOSSLCertificate.fromPEMBytes(Array(authorities.utf8))
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8))
            guard !roots.isEmpty, !chain.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            return Parts(
                roots: roots, chain: chain.map { .certificate($0) },
                key: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
        } catch {
            throw AdmissionError(.certificate, "the certificates for handing over records cannot be used", cause: error)
        }
    }

    func clientConfiguration() throws -> TLSConfiguration {
        let parts = try parts()
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.trustRoots = .certificates(parts.roots)
        configuration.certificateChain = parts.chain
        configuration.privateKey = parts.key
        return configuration
    }

    /// Only clients with a certificate of one of the authorities get in. BoringSSL looks at its validity and, as a
    /// server does, at its extended key usage.
    func serverConfiguration() throws -> TLSConfiguration {
        let parts = try parts()
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: parts.chain, privateKey: parts.key)
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.trustRoots = .certificates(parts.roots)
        configuration.certificateVerification = .noHostnameVerification
        return configuration
    }
}
