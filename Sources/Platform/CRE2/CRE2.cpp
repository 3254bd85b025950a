// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
#include "CRE2.h"

#include <cstring>
#include <map>
#include <new>
#include <re2/re2.h>
#include <string>
#include <vector>

struct BulwarkRE2 {
    RE2 pattern;
    std::map<int, std::string> names;

    BulwarkRE2(re2::StringPiece text, const RE2::Options &options) : pattern(text, options) {}
};

namespace {
void say(char *error, size_t capacity, const char *text) {
    if (capacity == 0) return;
    std::strncpy(error, text, capacity - 1);
    error[capacity - 1] = 0;
}
}  // namespace

BulwarkRE2 *bulwark_re2_compile(
    const uint8_t *pattern, size_t length, int64_t maxMemory, bool longestMatch, char *error,
    size_t errorCapacity) noexcept {
    try {
        RE2::Options options;
        options.set_log_errors(false);
        options.set_max_mem(maxMemory);
        options.set_longest_match(longestMatch);
        auto compiled = new BulwarkRE2(re2::StringPiece(reinterpret_cast<const char *>(pattern), length), options);
        if (!compiled->pattern.ok()) {
            say(error, errorCapacity, compiled->pattern.error().c_str());
            delete compiled;
            return nullptr;
        }
        compiled->names = compiled->pattern.CapturingGroupNames();
        return compiled;
    } catch (...) {
        say(error, errorCapacity, "no memory");
        return nullptr;
    }
}

void bulwark_re2_free(BulwarkRE2 *pattern) noexcept { delete pattern; }

int bulwark_re2_groups(const BulwarkRE2 *pattern) noexcept { return pattern->pattern.NumberOfCapturingGroups(); }

const char *bulwark_re2_group_name(const BulwarkRE2 *pattern, int group) noexcept {
    auto found = pattern->names.find(group);
    return found == pattern->names.end() ? nullptr : found->second.c_str();
}

int bulwark_re2_match(
    const BulwarkRE2 *pattern, const uint8_t *text, size_t length, size_t from, size_t to,
    int64_t *offsets, int count) noexcept {
    try {
        re2::StringPiece whole(reinterpret_cast<const char *>(text), length);
        re2::StringPiece few[16];
        std::vector<re2::StringPiece> many;
        re2::StringPiece *groups = few;
        if (count > 16) {
            many.resize(count);
            groups = many.data();
        }
        if (!pattern->pattern.Match(whole, from, to, RE2::UNANCHORED, groups, count)) return 0;
        for (int index = 0; index < count; index++) {
            if (groups[index].data() == nullptr) {
                offsets[2 * index] = offsets[2 * index + 1] = -1;
                continue;
            }
            offsets[2 * index] = groups[index].data() - whole.data();
            offsets[2 * index + 1] = offsets[2 * index] + static_cast<int64_t>(groups[index].size());
        }
        return 1;
    } catch (...) {
        return -1;
    }
}
