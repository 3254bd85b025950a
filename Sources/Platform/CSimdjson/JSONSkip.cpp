// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
//
// Looks for the end of one JSON value without checking it.
#include "CSimdjson.h"

#include <cstring>
#ifdef __SSE2__
#include <immintrin.h>
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

/// The same with 32 bytes at a time.
struct WideBlock {
    uint64_t quotes, slashes, opens, closes;

    [[gnu::target("avx2"), gnu::always_inline]] explicit WideBlock(const uint8_t *bytes) {
        const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\'), low = _mm256_set1_epi8(0x20);
        const __m256i open = _mm256_set1_epi8('{'), close = _mm256_set1_epi8('}');
        const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(bytes));
        const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(bytes + 32));
        const __m256i c = _mm256_or_si256(a, low), d = _mm256_or_si256(b, low);  // [ becomes {, ] becomes }
        quotes = mask(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote));
        slashes = mask(_mm256_cmpeq_epi8(a, slash), _mm256_cmpeq_epi8(b, slash));
        opens = mask(_mm256_cmpeq_epi8(c, open), _mm256_cmpeq_epi8(d, open));
        closes = mask(_mm256_cmpeq_epi8(c, close), _mm256_cmpeq_epi8(d, close));
    }

    [[gnu::target("avx2"), gnu::always_inline]] static uint64_t mask(__m256i a, __m256i b) {
        return uint64_t(uint32_t(_mm256_movemask_epi8(a))) | uint64_t(uint32_t(_mm256_movemask_epi8(b))) << 32;
    }
};

/// The quotes that open or close a string, of the quotes of a block.
[[gnu::always_inline]] inline uint64_t realQuotes(uint64_t quotes, uint64_t slashes, uint8_t &carry) {
    uint64_t escaped = carry ? 1 : 0;
    slashes &= ~escaped;
    carry = 0;
    while (slashes) {
        int at = __builtin_ctzll(slashes);
        if (at == 63) {
            carry = 1;
            break;
        }
        escaped |= 2ull << at;
        slashes &= ~(3ull << at);
    }
    return quotes & ~escaped;
}

/// Counts what a block opens and closes; false when the value may end in it, or it needs a closer look.
[[gnu::always_inline]] inline bool take(
    uint64_t quotes, uint64_t inside, uint64_t slashes, uint64_t opens, uint64_t closes, uint8_t carry, BulwarkScan *scan
) {
    if (scan->inString) inside = ~inside;
    if (slashes & ~inside) return false;  // a backslash outside of strings escapes nothing
    uint32_t ends = uint32_t(__builtin_popcountll(closes & ~inside));
    if (ends >= scan->depth) return false;
    scan->depth += uint32_t(__builtin_popcountll(opens & ~inside)) - ends;
    scan->inString ^= __builtin_popcountll(quotes) & 1;
    scan->escaped = carry;
    return true;
}

/// Goes on by whole blocks while the value cannot end in them. Stops before a block that needs a closer look.
size_t skipBlocks(const uint8_t *bytes, size_t length, BulwarkScan *scan) {
    size_t i = 0;
    for (; length - i >= 64; i += 64) {
        Block block(bytes + i);
        uint8_t carry = scan->escaped;
        uint64_t quotes = realQuotes(block.quotes, block.slashes, carry), inside = quotes;
        for (int shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
        if (!take(quotes, inside, block.slashes, block.opens, block.closes, carry, scan)) break;
    }
    return i;
}

/// The same on processors that have what it takes to look at 32 bytes at once.
[[gnu::target("avx2,pclmul,popcnt,bmi")]] size_t skipWideBlocks(const uint8_t *bytes, size_t length, BulwarkScan *scan) {
    size_t i = 0;
    BulwarkScan state = *scan;
    for (; length - i >= 64; i += 64) {
        WideBlock block(bytes + i);
        uint8_t carry = state.escaped;
        uint64_t quotes = realQuotes(block.quotes, block.slashes, carry);
        // A product without carries: each bit is whether a string is open behind it.
        const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, int64_t(quotes)), _mm_set1_epi8(char(0xFF)), 0);
        if (!take(quotes, uint64_t(_mm_cvtsi128_si64(product)), block.slashes, block.opens, block.closes, carry, &state))
            break;
    }
    *scan = state;
    return i;
}

const bool hasWideBlocks = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul")
    && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi");

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
            i += hasWideBlocks ? skipWideBlocks(bytes + i, length - i, scan) : skipBlocks(bytes + i, length - i, scan);
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
