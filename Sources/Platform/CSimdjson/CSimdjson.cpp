// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
//
// simdjson's first stage finds where every token starts and validates UTF-8 and string ends at memory speed. Its own
// second stages do not fit here: the tree of its DOM keeps no source offsets and refuses numbers beyond 64 bits. So the
// second stage below walks the token index itself, strictly, and writes the flat tree in one pass.
#include "CSimdjson.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include <sys/mman.h>

#include <simdjson.h>

namespace {

using Stage1 = simdjson::internal::dom_parser_implementation;

struct Frame {
    uint32_t entry;
    uint32_t hashStart;
    uint32_t count;
    bool isObject;
};

/// What one thread keeps between calls, so that a small document costs no allocation for scratch space.
struct Scratch {
    std::unique_ptr<Stage1> parser;
    std::vector<Frame> frames;
    std::unique_ptr<uint32_t[]> hashes;
    size_t hashCapacity = 0;
    std::vector<uint8_t> extra;
    std::vector<uint32_t> dead;
    static constexpr size_t keep = 1 << 20;

    /// Room for the marks of so many keys.
    void reserveHashes(size_t count) {
        if (count <= hashCapacity) return;
        hashCapacity = 0;
        hashes.reset(new uint32_t[count]);
        hashCapacity = count;
    }

    void trim() {
        if (parser && parser->capacity() > keep) parser.reset();
        if (hashCapacity > keep) {
            hashes.reset();
            hashCapacity = 0;
        }
        if (extra.capacity() > keep) std::vector<uint8_t>().swap(extra);
        if (dead.capacity() > keep) std::vector<uint32_t>().swap(dead);
    }
};

inline bool isSpace(uint8_t c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
inline bool isDigit(uint8_t c) { return c >= '0' && c <= '9'; }

inline uint64_t load8(const uint8_t *p) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
}

/// The n < 8 bytes at p as one word. Reads eight where the buffer, which ends at limit, holds them.
inline uint64_t loadRest(const uint8_t *p, size_t n, const uint8_t *limit) {
    if (limit - p >= 8) return n == 0 ? 0 : load8(p) << (64 - 8 * n);
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) v = v >> 8 | uint64_t(p[i]) << 56;
    return v;
}

/// A mark of a key's length, beginning and end: keys with different ones differ. It spares comparing; those alike in it are
/// compared, so that nothing rests on nobody choosing keys with equal marks.
[[gnu::always_inline]] inline uint32_t hashKey(const uint8_t *p, size_t n, const uint8_t *limit) {
    uint64_t h = n * 0x9E3779B97F4A7C15ull;
    h ^= n >= 8 ? load8(p) + (load8(p + n - 8) << 1) : loadRest(p, n, limit);
    h *= 0xD6E8FEB86659FD93ull;
    return uint32_t(h >> 32) ^ uint32_t(h);
}

/// Memory that free() gives back. A large block asks for huge pages, which saves most of the cost of touching it.
void *allocate(size_t size) {
    constexpr size_t huge = 2 << 20;
    if (size < 2 * huge) return std::malloc(size);
    void *memory = std::aligned_alloc(huge, (size + huge - 1) / huge * huge);
    if (memory) madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

/// The end of the number that starts at p, or null where the grammar of RFC 8259 is broken.
inline const uint8_t *numberEnd(const uint8_t *p, const uint8_t *end) {
    if (p < end && *p == '-') p++;
    if (p == end) return nullptr;
    if (*p == '0') {
        p++;
    } else if (isDigit(*p)) {
        while (p < end && isDigit(*p)) p++;
    } else {
        return nullptr;
    }
    if (p < end && *p == '.') {
        p++;
        if (p == end || !isDigit(*p)) return nullptr;
        while (p < end && isDigit(*p)) p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (p == end || !isDigit(*p)) return nullptr;
        while (p < end && isDigit(*p)) p++;
    }
    return p;
}

inline int hexValue(uint8_t c) {
    if (isDigit(c)) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// Four hexadecimal digits at p, or -1.
inline int32_t hex4(const uint8_t *p, const uint8_t *end) {
    if (end - p < 4) return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hexValue(p[i]);
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

/// Appends the unescaped text of [p, end) to out. Returns null, or where a bad escape stands.
const uint8_t *unescape(const uint8_t *p, const uint8_t *end, std::vector<uint8_t> &out) {
    while (p < end) {
        const uint8_t *stop = static_cast<const uint8_t *>(std::memchr(p, '\\', size_t(end - p)));
        if (!stop) stop = end;
        out.insert(out.end(), p, stop);
        if (stop == end) return nullptr;
        p = stop + 1;
        if (p == end) return stop;
        switch (*p++) {
        case '"': out.push_back('"'); break;
        case '\\': out.push_back('\\'); break;
        case '/': out.push_back('/'); break;
        case 'b': out.push_back('\b'); break;
        case 'f': out.push_back('\f'); break;
        case 'n': out.push_back('\n'); break;
        case 'r': out.push_back('\r'); break;
        case 't': out.push_back('\t'); break;
        case 'u': {
            int32_t c = hex4(p, end);
            if (c < 0) return stop;
            p += 4;
            if (c >= 0xDC00 && c <= 0xDFFF) return stop;
            if (c >= 0xD800 && c <= 0xDBFF) {
                if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return stop;
                int32_t low = hex4(p + 2, end);
                if (low < 0xDC00 || low > 0xDFFF) return stop;
                p += 6;
                c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            }
            if (c < 0x80) {
                out.push_back(uint8_t(c));
            } else if (c < 0x800) {
                out.push_back(uint8_t(0xC0 | c >> 6));
                out.push_back(uint8_t(0x80 | (c & 0x3F)));
            } else if (c < 0x10000) {
                out.push_back(uint8_t(0xE0 | c >> 12));
                out.push_back(uint8_t(0x80 | (c >> 6 & 0x3F)));
                out.push_back(uint8_t(0x80 | (c & 0x3F)));
            } else {
                out.push_back(uint8_t(0xF0 | c >> 18));
                out.push_back(uint8_t(0x80 | (c >> 12 & 0x3F)));
                out.push_back(uint8_t(0x80 | (c >> 6 & 0x3F)));
                out.push_back(uint8_t(0x80 | (c & 0x3F)));
            }
            break;
        }
        default: return stop;
        }
    }
    return nullptr;
}

/// The offset of the first byte that is not well-formed UTF-8, or length. Runs only to place an error.
size_t firstBadUTF8(const uint8_t *s, size_t length) {
    size_t i = 0;
    while (i < length) {
        uint8_t c = s[i];
        size_t n = c < 0x80 ? 1 : c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
        if (n == 0 || i + n > length) return i;
        for (size_t k = 1; k < n; k++)
            if ((s[i + k] & 0xC0) != 0x80) return i;
        if ((c == 0xE0 && s[i + 1] < 0xA0) || (c == 0xED && s[i + 1] > 0x9F) || (c == 0xF0 && s[i + 1] < 0x90)
            || (c == 0xF4 && s[i + 1] > 0x8F))
            return i;
        i += n;
    }
    return length;
}

/// Finds what the first stage only names: a control character in a string, or the string that never ends.
int placeStringError(const uint8_t *s, size_t length, size_t *offset) {
    size_t open = 0;
    bool inString = false;
    for (size_t i = 0; i < length; i++) {
        if (!inString) {
            if (s[i] == '"') {
                inString = true;
                open = i;
            }
        } else if (s[i] == '\\') {
            i++;
        } else if (s[i] == '"') {
            inString = false;
        } else if (s[i] < 0x20) {
            *offset = i;
            return BULWARK_JSON_CONTROL_IN_STRING;
        }
    }
    *offset = inString ? open : length;
    return BULWARK_JSON_UNCLOSED_STRING;
}

class Builder {
public:
    Builder(const uint8_t *source, size_t length, const BulwarkJSONOptions &options, Scratch &scratch)
        : source(source), length(length), options(options), scratch(scratch), nextSlash(source) {}

    ~Builder() {
        std::free(entries);
        std::free(pool);
    }

    int run(BulwarkJSONResult &result) {
        int code = index();
        if (code == BULWARK_JSON_OK) code = build();
        if (code == BULWARK_JSON_OK && !scratch.dead.empty()) dropDead();
        if (code == BULWARK_JSON_OK) code = finish(result);
        result.errorOffset = errorOffset;
        result.firstOffset = firstOffset;
        return code;
    }

private:
    const uint8_t *source;
    size_t length;
    const BulwarkJSONOptions &options;
    Scratch &scratch;
    BulwarkEntry *entries = nullptr;
    uint8_t *pool = nullptr;
    uint32_t count = 0;
    uint32_t capacity = 0;
    size_t errorOffset = 0;
    size_t firstOffset = 0;
    /// The first backslash at or behind the end of the last string; the source's end when there is none.
    const uint8_t *nextSlash;

    int fail(int code, size_t offset) {
        errorOffset = offset;
        return code;
    }

    int index() {
        if (!scratch.parser) {
            auto *implementation = static_cast<const simdjson::implementation *>(simdjson::get_active_implementation());
            if (implementation->create_dom_parser_implementation(std::max<size_t>(length, 16384), 1, scratch.parser))
                return BULWARK_JSON_NO_MEMORY;
        } else if (scratch.parser->capacity() < length) {
            if (scratch.parser->allocate(std::max<size_t>(length, 2 * scratch.parser->capacity()), 1)) {
                scratch.parser.reset();
                return BULWARK_JSON_NO_MEMORY;
            }
        }
        auto error = scratch.parser->stage1(source, length, simdjson::stage1_mode::regular);
        if (!error) return BULWARK_JSON_OK;
        switch (error) {
        case simdjson::EMPTY: return fail(BULWARK_JSON_EMPTY, length);
        case simdjson::MEMALLOC: return BULWARK_JSON_NO_MEMORY;
        case simdjson::CAPACITY: return BULWARK_JSON_TOO_LARGE;
        default: break;
        }
        size_t bad = firstBadUTF8(source, length);
        if (bad < length) return fail(BULWARK_JSON_NOT_UTF8, bad);
        int code = placeStringError(source, length, &errorOffset);
        return code;
    }

    /// Where the string that opens at `open` closes. `bound` is the next token: only space stands between.
    [[gnu::always_inline]] size_t closingQuote(size_t open, size_t bound) const {
        size_t i = bound;
        while (i > open + 1 && isSpace(source[i - 1])) i--;
        return i > open + 1 && source[i - 1] == '"' ? i - 1 : 0;
    }

    /// Whether a backslash stands in [start, end). Strings are asked about in the order of the source, so that all of it is
    /// looked through once.
    [[gnu::always_inline]] bool hasBackslash(const uint8_t *start, const uint8_t *end) {
        if (__builtin_expect(nextSlash < start, 0)) findSlash(start);
        return nextSlash < end;
    }

    [[gnu::noinline]] void findSlash(const uint8_t *start) {
        const void *found = std::memchr(start, '\\', size_t(source + length - start));
        nextSlash = found ? static_cast<const uint8_t *>(found) : source + length;
    }

    [[gnu::always_inline]] int text(size_t open, size_t bound, uint32_t &offset, uint32_t &size) {
        size_t close = closingQuote(open, bound);
        if (close == 0) return fail(BULWARK_JSON_UNCLOSED_STRING, open);
        const uint8_t *start = source + open + 1, *end = source + close;
        if (__builtin_expect(!hasBackslash(start, end), 1)) {
            offset = uint32_t(open + 1);
            size = uint32_t(end - start);
            return BULWARK_JSON_OK;
        }
        return escapedText(start, end, offset, size);
    }

    [[gnu::noinline]] int escapedText(const uint8_t *start, const uint8_t *end, uint32_t &offset, uint32_t &size) {
        size_t at = scratch.extra.size();
        if (const uint8_t *bad = unescape(start, end, scratch.extra)) return fail(BULWARK_JSON_BAD_ESCAPE, size_t(bad - source));
        offset = uint32_t(length + at);
        size = uint32_t(scratch.extra.size() - at);
        return BULWARK_JSON_OK;
    }

    const uint8_t *poolBytes(uint32_t offset) const {
        return offset < length ? source + offset : scratch.extra.data() + (offset - length);
    }

    bool sameKey(const BulwarkEntry &a, const BulwarkEntry &b) const {
        uint32_t n = a.keyLengthKind >> 4;
        return n == b.keyLengthKind >> 4 && std::memcmp(poolBytes(a.keyOffset), poolBytes(b.keyOffset), n) == 0;
    }

    uint32_t child(const Frame &frame, uint32_t number) const {
        uint32_t i = frame.entry + 1;
        while (number-- > 0) i = entries[i].next;
        return i;
    }

    /// Reports (or, where the last one wins, marks) a key that stands twice in the object that just closed.
    int duplicates(const Frame &frame) {
        const uint32_t *hash = scratch.hashes.get() + frame.hashStart;
        uint32_t n = frame.count;
        if (n <= 24) {
            uint64_t seen = 0;
            for (uint32_t i = 0; i < n; i++) {
                // Only a key whose bit is taken can be one that stands before.
                uint64_t bit = 1ull << (hash[i] & 63);
                bool isNew = !(seen & bit);
                seen |= bit;
                if (isNew) continue;
                for (uint32_t k = i; k-- > 0;) {
                    if (hash[k] != hash[i]) continue;
                    uint32_t a = child(frame, k), b = child(frame, i);
                    if (!sameKey(entries[a], entries[b])) continue;
                    if (int code = duplicate(a, b)) return code;
                    break;
                }
            }
            return BULWARK_JSON_OK;
        }
        std::vector<std::pair<uint32_t, uint32_t>> order;
        order.reserve(n);
        for (uint32_t i = 0, e = frame.entry + 1; i < n; i++, e = entries[e].next) order.emplace_back(hash[i], e);
        std::sort(order.begin(), order.end());
        uint32_t first = 0, second = UINT32_MAX;  // of several, the one that comes first is told
        for (size_t i = 0; i < order.size();) {
            size_t end = i + 1;
            while (end < order.size() && order[end].first == order[i].first) end++;
            if (end - i > 1) {
                std::sort(order.begin() + long(i), order.begin() + long(end), [&](auto &x, auto &y) {
                    const BulwarkEntry &a = entries[x.second], &b = entries[y.second];
                    uint32_t an = a.keyLengthKind >> 4, bn = b.keyLengthKind >> 4;
                    if (an != bn) return an < bn;
                    int c = std::memcmp(poolBytes(a.keyOffset), poolBytes(b.keyOffset), an);
                    return c != 0 ? c < 0 : x.second < y.second;
                });
                for (size_t k = i + 1; k < end; k++) {
                    uint32_t a = order[k - 1].second, b = order[k].second;
                    if (!sameKey(entries[a], entries[b])) continue;
                    if (options.lastKeyWins) {
                        scratch.dead.push_back(a);
                    } else if (b < second) {
                        first = a;
                        second = b;
                    }
                }
            }
            i = end;
        }
        if (second != UINT32_MAX) return duplicate(first, second);
        return BULWARK_JSON_OK;
    }

    int duplicate(uint32_t first, uint32_t second) {
        if (options.lastKeyWins) {
            scratch.dead.push_back(first);
            return BULWARK_JSON_OK;
        }
        firstOffset = entries[first].at;
        return fail(BULWARK_JSON_DUPLICATE_KEY, entries[second].at);
    }

    int literal(size_t at, size_t bound, const char *word, uint32_t size) {
        bool same = bound - at >= size && std::memcmp(source + at, word, size) == 0
            && (at + size == bound || isSpace(source[at + size]));
        return same ? BULWARK_JSON_OK : fail(BULWARK_JSON_EXPECTED_VALUE, at);
    }

    int build() {
        const uint32_t *const tokens = scratch.parser->structural_indexes.get();
        const uint32_t total = scratch.parser->n_structural_indexes;
        // What the loop asks for again and again stands in locals: stores to the tree could change members.
        const uint8_t *const source = this->source;
        const size_t length = this->length;
        const uint32_t capacity = this->capacity = std::min<uint32_t>(total / 2 + 1, options.maxNodes);
        BulwarkEntry *const entries = this->entries =
            static_cast<BulwarkEntry *>(allocate(size_t(capacity) * sizeof(BulwarkEntry)));
        if (!entries) return BULWARK_JSON_NO_MEMORY;
        scratch.reserveHashes(size_t(total) / 2 + 1);  // a key is followed by its colon
        uint32_t *const hashes = scratch.hashes.get();
        uint32_t i = 0, count = 0, hashCount = 0;
        uint32_t keyOffset = 0, keyLength = 0, keyAt = 0;
        Frame top{0, 0, 0, false};  // the innermost open container; those around it are in scratch.frames
        size_t depth = 0;
        bool hasKey = false;
        auto bound = [&](uint32_t k) -> size_t { return k + 1 < total ? tokens[k + 1] : length; };

        for (;;) {
            // A value is due; for a member its key has been read.
            if (i >= total) return fail(BULWARK_JSON_UNCLOSED, length);
            size_t at = tokens[i];
            if (count >= capacity) return fail(BULWARK_JSON_TOO_MANY_NODES, at);
            uint32_t kind, offset = 0, size = 0;
            bool opened = false;
            switch (source[at]) {
            case '{': kind = BULWARK_OBJECT; opened = true; break;
            case '[': kind = BULWARK_ARRAY; opened = true; break;
            case '"':
                kind = BULWARK_STRING;
                if (int code = text(at, bound(i), offset, size)) return code;
                break;
            case 't':
                kind = BULWARK_TRUE;
                if (int code = literal(at, bound(i), "true", 4)) return code;
                break;
            case 'f':
                kind = BULWARK_FALSE;
                if (int code = literal(at, bound(i), "false", 5)) return code;
                break;
            case 'n':
                kind = BULWARK_NULL;
                if (int code = literal(at, bound(i), "null", 4)) return code;
                break;
            case '-': case '0': case '1': case '2': case '3': case '4':
            case '5': case '6': case '7': case '8': case '9': {
                kind = BULWARK_NUMBER;
                size_t stop = bound(i);
                const uint8_t *end = numberEnd(source + at, source + stop);
                if (!end || !(end == source + stop || isSpace(*end))) return fail(BULWARK_JSON_BAD_NUMBER, at);
                offset = uint32_t(at);
                size = uint32_t(end - source - at);
                break;
            }
            default: return fail(BULWARK_JSON_EXPECTED_VALUE, at);
            }
            entries[count] = {keyOffset, keyLength << 4 | kind, offset, size, count + 1, hasKey ? keyAt : uint32_t(at)};
            count++;
            i++;

            if (opened) {
                if (depth >= options.maxDepth) return fail(BULWARK_JSON_TOO_DEEP, at);
                if (depth++ > 0) scratch.frames.push_back(top);
                top = {count - 1, hashCount, 0, kind == BULWARK_OBJECT};
                if (i < total && source[tokens[i]] == (top.isObject ? '}' : ']')) goto close;
                goto child;
            }
            goto after;

        close:
            // tokens[i] closes the container on top.
            if (top.isObject) {
                if (top.count > 1)
                    if (int code = duplicates(top)) return code;
                hashCount = top.hashStart;
            }
            entries[top.entry].next = count;
            entries[top.entry].length = top.count;
            i++;
            if (--depth > 0) {
                top = scratch.frames.back();
                scratch.frames.pop_back();
            }

        after:
            // A value has ended.
            if (depth == 0) {
                this->count = count;
                if (i == total) return BULWARK_JSON_OK;
                return fail(BULWARK_JSON_TRAILING_CONTENT, tokens[i]);
            }
            if (i >= total) return fail(BULWARK_JSON_UNCLOSED, length);
            {
                const uint8_t c = source[tokens[i]], closing = top.isObject ? '}' : ']';
                if (c == closing) goto close;
                if (c != ',')
                    return fail(
                        top.isObject ? BULWARK_JSON_EXPECTED_COMMA_OR_BRACE : BULWARK_JSON_EXPECTED_COMMA_OR_BRACKET,
                        tokens[i]);
                i++;
                if (i < total && source[tokens[i]] == closing) return fail(BULWARK_JSON_TRAILING_COMMA, tokens[i - 1]);
            }

        child:
            // A child is due.
            top.count++;
            hasKey = top.isObject;
            if (!hasKey) {
                keyOffset = keyLength = 0;
                continue;
            }
            if (i >= total) return fail(BULWARK_JSON_UNCLOSED, length);
            keyAt = tokens[i];
            if (source[keyAt] != '"') return fail(BULWARK_JSON_EXPECTED_KEY, keyAt);
            if (int code = text(keyAt, bound(i), keyOffset, keyLength)) return code;
            if (keyLength >= 1u << 28) return fail(BULWARK_JSON_TOO_LARGE, keyAt);
            {
                const uint8_t *limit = keyOffset < length ? source + length : scratch.extra.data() + scratch.extra.size();
                const uint8_t *key = keyOffset < length ? source + keyOffset : poolBytes(keyOffset);
                if (__builtin_expect(hashCount > total / 2, 0)) return fail(BULWARK_JSON_EXPECTED_COLON, keyAt);
                hashes[hashCount++] = hashKey(key, keyLength, limit);
            }
            i++;
            if (i >= total) return fail(BULWARK_JSON_UNCLOSED, length);
            if (source[tokens[i]] != ':') return fail(BULWARK_JSON_EXPECTED_COLON, tokens[i]);
            i++;
        }
    }

    /// Takes the members out whose key came again later.
    void dropDead() {
        std::vector<uint32_t> &dead = scratch.dead;
        std::sort(dead.begin(), dead.end());
        dead.erase(std::unique(dead.begin(), dead.end()), dead.end());
        // A dead member inside a dead subtree goes with it.
        std::vector<uint32_t> roots;
        uint32_t end = 0;
        for (uint32_t d : dead) {
            if (d < end) continue;
            roots.push_back(d);
            end = entries[d].next;
        }
        std::vector<uint32_t> moved(size_t(count) + 1);
        uint32_t to = 0;
        size_t r = 0;
        for (uint32_t i = 0; i < count;) {
            if (r < roots.size() && roots[r] == i) {
                uint32_t stop = entries[i].next;
                for (; i < stop; i++) moved[i] = to;
                r++;
            } else {
                moved[i++] = to++;
            }
        }
        moved[count] = to;
        std::vector<uint32_t> open;
        r = 0;
        for (uint32_t i = 0; i < count;) {
            while (!open.empty() && entries[open.back()].next <= i) open.pop_back();
            if (r < roots.size() && roots[r] == i) {
                entries[open.back()].length--;
                i = entries[i].next;
                r++;
                continue;
            }
            uint32_t kind = entries[i].keyLengthKind & 15;
            if (kind >= BULWARK_ARRAY) open.push_back(i);
            i++;
        }
        r = 0;
        for (uint32_t i = 0; i < count;) {
            if (r < roots.size() && roots[r] == i) {
                i = entries[i].next;
                r++;
                continue;
            }
            BulwarkEntry e = entries[i];
            e.next = moved[e.next];
            entries[moved[i]] = e;
            i++;
        }
        count = to;
    }

    int finish(BulwarkJSONResult &result) {
        size_t extra = scratch.extra.size();
        if (length + extra > UINT32_MAX) return BULWARK_JSON_TOO_LARGE;
        pool = static_cast<uint8_t *>(allocate(length + extra));
        if (!pool) return BULWARK_JSON_NO_MEMORY;
        std::memcpy(pool, source, length);
        if (extra) std::memcpy(pool + length, scratch.extra.data(), extra);
        if (count < capacity)
            if (void *smaller = std::realloc(entries, size_t(count) * sizeof(BulwarkEntry)))
                entries = static_cast<BulwarkEntry *>(smaller);
        result.entries = entries;
        result.pool = pool;
        result.count = count;
        result.poolLength = length + extra;
        entries = nullptr;
        pool = nullptr;
        return BULWARK_JSON_OK;
    }
};

}  // namespace

extern "C" int bulwark_json_parse(const uint8_t *source, size_t length, const BulwarkJSONOptions *options,
                                  BulwarkJSONResult *result) noexcept {
    std::memset(result, 0, sizeof *result);
    if (length == 0) return BULWARK_JSON_EMPTY;
    if (length > 0x7FFFFFFF) return BULWARK_JSON_TOO_LARGE;
    try {
        static thread_local Scratch scratch;
        scratch.frames.clear();
        scratch.extra.clear();
        scratch.dead.clear();
        int code = Builder(source, length, *options, scratch).run(*result);
        scratch.trim();
        return code;
    } catch (...) {
        return BULWARK_JSON_NO_MEMORY;
    }
}

extern "C" size_t bulwark_first_bad_utf8(const uint8_t *source, size_t length) noexcept {
    if (length == 0 || simdjson::validate_utf8(reinterpret_cast<const char *>(source), length)) return length;
    return firstBadUTF8(source, length);
}

extern "C" size_t bulwark_first_control(const uint8_t *s, size_t length) noexcept {
    size_t i = 0;
    while (i < length) {
        // Blocks without a suspicious byte go by at once.
        while (length - i >= 32) {
            uint8_t odd = 0;
            for (size_t k = 0; k < 32; k++) {
                uint8_t c = s[i + k];
                odd |= uint8_t((c < 0x20) & (c != '\n')) | uint8_t(c == 0x7F) | uint8_t(c == 0xC2) | uint8_t(c == 0xEF);
            }
            if (odd) break;
            i += 32;
        }
        size_t end = std::min(i + 32, length);
        for (; i < end; i++) {
            uint8_t c = s[i];
            if (c < 0x20 ? c != '\n' && c != '\t' && c != '\r' : c == 0x7F) return i;
            if (c == 0xC2 && i + 1 < length && s[i + 1] < 0xA0 && s[i + 1] != 0x85) return i;
            if (c == 0xEF && i + 2 < length && s[i + 1] == 0xBF && s[i + 2] >= 0xBE) return i;
        }
    }
    return length;
}
