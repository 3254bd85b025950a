// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import Logging
import Mustache

/// The templates and files that are embedded in the program, and the frame that every page stands in.
struct PageRenderer: Sendable {
    struct Asset: Sendable {
        var text: String
        var mediaType: String
        /// Changes with the text, so that browsers may keep it for long.
        var version: String
    }

    private let library: MustacheLibrary
    let assets: [String: Asset]

    init(files: [(path: String, text: String)] = EmbeddedPages.files) throws {
        var library = MustacheLibrary()
        var assets: [String: Asset] = [:]
        for (path, text) in files {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            if name.hasSuffix(".mustache") {
                do { try library.register(text, named: String(name.dropLast(9))) } catch {
                    throw ConsoleError(.internal, "The template \(name) cannot be read.", cause: error)
                }
            } else if let type = Self.mediaType(name) {
                let version = String(Secrets.hex(Secrets.hash(text)).prefix(12))
                assets[name] = Asset(text: text, mediaType: type, version: version)
            }
        }
        (self.library, self.assets) = (library, assets)
    }

    private static func mediaType(_ name: String) -> String? {
        switch name.split(separator: ".").last {
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        default: nil
        }
    }

    func link(_ asset: String) -> String { "/static/\(asset)?v=\(assets[asset]?.version ?? "0")" }

    /// A page: the template's content inside the frame.
    func page(
        _ template: String, title: String, _ call: Call, _ parts: ConsoleParts, status: HTTPResponse.Status = .ok,
        _ model: [String: PageValue]
    ) -> Response {
        var all = model
        all["title"] = .text(title)
        all["style"] = .text(link("console.css"))
        all["script"] = .text(link("console.js"))
        all["icon"] = .text(link("icon.svg"))
        all["version"] = .text(parts.version)
        all["scope"] = .text(parts.control.scope)
        all["notice"] = Notice.text(call.query["done"])
        if let identity = call.identity, case .session(_, let formToken) = identity.means {
            all["person"] = [
                "name": .text(identity.account.name), "role": .text(identity.role.rawValue),
            ]
            all["csrf"] = .text(formToken)
            all["administrator"] = .flag(identity.role == .administrator)
            all["navigation"] = Navigation.items(call.target, role: identity.role)
        } else {
            all["person"] = PageValue.none
            all["administrator"] = false
        }
        guard let text = library.render(PageValue.map(all).rendered, withTemplate: template) else {
            parts.logger.error("There is no template for a page", metadata: ["template": "\(template)"])
            return Reply.text("This page cannot be shown.\n", status: .internalServerError)
        }
        return Reply.html(text, status: status)
    }
}

/// The menu.
enum Navigation {
    private static let entries: [(path: String, title: String, role: Role)] = [
        ("/", "Overview", .viewer), ("/findings", "Findings", .viewer), ("/workloads", "Workloads", .viewer),
        ("/images", "Images", .viewer), ("/vulnerabilities", "Vulnerabilities", .viewer),
        ("/policies", "Pod policies", .viewer), ("/constraints", "Constraints", .viewer),
        ("/decisions", "Decisions", .viewer), ("/checks", "Checks", .viewer),
        ("/reports", "Reports", .viewer), ("/exemptions", "Exemptions", .viewer),
        ("/schedule", "Schedule", .viewer), ("/accounts", "Accounts", .administrator),
        ("/tokens", "API tokens", .administrator),
    ]

    static func items(_ target: String, role: Role) -> PageValue {
        let path = target.prefix { $0 != "?" }
        return .list(
            entries.filter { $0.role <= role }.map { entry in
                let isHere = path == entry.path || (entry.path != "/" && path.hasPrefix(entry.path + "/"))
                return ["path": .text(entry.path), "title": .text(entry.title), "here": .flag(isHere)]
            })
    }
}

/// What a page says after a form was accepted. The address names one of these texts, so that nobody can make a link
/// that puts words into the console's mouth.
enum Notice: String {
    case inspecting
    case busy
    case status
    case exempted
    case unexempted
    case scheduled
    case unscheduled
    case accountAdded
    case accountChanged
    case accountRemoved
    case password
    case revoked
    case bound
    case unbound
    case policyOn
    case policyOff
    case namespaceOn
    case namespaceOff
    case controlOn
    case controlOff
    case rescan
    case rescanWaits

    static func text(_ name: String?) -> PageValue {
        switch name.flatMap(Notice.init(rawValue:)) {
        case .inspecting: "The inspection has begun."
        case .busy: "An inspection is running already."
        case .status: "The finding's state was changed."
        case .exempted: "The exemption is in force."
        case .unexempted: "The exemption was removed."
        case .scheduled: "The schedule is in force."
        case .unscheduled: "Inspections no longer begin by themselves."
        case .accountAdded: "The account was added."
        case .accountChanged: "The account was changed and is logged out everywhere."
        case .accountRemoved: "The account was removed with its sessions and tokens."
        case .password: "The password was changed. Other sessions of this account have ended."
        case .revoked: "The token no longer works."
        case .bound: "The policy is bound."
        case .unbound: "The binding was removed."
        case .policyOn: "The policy is in force."
        case .policyOff: "The policy is switched off: it is bound to nobody."
        case .namespaceOn: "Pods of the namespace are judged again."
        case .namespaceOff: "Pods of the namespace are no longer judged."
        case .controlOn: "Admission judges again."
        case .controlOff: "Admission judges nothing until it is switched on again."
        case .rescan: "The image is in the queue, in front of the others."
        case .rescanWaits: "The image waits for its scan already."
        case nil: .none
        }
    }
}
