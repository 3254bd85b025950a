// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Mustache

/// What a template is given. Templates escape every text; markup is made by the charts alone, out of numbers and
/// escaped texts.
indirect enum PageValue: Sendable {
    case none
    case text(String)
    case flag(Bool)
    case list([PageValue])
    case map([String: PageValue])
    case markup(Markup)

    static func number(_ value: some BinaryInteger) -> PageValue { .text(String(value)) }

    /// Text in which the five characters that mean something in HTML stand alone. Swift's characters are whole
    /// clusters: a quotation mark with a combining accent is one character, which the template engine does not take for
    /// a quotation mark and lets through, but a browser does. A dotted circle, which is what Unicode shows such an
    /// accent on, takes them apart.
    static func separated(_ text: String) -> String {
        // Most text is ASCII, where only line ends are clusters.
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        var result = ""
        for character in text {
            let scalars = character.unicodeScalars
            guard scalars.count > 1, scalars.contains(where: isMarkup) else {
                result.append(character)
                continue
            }
            for (index, scalar) in scalars.enumerated() {
                if index > 0 { result.unicodeScalars.append("\u{25cc}") }
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "<" || scalar == ">" || scalar == "&" || scalar == "\"" || scalar == "'"
    }

    /// For the template engine. An empty text is false in a section.
    var rendered: Any {
        switch self {
        case .none: Nothing()
        case .text(let text): text.isEmpty ? Nothing() as Any : Self.separated(text)
        case .flag(let flag): flag
        case .list(let values): values.map(\.rendered)
        case .map(let members): members.mapValues(\.rendered)
        case .markup(let markup): markup.html
        }
    }

    /// Empty, and false in a section. A missing name would be looked up in what surrounds the section.
    private struct Nothing: MustacheCustomRenderable {
        var renderText: String { "" }
        var isNull: Bool { true }
    }
}

/// HTML that needs no escaping.
struct Markup: Sendable {
    let html: String
}

extension PageValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(booleanLiteral value: Bool) { self = .flag(value) }
    init(arrayLiteral elements: PageValue...) { self = .list(elements) }
    init(dictionaryLiteral elements: (String, PageValue)...) {
        self = .map(Dictionary(elements) { _, last in last })
    }
}
