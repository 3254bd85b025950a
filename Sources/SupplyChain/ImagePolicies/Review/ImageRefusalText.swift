// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// What people are told about images that a policy does not accept: which container, which image, what was found, by which
/// policy, and the way out. Bounded, however much is wrong.
package enum ImageRefusalText {
    static let maxReasons = 10

    /// The whole refusal, a reason a line.
    static func message(_ objections: [ImageObjection], of subject: String) -> String {
        ([head(objections, subject) + ":"] + lines(objections, most: maxReasons).map { "  " + $0 })
            .joined(separator: "\n")
    }

    /// One line for a warning: kubectl prints each by itself, and servers cut long ones.
    static func warning(_ objections: [ImageObjection], of subject: String, verb: String) -> String {
        let names = policies(objections)
        return "\(subject) \(verb) the image polic\(names.contains(",") ? "ies" : "y") \(names): "
            + lines(objections, most: 4).joined(separator: "; ")
    }

    private static func head(_ objections: [ImageObjection], _ subject: String) -> String {
        let names = policies(objections)
        return "\(subject) is not accepted by the image polic\(names.contains(",") ? "ies" : "y") \(names)"
    }

    private static func policies(_ objections: [ImageObjection]) -> String {
        var names: [String] = []
        for objection in objections where !names.contains(objection.policy) {
            if names.count == maxReasons { return names.joined(separator: ", ") + " and more" }
            names.append(objection.policy)
        }
        return names.joined(separator: ", ")
    }

    static func lines(_ objections: [ImageObjection], most: Int) -> [String] {
        let names = Set(objections.map(\.policy))
        var lines = objections.prefix(most).map { (names.count > 1 ? "\($0.policy): " : "") + line($0) }
        if objections.count > most {
            lines.append("and \(objections.count - most) more of \(objections.count) reasons")
        }
        return lines
    }

    /// `has …; to pass, upgrade …`
    package static func sentence(_ objection: ImageObjection) -> String {
        let remedy = objection.remedy.isEmpty ? "" : "; to pass, \(plain(objection.remedy, 600))"
        return plain(objection.message, 800) + remedy
    }

    /// `container "app": registry.example.com/shop/cart:1.2 has …; to pass, upgrade …`
    package static func line(_ objection: ImageObjection) -> String {
        let image = objection.image
        let what = image.path.hasSuffix(".reference") ? "volume" : "container"
        let place = image.container.isEmpty ? image.path : "\(what) \"\(plain(image.container, 63))\""
        let name = image.image.isEmpty ? "an image without a name" : plain(image.image, 300)
        return "\(place): \(name) \(sentence(objection))"
    }

    static func reasons(_ objections: [ImageObjection]) -> [AdmissionDecision.Reason] {
        objections.prefix(maxReasons).map(reason)
    }

    package static func reason(_ objection: ImageObjection) -> AdmissionDecision.Reason {
        AdmissionDecision.Reason(
            policy: objection.policy, container: plain(objection.image.container, 63), path: objection.image.path,
            value: EditValue.string(plain(objection.image.image, 300)).json,
            message: plain("the image \(objection.message)", 800), remedy: plain(objection.remedy, 600))
    }

    /// Texts of images and scanners on one line: what steers a terminal is left out.
    static func plain(_ text: String, _ limit: Int) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: kept.append(" ")
            case .format, .surrogate, .privateUse, .unassigned: kept.append("\u{FFFD}")
            default: kept.append(scalar)
            }
            if kept.count > limit { break }
        }
        return ImageScan.cut(String(kept), limit)
    }
}
