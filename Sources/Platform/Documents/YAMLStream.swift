// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CLibYAML
import CSimdjson
import Foundation

/// The documents of one text: `YAMLDirectReader` reads those of the usual form. For the others libyaml's events go to a
/// `YAMLComposer`, and reading starts anew behind an error.
final class YAMLStream {
    let source: String
    let limits: DocumentLimits
    private let text: UnsafeBufferPointer<UInt8>
    private let ownsText: Bool
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>
    /// Sees the events of each document, for those who need to know where things stand.
    let outline: OutlineBuilder?
    private var isParsing = false
    private var isDone = false
    /// Where the next document begins, in the text and as a 0-based line, that libyaml is not reading already.
    private var pending: (offset: Int, line: Int)? = (0, 0)
    /// The start of the line on which the document that libyaml reads began, or of one before.
    private var mark: (offset: Int, line: Int) = (0, 0)
    private let readsDirectly: Bool
    /// Where the running parser began: its first line counts as line 1 to libyaml.
    private var start = 0
    private var startLine = 0
    private var errors = 0
    /// The line, 0-based in the file, on which the document that is being read began.
    private var documentLine = 0
    /// The next character that YAML does not allow. libyaml reads far ahead and would take the documents before it down,
    /// so it is given only the text up to the document that holds it.
    private var control: Int
    /// Where that document begins.
    private var end: (offset: Int, line: Int)?

    /// - Parameters:
    ///   - text: well-formed UTF-8 without a byte order mark.
    ///   - ownsText: whether the memory is to be deallocated at the end; else it has to live as long as this.
    ///   - readsDirectly: whether libyaml may be spared where it is not needed. An outline needs its events.
    init(
        _ text: UnsafeBufferPointer<UInt8>, ownsText: Bool, source: String, limits: DocumentLimits,
        outline: OutlineBuilder? = nil, readsDirectly: Bool = true
    ) {
        self.text = text
        self.ownsText = ownsText
        self.outline = outline
        self.source = source
        self.limits = limits
        parser = .allocate(capacity: 1)
        event = .allocate(capacity: 1)
        self.readsDirectly = readsDirectly && outline == nil
        control = bulwark_first_control(text.baseAddress, text.count)
    }

    deinit {
        if isParsing { yaml_parser_delete(parser) }
        parser.deallocate()
        event.deallocate()
        if ownsText { text.deallocate() }
    }

    /// Sets libyaml on a document and what follows.
    private func open(at offset: Int, line: Int) {
        if isParsing { yaml_parser_delete(parser) }
        mark = (offset, line)
        isParsing = yaml_parser_initialize(parser) == 1
        isDone = !isParsing
        start = offset
        startLine = line
        documentLine = line
        if isParsing {
            if end.map({ $0.offset <= offset }) ?? true {
                end = offset <= control && control < text.count ? lastDocument(before: control) : nil
            }
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            let length = (end?.offset ?? text.count) - offset
            let empty: StaticString = ""
            yaml_parser_set_input_string(parser, text.baseAddress.map { $0 + offset } ?? empty.utf8Start, length)
        }
    }

    /// The last `---` line before `offset` and behind the running parser's start.
    private func lastDocument(before offset: Int) -> (offset: Int, line: Int)? {
        var found: (offset: Int, line: Int)?
        var at = start
        var line = startLine
        while let next = lineEnd(from: at), next <= offset {
            at = next
            line += 1
            if isDocumentStart(at) { found = (at, line) }
        }
        return found
    }

    func next() -> Result<Document, DocumentError>? {
        while !isDone {
            if let place = pending {
                switch readDirectly(place.offset, place.line) {
                case .document(let document, _): return .success(document)
                case .empty: continue
                case .unusual:
                    pending = nil
                    open(at: place.offset, line: place.line)
                    if isDone { break }
                }
            }
            guard yaml_parser_parse(parser, event) == 1 else { return .failure(fail()) }
            let type = event.pointee.type
            if type == YAML_DOCUMENT_START_EVENT {
                documentLine = startLine + event.pointee.start_mark.line
                yaml_event_delete(event)
                if isNewDocument() {
                    pending = mark
                } else if let result = compose() {
                    return result
                }
                continue
            }
            yaml_event_delete(event)
            if type == YAML_STREAM_END_EVENT {
                if let end { pending = end } else { isDone = true }
            }
        }
        return nil
    }

    /// Reads a document without libyaml, if that can be done, and makes the one behind it pending.
    private func readDirectly(_ offset: Int, _ line: Int) -> YAMLDirectReader.Outcome {
        guard readsDirectly, let start = text.baseAddress else { return .unusual }
        let end = nextDocument(after: offset)
        guard end <= control else { return .unusual }
        let outcome = YAMLDirectReader.read(
            UnsafeBufferPointer(start: start + offset, count: end - offset), line: line + 1, source: source,
            limits: limits)
        switch outcome {
        case .document(_, let nextLine), .empty(let nextLine):
            pending = (end, nextLine - 1)
            isDone = end == text.count
        case .unusual: break
        }
        return outcome
    }

    /// The offset of the first `---` line behind the one at `offset`, or the text's length.
    private func nextDocument(after offset: Int) -> Int {
        guard let start = text.baseAddress else { return 0 }
        var at = offset
        while let feed = memchr(start + at, 0x0A, text.count - at) {
            at = UnsafeRawPointer(feed) - UnsafeRawPointer(start) + 1
            if isDocumentStart(at) { return at }
        }
        return text.count
    }

    /// Whether the document that libyaml has begun stands behind the one that it was set on, and begins with a line of its
    /// own, so that it can be read without libyaml. `mark` is then its start.
    private func isNewDocument() -> Bool {
        guard readsDirectly, documentLine > mark.line else { return false }
        while mark.line < documentLine, let next = lineEnd(from: mark.offset) { mark = (next, mark.line + 1) }
        return mark.line == documentLine && isDocumentStart(mark.offset)
    }

    /// Reads up to the end of the document. Nil when it is empty.
    private func compose() -> Result<Document, DocumentError>? {
        var composer = YAMLComposer(limits: limits, lineOffset: startLine)
        var problem: YAMLComposer.Problem?
        outline?.begin()
        while true {
            guard yaml_parser_parse(parser, event) == 1 else {
                let error = fail()
                return .failure(problem.map(place) ?? error)
            }
            defer { yaml_event_delete(event) }
            if event.pointee.type == YAML_DOCUMENT_END_EVENT { break }
            outline?.take(event, startLine: startLine)
            if problem == nil {
                do throws(YAMLComposer.Problem) {
                    try composer.take(event)
                } catch {
                    problem = error
                    // For every level libyaml looks at all those above: to go on to the end would take their square.
                    if error.code == .tooDeep, outline == nil {
                        let failure = place(error)
                        errors += 1
                        if errors > YAMLReader.maxErrors { isDone = true } else { resume(after: failure.line - 1) }
                        return .failure(failure)
                    }
                }
            }
        }
        if let problem { return .failure(place(problem)) }
        if composer.isEmpty { return nil }
        return .success(composer.document(source: source))
    }

    private func place(_ problem: YAMLComposer.Problem) -> DocumentError {
        DocumentError(
            code: problem.code, message: problem.message, file: source, line: startLine + problem.line + 1,
            column: problem.column + 1)
    }

    /// Turns libyaml's complaint into an error and moves on to the next document that can be told apart.
    private func fail() -> DocumentError {
        var line = startLine + parser.pointee.problem_mark.line
        var column = parser.pointee.problem_mark.column
        var message = parser.pointee.problem.map { String(cString: $0) } ?? "the parser gave up"
        var code = DocumentError.Code.syntax
        switch parser.pointee.error {
        case YAML_READER_ERROR:
            let offset = start + parser.pointee.problem_offset
            let position = LineIndex.position(of: offset, in: UnsafeRawBufferPointer(text))
            (line, column) = (position.line - 1, position.column - 1)
            if parser.pointee.problem_value >= 0 {
                message += ": U+" + String(parser.pointee.problem_value, radix: 16, uppercase: true)
            }
            control =
                offset + 1 + bulwark_first_control(text.baseAddress.map { $0 + offset + 1 }, text.count - offset - 1)
        case YAML_MEMORY_ERROR:
            code = .tooLarge
            message = "not enough memory to read the text"
        default:
            if let context = parser.pointee.context {
                let begun = startLine + parser.pointee.context_mark.line
                message += " (" + String(cString: context)
                message += begun == line ? ")" : " that began on line \(begun + 1))"
            }
            if message.contains("nesting level") || message.contains("max depth") {
                (code, message) = (.tooDeep, "nested deeper than the limit of the YAML parser")
            }
        }
        errors += 1
        if errors > YAMLReader.maxErrors {
            isDone = true
            message += "; too many errors, the rest of the text is not read"
        } else {
            resume(after: max(line - 1, documentLine))
        }
        return DocumentError(code: code, message: message, file: source, line: line + 1, column: column + 1)
    }

    /// Starts anew at the first line behind `line` (0-based in the file) that begins with `---`.
    private func resume(after line: Int) {
        var offset = start
        var current = startLine
        while offset < text.count {
            if current > line, offset > start, isDocumentStart(offset) {
                pending = (offset, current)
                return
            }
            guard let feed = lineEnd(from: offset) else { break }
            offset = feed
            current += 1
        }
        isDone = true
    }

    /// The offset behind the next line end, counting line ends as libyaml does (CR, LF, CRLF, NEL, LS, PS).
    static func lineEnd(in text: UnsafeBufferPointer<UInt8>, from offset: Int) -> Int? {
        var index = offset
        while index < text.count {
            switch text[index] {
            case 0x0A: return index + 1
            case 0x0D: return index + 1 < text.count && text[index + 1] == 0x0A ? index + 2 : index + 1
            case 0xC2 where index + 1 < text.count && text[index + 1] == 0x85: return index + 2
            case 0xE2 where index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] & 0xFE == 0xA8:
                return index + 3
            default: index += 1
            }
        }
        return nil
    }

    private func lineEnd(from offset: Int) -> Int? {
        Self.lineEnd(in: text, from: offset)
    }

    private func isDocumentStart(_ offset: Int) -> Bool {
        guard offset + 3 <= text.count, text[offset] == 0x2D, text[offset + 1] == 0x2D, text[offset + 2] == 0x2D else {
            return false
        }
        return offset + 3 == text.count || [0x20, 0x09, 0x0A, 0x0D].contains(text[offset + 3])
    }
}
