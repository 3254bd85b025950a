// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#ifndef BULWARK_CSIMDJSON_H
#define BULWARK_CSIMDJSON_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
#define BULWARK_NOEXCEPT noexcept
extern "C" {
#else
#define BULWARK_NOEXCEPT
#endif

/// One value of a flat tree. The entries stand in source order, a container before its children.
typedef struct {
    uint32_t keyOffset;      // of the member's key in the pool
    uint32_t keyLengthKind;  // key length << 4 | kind
    uint32_t offset;         // of the scalar's text in the pool
    uint32_t length;         // bytes of the scalar's text, or the number of children
    uint32_t next;           // index of the first entry after this one's subtree
    uint32_t at;             // JSON: byte offset of the key or value in the source; YAML: its line
} BulwarkEntry;

enum {
    BULWARK_NULL = 0, BULWARK_FALSE = 1, BULWARK_TRUE = 2, BULWARK_NUMBER = 3,
    BULWARK_STRING = 4, BULWARK_ARRAY = 5, BULWARK_OBJECT = 6,
};

enum {
    BULWARK_JSON_OK = 0,
    BULWARK_JSON_EMPTY,
    BULWARK_JSON_NOT_UTF8,
    BULWARK_JSON_CONTROL_IN_STRING,
    BULWARK_JSON_UNCLOSED_STRING,
    BULWARK_JSON_UNCLOSED,           // the text ends inside an object or array
    BULWARK_JSON_EXPECTED_VALUE,
    BULWARK_JSON_EXPECTED_KEY,
    BULWARK_JSON_EXPECTED_COLON,
    BULWARK_JSON_EXPECTED_COMMA_OR_BRACE,
    BULWARK_JSON_EXPECTED_COMMA_OR_BRACKET,
    BULWARK_JSON_TRAILING_COMMA,
    BULWARK_JSON_TRAILING_CONTENT,
    BULWARK_JSON_BAD_NUMBER,
    BULWARK_JSON_BAD_ESCAPE,
    BULWARK_JSON_DUPLICATE_KEY,
    BULWARK_JSON_TOO_DEEP,
    BULWARK_JSON_TOO_MANY_NODES,
    BULWARK_JSON_TOO_LARGE,
    BULWARK_JSON_NO_MEMORY,
};

typedef struct {
    BulwarkEntry *entries;    // malloc'ed; the caller frees
    uint8_t *pool;            // malloc'ed; the source's bytes, then the strings that had escapes
    size_t count;
    size_t poolLength;
    size_t errorOffset;       // where in the source the error stands
    size_t firstOffset;       // duplicate key: where the first one stands
} BulwarkJSONResult;

typedef struct {
    uint32_t maxDepth;
    uint32_t maxNodes;
    int lastKeyWins;          // a repeated key is no error, its last value stays
} BulwarkJSONOptions;

/// Parses strict JSON into a flat tree. Returns a BULWARK_JSON_ code; `result` owns memory only when that is OK.
int bulwark_json_parse(const uint8_t *source, size_t length, const BulwarkJSONOptions *options,
                       BulwarkJSONResult *result) BULWARK_NOEXCEPT;

/// The offset of the first byte that is not well-formed UTF-8, or `length`.
size_t bulwark_first_bad_utf8(const uint8_t *source, size_t length) BULWARK_NOEXCEPT;

/// The offset of the first character of well-formed UTF-8 that YAML does not allow in a text, mostly control
/// characters, or `length`.
size_t bulwark_first_control(const uint8_t *source, size_t length) BULWARK_NOEXCEPT;

/// Where a scan for the end of a value stands; all zero at its first byte.
typedef struct {
    uint32_t depth;    // open brackets
    uint8_t inString;
    uint8_t escaped;   // the last byte was a backslash in a string
    uint8_t isScalar;  // a number or word, which the next delimiter ends
} BulwarkScan;

/// Looks for the end of one JSON value without checking it, in pieces of any size. Returns how many bytes of this piece
/// belong to the value; `*done` tells whether it has ended.
size_t bulwark_json_skip(const uint8_t *bytes, size_t length, BulwarkScan *scan, int *done) BULWARK_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
