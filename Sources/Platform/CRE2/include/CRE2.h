// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#ifndef BULWARK_CRE2_H
#define BULWARK_CRE2_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#define BULWARK_NOEXCEPT noexcept
extern "C" {
#else
#define BULWARK_NOEXCEPT
#endif

/// A compiled pattern of RE2; may be used by many threads at once.
typedef struct BulwarkRE2 BulwarkRE2;

/// Compiles `length` bytes of a pattern. On failure gives NULL and writes why, NUL-terminated, to `error`.
/// `maxMemory` bounds the program and its cache of states, in bytes.
BulwarkRE2 *bulwark_re2_compile(
    const uint8_t *pattern, size_t length, int64_t maxMemory, bool longestMatch, char *error,
    size_t errorCapacity) BULWARK_NOEXCEPT;

void bulwark_re2_free(BulwarkRE2 *pattern) BULWARK_NOEXCEPT;

/// Number of capture groups, the whole match not counted.
int bulwark_re2_groups(const BulwarkRE2 *pattern) BULWARK_NOEXCEPT;

/// The name of a group (1-based), or NULL when it has none. Valid as long as the pattern.
const char *bulwark_re2_group_name(const BulwarkRE2 *pattern, int group) BULWARK_NOEXCEPT;

/// Searches text[from..<to]; anchors and word boundaries see the whole text. Fills `count` pairs of offsets (-1 where a group took no part).
/// 1: found, 0: not found, -1: no memory.
int bulwark_re2_match(
    const BulwarkRE2 *pattern, const uint8_t *text, size_t length, size_t from, size_t to,
    int64_t *offsets, int count) BULWARK_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
