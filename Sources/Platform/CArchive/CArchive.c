// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
// libarchive, loaded at first use. With what it needs itself (XML, ciphers, ICU) it takes 3 ms to load, a third of the
// start of a program that mostly reads manifests. Its header stays the only description of the functions.
#pragma GCC visibility push(hidden)
#include "CArchive.h"
#pragma GCC visibility pop

#include <dlfcn.h>
#include <pthread.h>

// The number in the library's name counts breaks of its interface; version 3 has kept 13 all along.
#if ARCHIVE_VERSION_NUMBER < 3000000 || ARCHIVE_VERSION_NUMBER >= 4000000
#error "this version of libarchive has another library name"
#endif
#define LIBRARY "libarchive.so.13"

#define FUNCTIONS(F)                                                                                                   \
    F(struct archive *, archive_read_new, (void), ())                                                                  \
    F(int, archive_read_free, (struct archive * a), (a))                                                               \
    F(int, archive_read_support_format_tar, (struct archive * a), (a))                                                 \
    F(int, archive_read_support_format_zip, (struct archive * a), (a))                                                 \
    F(int, archive_read_support_format_raw, (struct archive * a), (a))                                                 \
    F(int, archive_read_support_format_empty, (struct archive * a), (a))                                               \
    F(int, archive_read_support_filter_gzip, (struct archive * a), (a))                                                \
    F(int, archive_read_support_filter_zstd, (struct archive * a), (a))                                                \
    F(int, archive_read_support_filter_xz, (struct archive * a), (a))                                                  \
    F(int, archive_read_support_filter_bzip2, (struct archive * a), (a))                                               \
    F(int, archive_read_set_read_callback, (struct archive * a, archive_read_callback * f), (a, f))                    \
    F(int, archive_read_set_skip_callback, (struct archive * a, archive_skip_callback * f), (a, f))                    \
    F(int, archive_read_set_seek_callback, (struct archive * a, archive_seek_callback * f), (a, f))                    \
    F(int, archive_read_set_callback_data, (struct archive * a, void *data), (a, data))                                \
    F(int, archive_read_open1, (struct archive * a), (a))                                                              \
    F(int, archive_read_next_header, (struct archive * a, struct archive_entry * *entry), (a, entry))                  \
    F(la_ssize_t, archive_read_data, (struct archive * a, void *bytes, size_t count), (a, bytes, count))               \
    F(la_int64_t, archive_filter_bytes, (struct archive * a, int filter), (a, filter))                                 \
    F(const char *, archive_error_string, (struct archive * a), (a))                                                   \
    F(const char *, archive_entry_pathname, (struct archive_entry * e), (e))                                           \
    F(const char *, archive_entry_pathname_utf8, (struct archive_entry * e), (e))                                      \
    F(const char *, archive_entry_hardlink, (struct archive_entry * e), (e))                                           \
    F(const char *, archive_entry_hardlink_utf8, (struct archive_entry * e), (e))                                      \
    F(const char *, archive_entry_symlink, (struct archive_entry * e), (e))                                            \
    F(const char *, archive_entry_symlink_utf8, (struct archive_entry * e), (e))                                       \
    F(__LA_MODE_T, archive_entry_filetype, (struct archive_entry * e), (e))                                            \
    F(__LA_MODE_T, archive_entry_perm, (struct archive_entry * e), (e))                                                \
    F(int, archive_entry_size_is_set, (struct archive_entry * e), (e))                                                 \
    F(la_int64_t, archive_entry_size, (struct archive_entry * e), (e))                                                 \
    F(la_int64_t, archive_entry_uid, (struct archive_entry * e), (e))                                                  \
    F(la_int64_t, archive_entry_gid, (struct archive_entry * e), (e))                                                  \
    F(time_t, archive_entry_mtime, (struct archive_entry * e), (e))                                                    \
    F(dev_t, archive_entry_rdevmajor, (struct archive_entry * e), (e))                                                 \
    F(dev_t, archive_entry_rdevminor, (struct archive_entry * e), (e))                                                 \
    F(int, archive_entry_sparse_count, (struct archive_entry * e), (e))                                                \
    F(int, archive_entry_xattr_count, (struct archive_entry * e), (e))                                                 \
    F(int, archive_entry_xattr_reset, (struct archive_entry * e), (e))                                                 \
    F(int, archive_entry_xattr_next,                                                                                   \
      (struct archive_entry * e, const char **name, const void **value, size_t *size), (e, name, value, size))         \
    F(int, archive_entry_is_data_encrypted, (struct archive_entry * e), (e))

#define POINTER(result, name, parameters, arguments) __typeof__(&name) name;
static struct {
    FUNCTIONS(POINTER)
} library;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *problem;

static void load(void) {
    void *handle = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        problem = "the library " LIBRARY " cannot be loaded: install it";
        return;
    }
#define RESOLVE(result, name, parameters, arguments)                                                                   \
    library.name = (__typeof__(&name))dlsym(handle, #name);                                                            \
    if (library.name == NULL) problem = "the library " LIBRARY " lacks " #name;
    FUNCTIONS(RESOLVE)
}

const char *bulwark_archive_problem(void) {
    pthread_once(&once, load);
    return problem;
}

#define FORWARD(result, name, parameters, arguments)                                                                   \
    result name parameters { return library.name arguments; }
FUNCTIONS(FORWARD)
