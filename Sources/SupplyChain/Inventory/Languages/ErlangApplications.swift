// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What is installed of Erlang and Elixir: applications of a release by their resource files, and packages that Mix or
/// rebar3 fetched by what Hex says of them.
enum ErlangApplications {
    /// `lib/cowboy-2.9.0/ebin/cowboy.app`: `{application, cowboy, [{description, "…"}, {vsn, "2.9.0"}, …]}.`
    ///
    /// An application is nearly always called as its package. What Erlang and Elixir bring themselves is no package of Hex,
    /// which may have others of the same name.
    static func resource(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var words = ErlangWords(text)
            guard words.next() == "{", words.next() == "application", words.next() == ",", let name = words.next(),
                name.count > 0, name != "{", words.next() == ","
            else {
                // Other programs have files of this name and place, too.
                return []
            }
            var version = ""
            while let word = words.next() {
                guard word == "vsn", words.previous == "{", words.next() == ",", let text = words.next() else {
                    continue
                }
                version = text
                break
            }
            // A file before it was built has a name for a version, or none.
            guard version.first?.isNumber == true else { return [] }
            return [FoundPackage(own.contains(name) ? .otp : .hex, name: name, version: version, path: file.path)]
        }
    }

    /// hex_metadata.config: terms `{<<"name">>,<<"jason">>}.`
    static func metadata(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        try file.withText { (text) throws(InventoryError) in
            var words = ErlangWords(text)
            var depth = 0
            var (name, version) = ("", "")
            var licenses: [String] = []
            while let word = words.next() {
                switch word {
                case "{", "[": depth += 1
                case "}", "]": depth -= 1
                case "name" where depth == 1 && words.previous == "{": name = words.value()
                case "version" where depth == 1 && words.previous == "{": version = words.value()
                case "licenses" where depth == 1 && words.previous == "{":
                    guard words.next() == ",", words.next() == "[" else { continue }
                    while let license = words.next(), license != "]" {
                        if license != ",", licenses.count < 16 { licenses.append(license) }
                    }
                default: break
                }
            }
            guard !name.isEmpty, !version.isEmpty else { throw file.malformed("a package needs a name and a version") }
            var package = FoundPackage(.hex, name: name, version: version, path: file.path)
            package.licenses = licenses
            return [package]
        }
    }

    private static let own: Set<String> = [
        "asn1", "common_test", "compiler", "crypto", "debugger", "dialyzer", "diameter", "edoc", "eldap", "erl_docgen",
        "erl_interface", "erts", "et", "eunit", "ftp", "gs", "hipe", "ic", "inets", "jinterface", "kernel", "megaco",
        "mnesia", "observer", "odbc", "orber", "os_mon", "otp_mibs", "ose", "parsetools", "percept", "public_key",
        "reltool", "runtime_tools", "sasl", "snmp", "ssh", "ssl", "stdlib", "syntax_tools", "test_server", "tftp",
        "tools", "typer", "webtool", "wx", "xmerl", "cosEvent", "cosEventDomain", "cosFileTransfer", "cosNotification",
        "cosProperty", "cosTime", "cosTransactions", "eex", "elixir", "ex_unit", "iex", "logger", "mix",
    ]
}

/// Walks Erlang's terms: brackets, commas and dots one by one, atoms, numbers, and texts without their quotes and `<<>>`.
private struct ErlangWords {
    private let text: UnsafeBufferPointer<UInt8>
    private var at = 0
    /// The word before the last one.
    private(set) var previous = ""
    private var last = ""

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// The text behind `,`; empty where another term stands.
    mutating func value() -> String {
        guard next() == ",", let word = next(), word != "[", word != "{" else { return "" }
        return word
    }

    mutating func next() -> String? {
        while at < text.count {
            let byte = text[at]
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D, 0x3C, 0x3E: at += 1
            case 0x25: at = text.index(of: 0x0A, from: at) ?? text.count
            case 0x2F where text.dropping(at).starts(with: "/utf8"): at += 5
            case 0x22, 0x27: return found(quoted(byte))
            case 0x5B, 0x5D, 0x7B, 0x7D, 0x2C, 0x2E, 0x23, 0x3D, 0x28, 0x29, 0x7C, 0x2F:
                at += 1
                return found(String(UnicodeScalar(byte)))
            default:
                let start = at
                while at < text.count, !Self.ends(text[at]) { at += 1 }
                return found(UnsafeBufferPointer(rebasing: text[start..<at]).string)
            }
        }
        return nil
    }

    private mutating func found(_ word: String) -> String {
        previous = last
        last = word
        return word
    }

    private mutating func quoted(_ quote: UInt8) -> String {
        let start = at + 1
        at += 1
        while at < text.count, text[at] != quote { at += text[at] == 0x5C ? 2 : 1 }
        let end = min(at, text.count)
        at = end + 1
        return UnsafeBufferPointer(rebasing: text[min(start, end)..<end]).string
    }

    private static func ends(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D, 0x5B, 0x5D, 0x7B, 0x7D, 0x2C, 0x25, 0x22, 0x27, 0x3C, 0x3E, 0x23, 0x3D, 0x28, 0x29,
            0x7C, 0x2F:
            true
        default: false
        }
    }
}
