// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
//
// Looks for the end of one JSON value without checking it.
#include "CSimdjson.h"

#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace {

inline bool isSpace(uint8_t c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

inline uint64_t load8(const uint8_t *p) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
}

}  // namespace

#ifdef __SSE2__
namespace {

/// One bit for each of 64 bytes.
struct Block {
    uint64_t quotes = 0, slashes = 0, opens = 0, closes = 0;

    explicit Block(const uint8_t *bytes) {
        const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x20);
        const __m128i open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
        for (int part = 0; part < 4; part++) {
            __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + 16 * part));
            __m128i bracket = _mm_or_si128(v, low);  // [ becomes {, ] becomes }
            quotes |= mask(_mm_cmpeq_epi8(v, quote)) << (16 * part);
            slashes |= mask(_mm_cmpeq_epi8(v, slash)) << (16 * part);
            opens |= mask(_mm_cmpeq_epi8(bracket, open)) << (16 * part);
            closes |= mask(_mm_cmpeq_epi8(bracket, close)) << (16 * part);
        }
    }

    static uint64_t mask(__m128i v) { return uint64_t(uint32_t(_mm_movemask_epi8(v))); }
};

/// Goes on by whole blocks while the value cannot end in them. Stops before a block that needs a closer look.
size_t skipBlocks(const uint8_t *bytes, size_t length, BulwarkScan *scan) {
    size_t i = 0;
    for (; length - i >= 64; i += 64) {
        Block block(bytes + i);
        uint64_t escaped = scan->escaped ? 1 : 0, slashes = block.slashes & ~escaped;
        uint8_t carry = 0;
        while (slashes) {
            int at = __builtin_ctzll(slashes);
            if (at == 63) {
                carry = 1;
                break;
            }
            escaped |= 2ull << at;
            slashes &= ~(3ull << at);
        }
        uint64_t quotes = block.quotes & ~escaped, inside = quotes;
        for (int shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
        if (scan->inString) inside = ~inside;
        if (block.slashes & ~inside) break;  // a backslash outside of strings escapes nothing
        uint64_t opens = block.opens & ~inside, closes = block.closes & ~inside;
        uint32_t ends = uint32_t(__builtin_popcountll(closes));
        if (ends >= scan->depth) break;
        scan->depth += uint32_t(__builtin_popcountll(opens)) - ends;
        scan->inString ^= __builtin_popcountll(quotes) & 1;
        scan->escaped = carry;
    }
    return i;
}

}  // namespace
#endif

extern "C" size_t bulwark_json_skip(const uint8_t *bytes, size_t length, BulwarkScan *scan, int *done) noexcept {
    constexpr uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    size_t i = 0;
    *done = 0;
#ifdef __SSE2__
    size_t nextBlocks = 0;
#endif
    while (i < length) {
#ifdef __SSE2__
        if (scan->depth > 0 && i >= nextBlocks) {
            i += skipBlocks(bytes + i, length - i, scan);
            nextBlocks = i + 64;
            if (i == length) return i;
        }
#endif
        if (scan->inString) {
            if (scan->escaped) {
                scan->escaped = 0;
                i++;
                continue;
            }
            while (length - i >= 8) {
                uint64_t v = load8(bytes + i), quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
                if ((((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & highs) break;
                i += 8;
            }
            while (i < length && bytes[i] != '"' && bytes[i] != '\\') i++;
            if (i == length) return i;
            if (bytes[i++] == '\\') {
                scan->escaped = 1;
                continue;
            }
            scan->inString = 0;
            if (scan->depth == 0) {
                *done = 1;
                return i;
            }
            continue;
        }
        uint8_t c = bytes[i];
        if (scan->isScalar) {
            if (c == ',' || c == ']' || c == '}' || c == ':' || isSpace(c)) {
                *done = 1;
                return i;
            }
            i++;
            continue;
        }
        i++;
        if (c == '"') {
            scan->inString = 1;
        } else if (c == '{' || c == '[') {
            scan->depth++;
        } else if (c == '}' || c == ']') {
            if (scan->depth <= 1) {
                *done = 1;
                return i;
            }
            scan->depth--;
        } else if (scan->depth == 0) {
            scan->isScalar = 1;
        }
    }
    return length;
}
