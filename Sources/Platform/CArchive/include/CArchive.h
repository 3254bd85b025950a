// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#ifndef BULWARK_CARCHIVE_H
#define BULWARK_CARCHIVE_H
#include <archive.h>
#include <archive_entry.h>

/// NULL when libarchive is there, else why not. Ask before `archive_read_new`; nothing else may be called without its answer.
const char *bulwark_archive_problem(void);
#endif
