// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Synchronization

/// A headless Chromium, driven through chromedriver (W3C WebDriver and Chromium's own commands).
package final class Chromium: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    private static let places = ["/usr/bin", "/usr/local/bin", "/usr/lib/chromium"]

    private static func find(_ name: String) -> String? {
        places.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// False, with a line on the terminal, when the tests that need it are to be skipped.
    package static let isInstalled: Bool = {
        if find("chromium") != nil, find("chromedriver") != nil { return true }
        print("SKIPPED: the tests in a browser need Debian's packages chromium and chromium-driver")
        return false
    }()

    private let driver: Int32
    private let base: String
    private let session: Mutex<String>

    /// Starts a driver and a browser of its own, with its profile in `folder`.
    package init(folder: String) async throws {
        guard let driverPath = Self.find("chromedriver"), let browserPath = Self.find("chromium") else {
            throw Failure(description: "Chromium is not installed")
        }
        var started: (driver: Int32, port: Int)?
        var attempts = 0
        // A port that the system chose may be taken again before the driver has it.
        while started == nil {
            attempts += 1
            do { started = try await Self.start(driverPath) } catch { if attempts == 5 { throw error } }
        }
        driver = started?.driver ?? 0
        base = "http://127.0.0.1:\(started?.port ?? 0)"
        session = Mutex("")
        let options: [String: Any] = [
            "binary": browserPath,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--user-data-dir=\(folder)/chromium", "--window-size=1280,900", "--hide-scrollbars",
            ],
        ]
        let answer = try await call(
            "POST", "/session",
            ["capabilities": ["alwaysMatch": ["acceptInsecureCerts": true, "goog:chromeOptions": options]]])
        guard let id = (answer as? [String: Any])?["sessionId"] as? String else {
            throw Failure(description: "chromedriver gave no session")
        }
        session.withLock { $0 = id }
    }

    /// Ends the browser and its driver. Call it whatever happened before.
    package func quit() async {
        _ = try? await command("DELETE", "")
        // The driver inherits a mask that blocks gentler signals.
        kill(driver, SIGKILL)
    }

    private static func start(_ driverPath: String) async throws -> (driver: Int32, port: Int) {
        let process = Process()
        process.executableURL = URL(filePath: driverPath)
        process.arguments = ["--port=0"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let reading = output.fileHandleForReading
        let port = try await withCheckedThrowingContinuation { continuation in
            // Reading blocks, which a thread of Swift's own must not.
            DispatchQueue.global().async { continuation.resume(with: Result { try Self.port(reading) }) }
        }
        return (process.processIdentifier, port)
    }

    /// Reads what the driver prints until it names its port.
    private static func port(_ output: FileHandle) throws -> Int {
        var text = ""
        while true {
            let data = output.availableData
            guard !data.isEmpty else { throw Failure(description: "chromedriver did not start: \(text)") }
            text += String(decoding: data, as: UTF8.self)
            guard let range = text.range(of: "successfully on port ") else { continue }
            let digits = text[range.upperBound...].prefix { $0.isNumber }
            if let port = Int(digits), text[range.upperBound...].count > digits.count { return port }
        }
    }

    // MARK: Commands

    private func command(_ method: String, _ path: String, _ body: [String: Any] = [:]) async throws -> Any {
        try await call(method, "/session/\(session.withLock { $0 })\(path)", body)
    }

    private func call(_ method: String, _ path: String, _ body: [String: Any]) async throws -> Any {
        var request = HTTPClientRequest(url: base + path)
        request.method = .RAW(value: method)
        if method == "POST" {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(data: try JSONSerialization.data(withJSONObject: body)))
        }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        // Pictures come as text inside JSON.
        let data = Data(buffer: try await response.body.collect(upTo: 64 << 20))
        let value = (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["value"]
        if let problem = value as? [String: Any], let error = problem["error"] as? String {
            throw Failure(description: "\(path): \(error): \(problem["message"] as? String ?? "")")
        }
        return value ?? NSNull()
    }

    /// One of Chromium's own commands (DevTools protocol).
    private func devTools(_ name: String, _ parameters: [String: Any]) async throws -> Any {
        try await command("POST", "/goog/cdp/execute", ["cmd": name, "params": parameters])
    }

    // MARK: Pages

    package func open(_ address: String) async throws { _ = try await command("POST", "/url", ["url": address]) }

    package func address() async throws -> String { try await command("GET", "/url") as? String ?? "" }

    /// Makes the page this large, also smaller than a window can be.
    package func resize(width: Int, height: Int) async throws {
        _ = try await devTools(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
    }

    /// Shows pages as on a dark or a light system.
    package func useDarkScheme(_ dark: Bool) async throws {
        _ = try await devTools(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]]])
    }

    /// Runs JavaScript with a `return` and gives its value as text.
    package func script(_ text: String) async throws -> String {
        let value = try await command("POST", "/execute/sync", ["script": text, "args": [String]()])
        switch value {
        case let text as String: return text
        case let number as NSNumber: return "\(number)"
        case is NSNull: return ""
        default: return "\(value)"
        }
    }

    /// Whether a JavaScript expression holds.
    package func holds(_ expression: String) async throws -> Bool {
        try await script("return (\(expression)) ? 'yes' : 'no'") == "yes"
    }

    /// Waits until a JavaScript expression holds, across page loads.
    package func wait(until expression: String, seconds: Int = 20) async throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < end {
            if (try? await holds(expression)) == true { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let place = try await address()
        throw Failure(description: "waited \(seconds) s in vain at \(place) for: \(expression)")
    }

    /// The text that a reader sees in the first element that a CSS selector finds.
    package func text(_ selector: String) async throws -> String {
        try await command("GET", "/element/\(try await element(selector))/text") as? String ?? ""
    }

    package func click(_ selector: String) async throws {
        _ = try await command("POST", "/element/\(try await element(selector))/click")
    }

    /// Types into a field after emptying it.
    package func type(_ text: String, into selector: String) async throws {
        let element = try await element(selector)
        _ = try await command("POST", "/element/\(element)/clear")
        _ = try await command("POST", "/element/\(element)/value", ["text": text])
    }

    /// Chooses an entry of a drop-down field as a person does.
    package func choose(_ value: String, in selector: String) async throws {
        _ = try await script(
            """
            const field = document.querySelector(\(Self.quoted(selector)));
            field.value = \(Self.quoted(value));
            field.dispatchEvent(new Event('change', { bubbles: true }));
            return ''
            """)
    }

    package func acceptDialog() async throws { _ = try await command("POST", "/alert/accept") }

    private func element(_ selector: String) async throws -> String {
        let found = try await command("POST", "/element", ["using": "css selector", "value": selector])
        guard let id = (found as? [String: String])?.values.first else {
            throw Failure(description: "there is no \(selector)")
        }
        return id
    }

    /// A picture of the whole page, also of what is below the window, as a PNG file.
    package func screenshot(to file: String) async throws {
        let answer = try await devTools("Page.captureScreenshot", ["captureBeyondViewport": true])
        guard let text = (answer as? [String: Any])?["data"] as? String, let data = Data(base64Encoded: text) else {
            throw Failure(description: "no picture")
        }
        let url = URL(filePath: file)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
    }

    private static func quoted(_ text: String) -> String {
        let data = (try? JSONSerialization.data(withJSONObject: [text])) ?? Data("[\"\"]".utf8)
        return String(String(decoding: data, as: UTF8.self).dropFirst().dropLast())
    }
}
