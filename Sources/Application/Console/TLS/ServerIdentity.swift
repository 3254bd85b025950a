// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// The certificate and key that the console serves: given as files, or made by itself. Connections that begin after a
/// renewal get the new ones; nothing has to be started again.
final class ServerIdentity: Sendable {
    enum Source: Sendable {
        case selfIssued(file: String, names: [String])
        case files(certificate: String, key: String)
    }

    private struct Material: Sendable {
        var chain: [NIOSSLCertificate]
        var key: NIOSSLPrivateKey
        /// What tells whether the files changed.
        var stamp: String
    }

    private let source: Source
    private let logger: Logger
    private let material: Mutex<Material>

    init(source: Source, logger: Logger, now: Int64) throws {
        self.source = source
        self.logger = logger
        self.material = Mutex(try Self.load(source, logger: logger, now: now))
    }

    /// The leaf being served, for tests and for the log.
    var leaf: NIOSSLCertificate? { material.withLock { $0.chain.first } }

    /// SHA-256 of the leaf's DER encoding, as pairs of hexadecimal digits with colons.
    var fingerprint: String {
        guard let bytes = try? leaf?.toDERBytes() else { return "" }
        return SHA256.hash(data: bytes).map { Secrets.hex([$0]).uppercased() }.joined(separator: ":")
    }

    /// Renews or reads anew what needs it. A pair that cannot be used is logged, and the old one is served on.
    func refresh(now: Int64) {
        do {
            switch source {
            case .selfIssued:
                break
            case .files(let certificate, let key):
                let stamp = try Self.stamp(certificate, key)
                guard material.withLock({ $0.stamp }) != stamp else { return }
            }
            let fresh = try Self.load(source, logger: logger, now: now)
            material.withLock { $0 = fresh }
        } catch {
            logger.error(
                "The console's certificate could not be renewed; the old one stays",
                metadata: [
                    "error": "\(error)"
                ])
        }
    }

    /// TLS 1.2 and later, asking for the certificate at every handshake.
    func tlsConfiguration() -> TLSConfiguration {
        let (chain, key) = material.withLock { ($0.chain, $0.key) }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.sslContextCallback = { [self] _, promise in
            let (chain, key) = material.withLock { ($0.chain, $0.key) }
            var change = NIOSSLContextConfigurationOverride()
            change.certificateChain = chain.map { .certificate($0) }
            change.privateKey = .privateKey(key)
            promise.succeed(change)
        }
        return configuration
    }

    private static func load(_ source: Source, logger: Logger, now: Int64) throws -> Material {
        switch source {
        case .selfIssued(let file, let names):
            let pem = try SelfIssuedCertificate.current(file: file, names: names, now: now, logger: logger)
            return Material(
                chain: try NIOSSLCertificate.fromPEMBytes(Array(pem.certificate.utf8)),
                key: try NIOSSLPrivateKey(bytes: Array(pem.key.utf8), format: .pem), stamp: "")
        case .files(let certificate, let key):
            let stamp = try stamp(certificate, key)
            let chain: [NIOSSLCertificate]
            do { chain = try NIOSSLCertificate.fromPEMFile(certificate) } catch {
                throw ConsoleError(.unavailable, "\(certificate) holds no PEM certificates.", cause: error)
            }
            guard !chain.isEmpty else { throw ConsoleError(.unavailable, "\(certificate) holds no certificate.") }
            let privateKey: NIOSSLPrivateKey
            do { privateKey = try NIOSSLPrivateKey(file: key, format: .pem) } catch {
                throw ConsoleError(.unavailable, "\(key) holds no PEM private key without a password.", cause: error)
            }
            // A key that is not the certificate's must be refused here, not at every handshake.
            do {
                _ = try NIOSSLContext(
                    configuration: .makeServerConfiguration(
                        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey)))
            } catch {
                throw ConsoleError(.unavailable, "\(key) is not the key of \(certificate).", cause: error)
            }
            return Material(chain: chain, key: privateKey, stamp: stamp)
        }
    }

    private static func stamp(_ files: String...) throws -> String {
        try files.map { file in
            do {
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: URL(fileURLWithPath: file).resolvingSymlinksInPath().path)
                let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
                return "\(attributes[.systemFileNumber] ?? 0) \(attributes[.size] ?? 0) \(changed)"
            } catch {
                throw ConsoleError(.unavailable, "\(file) cannot be read.", cause: error)
            }
        }.joined(separator: ";")
    }
}
