// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import ImageScanning
import Inventory
import OCI
import Secrets

/// Where an image or folder comes from, and how it is read: shared by all verbs of `bulwark image`.
struct ImageOptions: ParsableArguments {
    @Option(
        name: .long, help: "Of an image for several platforms: linux/arm64, linux/arm/v7. This machine's unless set.")
    var platform: String?

    @Option(name: .long, help: "Of an archive or layout with several images: the name or tag of one.")
    var imageName: String?

    @Option(name: .long, help: "A registry to ask before the image's own: HOST[:PORT]. Repeatable, asked in turn.")
    var mirror: [String] = []

    @Option(name: .long, help: "PEM file with authorities that registries are trusted by, besides the system's.")
    var registryCa: String?

    @Flag(name: .long, help: "Ask registries without TLS, or without checking their certificates.")
    var insecure = false

    @Flag(name: .long, help: "Read every layer anew, also those that were read before.")
    var noCache = false

    @Flag(name: .long, help: "Take lock files as signs of packages, as for source trees.")
    var lockFiles = false

    @Option(
        name: .long,
        help:
            "For fetching and reading one image: 90s, 30m, 2h. What was read by then is reported, and the status is 3.")
    var timeout = TimeLimitArgument(seconds: 1800)

    private func sources() throws -> ImageSourceOptions {
        var options = ImageSourceOptions()
        options.imageName = imageName
        if let platform {
            do throws(OCIError) { options.platform = try ImagePlatform(platform) } catch {
                throw UserError("--platform: \(error)")
            }
        }
        options.registry.authorities = registryCa
        options.registry.allowsPlainHTTP = insecure
        options.registry.skipsVerification = insecure
        if !mirror.isEmpty { options.registry.mirrors["*"] = mirror }
        return options
    }

    /// Reads an image, an archive of one, or a folder.
    ///
    /// - Parameter contentName: names what looks into the contents, for the cache; nil for what must not be kept.
    func read(
        _ name: String, content: ContentScanners = .none, contentName: String? = "none"
    ) async throws -> ImageReport {
        let deadline = ScanDeadline(after: .seconds(timeout.seconds), text: timeout.defaultValueDescription)
        if let folder = Self.folder(name) { return try read(folder: folder, name: name, content, deadline) }
        let sources = try sources()
        do throws(OCIError) {
            let image = try await deadline.limit { () async throws(OCIError) in
                try await ImageSources.open(name, sources)
            }
            var scanner = ImageScanner()
            scanner.deadline = deadline
            if !noCache, let contentName {
                scanner.cache = LayerCache.standard?.of(contentName + (lockFiles ? "-declared" : ""))
            }
            scanner.layers.content = content
            if lockFiles { scanner.layers.evidence = .declared }
            scanner.width = max(ProcessInfo.processInfo.activeProcessorCount, 1)
            var report = ImageReport(image, await scanner.inventory(of: image))
            if content.judgesBehaviour, let secrets = content.secrets ?? Self.secrets() {
                report.judge(image.configuration, secrets: secrets)
            }
            return report
        } catch {
            throw UserError("\(name): \(error)", Self.status(error))
        }
    }

    /// Configurations hold credentials too.
    private static func secrets() -> SecretScanner? { try? SecretScanner.standard() }

    private func read(
        folder: String, name: String, _ content: ContentScanners, _ deadline: ScanDeadline
    ) throws -> ImageReport {
        var scanner = FolderScanner()
        scanner.deadline = deadline
        scanner.content = content
        // A tree without a distribution is somebody's source: what it says it will be built from is what it has.
        let isSystem = Distribution.paths.contains { FileManager.default.fileExists(atPath: folder + "/" + $0) }
        if lockFiles || !isSystem { scanner.evidence = .declared }
        do throws(ScanError) {
            return ImageReport(name: name, inventory: ImageInventory(folder: try scanner.scan(folder)))
        } catch {
            throw UserError("\(error)")
        }
    }

    /// The folder that a name means; nil for files, for layouts of images and for what is not there.
    private static func folder(_ name: String) -> String? {
        if name.hasPrefix("dir:") { return String(name.dropFirst(4)) }
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: name, isDirectory: &isFolder), isFolder.boolValue,
            !FileManager.default.fileExists(atPath: name + "/oci-layout")
        else { return nil }
        return name
    }

    /// Wrong usage and files that cannot be read are the user's to mend; the rest may go well the next time.
    private static func status(_ error: OCIError) -> ExitStatus {
        switch error.code {
        case .malformed, .notFound, .unreadable, .unsupported, .tooLarge: .unreadable
        default: .unfinished
        }
    }
}
