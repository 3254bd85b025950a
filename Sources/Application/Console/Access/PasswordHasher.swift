// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Dispatch

/// Hashes passwords by scrypt (RFC 7914) on threads of its own, few at a time: each run needs 32 MB and a core.
package actor PasswordHasher {
    /// N is `1 << cost`. 15, 8, 1 takes 32 MB and about a tenth of a second.
    struct Parameters: Sendable, Equatable {
        var cost = 15
        var blockSize = 8
        var parallelism = 1
    }

    private static let saltLength = 16
    private static let hashLength = 32

    private let parameters: Parameters
    private let limit: Int
    private let queueLimit: Int
    private let queue = DispatchQueue(label: "bulwark.console.passwords", attributes: .concurrent)
    private var running = 0
    private var waiting: [CheckedContinuation<Void, Never>] = []

    package init(limit: Int = 2, queueLimit: Int = 32) {
        self.init(parameters: Parameters(), limit: limit, queueLimit: queueLimit)
    }

    init(parameters: Parameters, limit: Int = 2, queueLimit: Int = 32) {
        self.parameters = parameters
        self.limit = limit
        self.queueLimit = queueLimit
    }

    /// `scrypt$COST$BLOCK$PARALLELISM$SALT$HASH`, salt and hash in hexadecimal digits.
    func hash(_ password: String) async throws -> String {
        let (salt, parameters) = (Secrets.randomBytes(Self.saltLength), parameters)
        let hash = try await run { try Self.derive(password, salt: salt, parameters) }
        return "scrypt$\(parameters.cost)$\(parameters.blockSize)$\(parameters.parallelism)"
            + "$\(Secrets.hex(salt))$\(Secrets.hex(hash))"
    }

    /// Whether `password` is what `stored` was made of. With a `stored` that is nil or not of ours it takes as long and
    /// says no, so that the time tells nobody which accounts exist.
    func verify(_ password: String, stored: String?) async throws -> Bool {
        let parsed = stored.flatMap(Self.parse)
        let parameters = parsed?.parameters ?? parameters
        let salt = parsed?.salt ?? Array(repeating: 0, count: Self.saltLength)
        let hash = try await run { try Self.derive(password, salt: salt, parameters) }
        guard let parsed else { return false }
        return Secrets.equal(hash, parsed.hash)
    }

    private static func derive(_ password: String, salt: [UInt8], _ parameters: Parameters) throws -> [UInt8] {
        try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: hashLength, rounds: 1 << parameters.cost,
            blockSize: parameters.blockSize, parallelism: parameters.parallelism
        ).withUnsafeBytes { Array($0) }
    }

    private static func parse(_ text: String) -> (parameters: Parameters, salt: [UInt8], hash: [UInt8])? {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0] == "scrypt", let cost = Int(parts[1]), let block = Int(parts[2]),
            let parallelism = Int(parts[3]), (1...20).contains(cost), (1...16).contains(block),
            (1...4).contains(parallelism), let salt = Secrets.bytes(hex: parts[4]),
            let hash = Secrets.bytes(hex: parts[5]), salt.count == saltLength, hash.count == hashLength
        else { return nil }
        return (Parameters(cost: cost, blockSize: block, parallelism: parallelism), salt, hash)
    }

    private func run(_ work: @escaping @Sendable () throws -> [UInt8]) async throws -> [UInt8] {
        if running >= limit {
            guard waiting.count < queueLimit else {
                throw ConsoleError(.unavailable, "Too many people log in at once. Try again shortly.", retryAfter: 2)
            }
            await withCheckedContinuation { waiting.append($0) }
        } else {
            running += 1
        }
        defer {
            // The slot goes to who waits longest, so it is not free in between.
            if waiting.isEmpty { running -= 1 } else { waiting.removeFirst().resume() }
        }
        let queue = queue
        return try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }
}
