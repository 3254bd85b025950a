// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#ifndef BULWARK_CYARA_H
#define BULWARK_CYARA_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Rules on their way to being compiled. After `bulwark_yara_add` gave errors it is of no more use.
typedef struct BulwarkYaraCompiler BulwarkYaraCompiler;
/// Compiled rules; may be used by many threads at once.
typedef struct BulwarkYaraRules BulwarkYaraRules;
/// What one scan needs beside the rules; belongs to one thread at a time.
typedef struct BulwarkYaraScanner BulwarkYaraScanner;

/// Told each error and warning of a compilation.
typedef void (*BulwarkYaraComplaint)(void *context, bool isError, int line, const char *message);

/// Where matches go. Pointers are valid during the call.
typedef struct {
    void *context;
    /// A rule holds; followed by its strings. `rule` is its place among all rules.
    void (*rule)(void *context, uint32_t rule);
    /// One place where a string of the last rule stands; `length` bytes of its `matched` are given.
    void (*string)(
        void *context, const char *identifier, uint64_t offset, const uint8_t *bytes, size_t length, size_t matched);
} BulwarkYaraSink;

/// Bytes one after the other: fills the buffer and gives the number of bytes, 0 at the end, -1 on failure.
typedef struct {
    void *context;
    int64_t (*read)(void *context, uint8_t *buffer, size_t capacity);
    /// All bytes that will come, for what rules say of `filesize`; negative when unknown.
    int64_t size;
} BulwarkYaraSource;

/// What a rule says of itself.
typedef struct {
    const char *identifier;
    const char *space;
} BulwarkYaraRule;

/// NULL when libyara is there, else why not.
const char *bulwark_yara_problem(void);

/// NULL without libyara or memory. `include` is off; the variables filename, filepath, extension, filetype and owner,
/// which published rules use, exist.
BulwarkYaraCompiler *bulwark_yara_compiler(void);
void bulwark_yara_compiler_free(BulwarkYaraCompiler *compiler);
/// Adds a NUL-terminated text of rules. Gives the number of errors.
int bulwark_yara_add(
    BulwarkYaraCompiler *compiler, const char *text, const char *space, void *context, BulwarkYaraComplaint complain);
/// NULL when there is no memory.
BulwarkYaraRules *bulwark_yara_rules(BulwarkYaraCompiler *compiler);
void bulwark_yara_rules_free(BulwarkYaraRules *rules);
uint32_t bulwark_yara_count(const BulwarkYaraRules *rules);
BulwarkYaraRule bulwark_yara_rule(const BulwarkYaraRules *rules, uint32_t rule);
/// The text of a rule's metadata, or NULL. A number is written to `number`, which is else left alone.
const char *bulwark_yara_meta(const BulwarkYaraRules *rules, uint32_t rule, const char *name, int64_t *number);

/// NULL when there is no memory.
BulwarkYaraScanner *bulwark_yara_scanner(BulwarkYaraRules *rules);
void bulwark_yara_scanner_free(BulwarkYaraScanner *scanner);
/// Sets a text variable for the scans that follow.
void bulwark_yara_define(BulwarkYaraScanner *scanner, const char *name, const char *value);

/// How a scan ended.
enum { BULWARK_YARA_DONE, BULWARK_YARA_TIMEOUT, BULWARK_YARA_MEMORY, BULWARK_YARA_UNREADABLE, BULWARK_YARA_FAILED };
int bulwark_yara_scan(
    BulwarkYaraScanner *scanner, const uint8_t *bytes, size_t length, int seconds, const BulwarkYaraSink *sink);
/// The same piece by piece, with about 2 MB of memory. Of conditions that look at bytes themselves, those within the
/// first megabyte can be answered.
int bulwark_yara_stream(
    BulwarkYaraScanner *scanner, const BulwarkYaraSource *source, int seconds, const BulwarkYaraSink *sink);
#endif
