// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import NIOCore
import NIOSSL
import Synchronization

/// The certificate that a server presents. After `replace`, connections that begin get the new one; those that are open
/// go on.
package final class ServedCertificate: Sendable {
    private struct Material: Sendable {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
    }

    private let material: Mutex<Material>

    /// - Parameters:
    ///   - chain: PEM, the leaf first.
    ///   - key: PEM.
    /// - Throws: `certificate` when they cannot be read or do not belong together.
    package init(chain: String, key: String) throws {
        material = Mutex(try Self.material(chain, key))
    }

    package func replace(chain: String, key: String) throws {
        let fresh = try Self.material(chain, key)
        material.withLock { $0 = fresh }
    }

    package var leaf: NIOSSLCertificate? { material.withLock { $0.chain.first } }

    /// TLS 1.2 and later, HTTP/1.1. With `clientAuthorities`, only clients with a certificate of one of them get in.
    package func tlsConfiguration(clientAuthorities: [NIOSSLCertificate] = []) -> TLSConfiguration {
        let (chain, key) = material.withLock { ($0.chain, $0.key) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if !clientAuthorities.isEmpty {
            configuration.trustRoots = .certificates(clientAuthorities)
            configuration.certificateVerification = .noHostnameVerification
        }
        configuration.sslContextCallback = { [self] _, promise in
            let (chain, key) = material.withLock { ($0.chain, $0.key) }
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = chain.map { .certificate($0) }
            change.privateKey = .privateKey(key)
            promise.succeed(change)
        }
        return configuration
    }

    private static func material(_ chain: String, _ key: String) throws -> Material {
        do {
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(chain.utf8))
            guard !chain.isEmpty else { throw AdmissionError(.certificate, "there is no certificate") }
            let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
            // A key that is not the certificate's must be refused here, not at every handshake.
            _ = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
            return Material(chain: chain, key: key)
        } catch let error as AdmissionError {
            throw error
        } catch {
            throw AdmissionError(.certificate, "the certificate and its key cannot be used", cause: error)
        }
    }
}
