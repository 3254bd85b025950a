// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#include "CYara.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <yara.h>

// libyara is loaded at first use, since with what it needs itself it takes a millisecond and more of each start. The number in
// its name counts breaks of its interface.
#if YR_MAJOR_VERSION != 4
#error "this version of libyara has another library name"
#elif YR_MINOR_VERSION < 1
#define LIBRARY "libyara.so.4"
#elif YR_MINOR_VERSION < 3
#define LIBRARY "libyara.so.9"
#else
#define LIBRARY "libyara.so.10"
#endif

#define FUNCTIONS(F)                                                                                                   \
    F(yr_initialize)                                                                                                   \
    F(yr_compiler_create)                                                                                              \
    F(yr_compiler_destroy)                                                                                             \
    F(yr_compiler_add_string)                                                                                          \
    F(yr_compiler_define_string_variable)                                                                              \
    F(yr_compiler_get_rules)                                                                                           \
    F(yr_compiler_set_callback)                                                                                        \
    F(yr_compiler_set_include_callback)                                                                                \
    F(yr_rules_destroy)                                                                                                \
    F(yr_scanner_create)                                                                                               \
    F(yr_scanner_destroy)                                                                                              \
    F(yr_scanner_define_string_variable)                                                                               \
    F(yr_scanner_set_callback)                                                                                         \
    F(yr_scanner_set_flags)                                                                                            \
    F(yr_scanner_set_timeout)                                                                                          \
    F(yr_scanner_scan_mem)                                                                                             \
    F(yr_scanner_scan_mem_blocks)

#define POINTER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(POINTER)
} yara;

// Pieces of a stream, and how far each reaches back into the one before, so that what stands across two is found.
enum { PIECE = 1 << 20, OVERLAP = 4 << 10, STRINGS_PER_RULE = 8 };

struct BulwarkYaraCompiler {
    YR_COMPILER *compiler;
};
struct BulwarkYaraRules {
    YR_RULES *rules;
};
struct BulwarkYaraScanner {
    YR_SCANNER *scanner;
    YR_RULES *rules;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *problem;

static void start(void) {
    void *handle = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        problem = "the library " LIBRARY " cannot be loaded: install it";
        return;
    }
#define RESOLVE(name)                                                                                                  \
    yara.name = (__typeof__(&name))dlsym(handle, #name);                                                               \
    if (yara.name == NULL) problem = "the library " LIBRARY " lacks " #name;
    FUNCTIONS(RESOLVE)
    if (problem == NULL && yara.yr_initialize() != ERROR_SUCCESS) problem = "libyara does not start";
}

const char *bulwark_yara_problem(void) {
    pthread_once(&once, start);
    return problem;
}

BulwarkYaraCompiler *bulwark_yara_compiler(void) {
    if (bulwark_yara_problem() != NULL) return NULL;
    BulwarkYaraCompiler *made = malloc(sizeof *made);
    if (made == NULL) return NULL;
    if (yara.yr_compiler_create(&made->compiler) != ERROR_SUCCESS) {
        free(made);
        return NULL;
    }
    yara.yr_compiler_set_include_callback(made->compiler, NULL, NULL, NULL);
    static const char *const names[] = {"filename", "filepath", "extension", "filetype", "owner"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        yara.yr_compiler_define_string_variable(made->compiler, names[index], "");
    return made;
}

void bulwark_yara_compiler_free(BulwarkYaraCompiler *compiler) {
    if (compiler == NULL) return;
    yara.yr_compiler_destroy(compiler->compiler);
    free(compiler);
}

struct Complaints {
    void *context;
    BulwarkYaraComplaint complain;
};

static void complained(
    int level, const char *file, int line, const YR_RULE *rule, const char *message, void *user) {
    (void)file;
    (void)rule;
    struct Complaints *complaints = user;
    complaints->complain(complaints->context, level == YARA_ERROR_LEVEL_ERROR, line, message);
}

int bulwark_yara_add(
    BulwarkYaraCompiler *compiler, const char *text, const char *space, void *context, BulwarkYaraComplaint complain) {
    struct Complaints complaints = {context, complain};
    yara.yr_compiler_set_callback(compiler->compiler, complained, &complaints);
    int errors = yara.yr_compiler_add_string(compiler->compiler, text, space);
    yara.yr_compiler_set_callback(compiler->compiler, NULL, NULL);
    return errors;
}

BulwarkYaraRules *bulwark_yara_rules(BulwarkYaraCompiler *compiler) {
    BulwarkYaraRules *made = malloc(sizeof *made);
    if (made == NULL) return NULL;
    if (yara.yr_compiler_get_rules(compiler->compiler, &made->rules) != ERROR_SUCCESS) {
        free(made);
        return NULL;
    }
    return made;
}

void bulwark_yara_rules_free(BulwarkYaraRules *rules) {
    if (rules == NULL) return;
    yara.yr_rules_destroy(rules->rules);
    free(rules);
}

uint32_t bulwark_yara_count(const BulwarkYaraRules *rules) { return rules->rules->num_rules; }

BulwarkYaraRule bulwark_yara_rule(const BulwarkYaraRules *rules, uint32_t rule) {
    const YR_RULE *found = &rules->rules->rules_table[rule];
    BulwarkYaraRule described = {found->identifier, found->ns->name};
    return described;
}

const char *bulwark_yara_meta(const BulwarkYaraRules *rules, uint32_t rule, const char *name, int64_t *number) {
    const YR_RULE *found = &rules->rules->rules_table[rule];
    YR_META *meta;
    yr_rule_metas_foreach(found, meta) {
        if (strcmp(meta->identifier, name) != 0) continue;
        if (meta->type == META_TYPE_STRING) return meta->string;
        *number = meta->integer;
    }
    return NULL;
}

BulwarkYaraScanner *bulwark_yara_scanner(BulwarkYaraRules *rules) {
    BulwarkYaraScanner *made = malloc(sizeof *made);
    if (made == NULL) return NULL;
    made->rules = rules->rules;
    if (yara.yr_scanner_create(rules->rules, &made->scanner) != ERROR_SUCCESS) {
        free(made);
        return NULL;
    }
    // The bytes are ours, so that no handler of signals is needed; one string in a million places is as good as in one.
    yara.yr_scanner_set_flags(
        made->scanner, SCAN_FLAGS_REPORT_RULES_MATCHING | SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_NO_TRYCATCH);
    return made;
}

void bulwark_yara_scanner_free(BulwarkYaraScanner *scanner) {
    if (scanner == NULL) return;
    yara.yr_scanner_destroy(scanner->scanner);
    free(scanner);
}

void bulwark_yara_define(BulwarkYaraScanner *scanner, const char *name, const char *value) {
    yara.yr_scanner_define_string_variable(scanner->scanner, name, value);
}

struct Scan {
    const BulwarkYaraSink *sink;
    const YR_RULES *rules;
};

static int happened(YR_SCAN_CONTEXT *context, int message, void *data, void *user) {
    struct Scan *scan = user;
    // Also where a string stands in more places than are counted: one is enough for most rules.
    if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
    YR_RULE *rule = data;
    scan->sink->rule(scan->sink->context, (uint32_t)(rule - scan->rules->rules_table));
    YR_STRING *string;
    int given = 0;
    yr_rule_strings_foreach(rule, string) {
        YR_MATCH *match;
        yr_string_matches_foreach(context, string, match) {
            if (given++ >= STRINGS_PER_RULE) return CALLBACK_CONTINUE;
            scan->sink->string(
                scan->sink->context, string->identifier, (uint64_t)(match->base + match->offset), match->data,
                match->data_length > 0 ? (size_t)match->data_length : 0,
                match->match_length > 0 ? (size_t)match->match_length : 0);
            // One place of each string tells enough.
            break;
        }
    }
    return CALLBACK_CONTINUE;
}

static int outcome(int error) {
    switch (error) {
        case ERROR_SUCCESS: return BULWARK_YARA_DONE;
        case ERROR_SCAN_TIMEOUT: return BULWARK_YARA_TIMEOUT;
        case ERROR_INSUFFICIENT_MEMORY: return BULWARK_YARA_MEMORY;
        case ERROR_COULD_NOT_READ_FILE: return BULWARK_YARA_UNREADABLE;
        default: return BULWARK_YARA_FAILED;
    }
}

int bulwark_yara_scan(
    BulwarkYaraScanner *scanner, const uint8_t *bytes, size_t length, int seconds, const BulwarkYaraSink *sink) {
    struct Scan scan = {sink, scanner->rules};
    yara.yr_scanner_set_callback(scanner->scanner, happened, &scan);
    yara.yr_scanner_set_timeout(scanner->scanner, seconds);
    return outcome(yara.yr_scanner_scan_mem(scanner->scanner, bytes, length));
}

struct Stream {
    const BulwarkYaraSource *source;
    YR_MEMORY_BLOCK block;
    // The first piece stays: conditions are judged at the end and look at its bytes again.
    uint8_t *head, *rest;
    size_t headLength;
    uint64_t offset;
    bool headOnly;
};

static const uint8_t *head(YR_MEMORY_BLOCK *block) { return ((struct Stream *)block->context)->head; }
static const uint8_t *rest(YR_MEMORY_BLOCK *block) { return ((struct Stream *)block->context)->rest; }

/// Fills the buffer as far as there are bytes; -1 on failure.
static int64_t fill(const BulwarkYaraSource *source, uint8_t *buffer, size_t capacity) {
    size_t done = 0;
    while (done < capacity) {
        int64_t count = source->read(source->context, buffer + done, capacity - done);
        if (count < 0 || (uint64_t)count > capacity - done) return -1;
        if (count == 0) break;
        done += (size_t)count;
    }
    return (int64_t)done;
}

static YR_MEMORY_BLOCK *first(YR_MEMORY_BLOCK_ITERATOR *iterator) {
    struct Stream *stream = iterator->context;
    iterator->last_error = ERROR_SUCCESS;
    if (stream->offset > 0) {
        stream->headOnly = true;
    } else {
        int64_t count = fill(stream->source, stream->head, PIECE);
        if (count < 0) {
            iterator->last_error = ERROR_COULD_NOT_READ_FILE;
            return NULL;
        }
        stream->headLength = stream->offset = (uint64_t)count;
        size_t kept = stream->headLength < OVERLAP ? stream->headLength : OVERLAP;
        memcpy(stream->rest + OVERLAP - kept, stream->head + stream->headLength - kept, kept);
    }
    stream->block.base = 0;
    stream->block.size = stream->headLength;
    stream->block.fetch_data = head;
    return stream->headLength > 0 ? &stream->block : NULL;
}

static YR_MEMORY_BLOCK *next(YR_MEMORY_BLOCK_ITERATOR *iterator) {
    struct Stream *stream = iterator->context;
    iterator->last_error = ERROR_SUCCESS;
    if (stream->headOnly || stream->headLength < PIECE) return NULL;
    // After the first piece the buffer's overlap is filled already; later it is moved down from the end.
    if (stream->offset > PIECE) memmove(stream->rest, stream->rest + PIECE, OVERLAP);
    int64_t count = fill(stream->source, stream->rest + OVERLAP, PIECE);
    if (count <= 0) {
        if (count < 0) iterator->last_error = ERROR_COULD_NOT_READ_FILE;
        stream->headOnly = true;
        return NULL;
    }
    stream->block.base = stream->offset - OVERLAP;
    stream->block.size = OVERLAP + (size_t)count;
    stream->block.fetch_data = rest;
    stream->offset += (uint64_t)count;
    if (count < PIECE) stream->headOnly = true;
    return &stream->block;
}

static uint64_t size(YR_MEMORY_BLOCK_ITERATOR *iterator) {
    struct Stream *stream = iterator->context;
    return stream->source->size < 0 ? stream->offset : (uint64_t)stream->source->size;
}

int bulwark_yara_stream(
    BulwarkYaraScanner *scanner, const BulwarkYaraSource *source, int seconds, const BulwarkYaraSink *sink) {
    struct Stream stream = {.source = source};
    stream.head = malloc(PIECE);
    stream.rest = malloc(OVERLAP + PIECE);
    int result = BULWARK_YARA_MEMORY;
    if (stream.head != NULL && stream.rest != NULL) {
        stream.block.context = &stream;
        YR_MEMORY_BLOCK_ITERATOR iterator = {
            .context = &stream, .first = first, .next = next, .file_size = size, .last_error = ERROR_SUCCESS};
        struct Scan scan = {sink, scanner->rules};
        yara.yr_scanner_set_callback(scanner->scanner, happened, &scan);
        yara.yr_scanner_set_timeout(scanner->scanner, seconds);
        result = outcome(yara.yr_scanner_scan_mem_blocks(scanner->scanner, &iterator));
    }
    free(stream.head);
    free(stream.rest);
    return result;
}
